"""No credential gets past the redactor, what is not one does, and what it remembers is bounded."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recording.credentials import KEY_FORMS, SECRET_FIELDS, SECRET_PARAMETERS
from recording.documents import load_text
from recording.errors import InputError
from recording.redaction import RAW_BYTES, RedactConfig, Redactor

MASK = b"[redacted]"
words = st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789", min_size=12, max_size=30).map(str.encode)
secret_names = st.sampled_from(
    [
        *sorted(SECRET_FIELDS),
        b"X-API-Key",
        b"X-My-Token",
        b"client_secret",
        b"Db-Password",
        b"X-Session-Id",
        b"Ocp-Apim-Subscription-Key",
        b"X-Csrf-Token",
        b"DD-APPLICATION-KEY",
    ]
)
EXAMPLES = (
    b"sk-proj-abcdefghijklmnop1234",
    b"sk_live_abcdefgh1234",
    b"AKIAIOSFODNN7EXAMPLE",
    b"ghp_abcdefghijklmnopqrstuvwxyz012345",
    b"github_pat_abcdefghijklmnop1234",
    b"glpat-abcdefghijklmnop1234",
    b"xoxb-1234567890-abcdef",
    b"hf_abcdefghijklmnopqrstuvwx",
    b"nvapi-abcdefghijklmnop1234",
    b"AIzaSyA1234567890abcdefghijklmnopqrstuv",
    b"ya29.a0AfH6SMBabcdefg",
    b"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
)


def redactor(**config: tuple[str, ...]) -> Redactor:
    return Redactor(RedactConfig(**config))


@given(name=secret_names, secret=words, scheme=st.sampled_from([b"", b"Bearer ", b"Basic ", b"Unknown "]))
def test_a_field_with_a_secrets_name_never_shows_its_value(name: bytes, secret: bytes, scheme: bytes) -> None:
    lines = b"Host: a\r\n%b: %b%b\r\nAccept: */*\r\n" % (name, scheme, secret)
    subject = redactor()
    for _ in range(2):  # new, and remembered
        masked = subject.lines(lines)
        assert secret not in masked
        assert masked.startswith(b"Host: a\r\n%b: " % name)
        assert masked.endswith(MASK + b"\r\nAccept: */*\r\n")
        assert secret not in subject.raw(b"POST / HTTP/1.1\r\n" + lines)


def test_every_well_known_form_of_a_key_has_an_example_here() -> None:
    for form, example in zip(KEY_FORMS, EXAMPLES, strict=True):
        assert re.fullmatch(form, example), form


@pytest.mark.parametrize("key", [*EXAMPLES, b"Bearer abc.def-123", b"basic dXNlcjpwYXNzd29yZA=="])
def test_a_key_of_a_known_form_is_masked_wherever_it_stands(key: bytes) -> None:
    subject = redactor()
    hidden = key.split(b" ")[-1]
    for masked in (
        subject.lines(b"X-Note: before %b, after\r\n" % key),
        subject.target(b"/v1/%b/x?q=%b&r=1" % (key, key)),
        subject.target(b"/p?q=" + key.replace(b" ", b"%20")),
        subject.raw(b"GARBAGE %b\r\nnot a field %b\r\n" % (key, key)),
    ):
        assert hidden not in masked
        assert MASK in masked


@given(
    name=st.sampled_from([*sorted(SECRET_PARAMETERS), b"api_key", b"access_token", b"X-Amz-Credential"]),
    secret=words,
    upper=st.booleans(),
)
def test_a_secret_parameter_is_masked_and_its_neighbours_are_not(
    name: bytes, secret: bytes, upper: bool
) -> None:
    spelled = name.upper() if upper else name
    escaped = b"".join(b"%%%02x" % letter for letter in name)
    subject = redactor()
    for query in (spelled, escaped):
        masked = subject.target(b"/p?max_tokens=5&%b=%b&b=2#top" % (query, secret))
        assert masked == b"/p?max_tokens=5&%b=%b&b=2#top" % (query, MASK)
    assert secret not in subject.lines(b"Referer: https://h/p?x=1&%b=%b\r\n" % (spelled, secret))
    assert secret not in subject.raw(b"GET /p?%b=%b HTTP/1.1\r\n" % (spelled, secret))
    assert secret not in subject.raw(b"GET /p?%b=%b" % (spelled, secret))


def test_the_password_of_a_url_is_masked() -> None:
    masked = redactor().lines(b"Location: https://me:hunter22@host/x\r\n")
    assert masked == b"Location: https://[redacted]@host/x\r\n"


@pytest.mark.parametrize(
    "lines",
    [
        b"Host: a\r\nContent-Type: application/json\r\nAccept: */*\r\nUser-Agent: task-basic/1\r\n",
        b"X-Request-Id: 0123456789abcdef0123456789abcdef\r\nIdempotency-Key: 8e03978e-40d5\r\n",
        b'WWW-Authenticate: Basic realm="models"\r\nX-Max-Tokens: 12\r\nX-Token-Count: 3\r\n',
        b"X-A:no blank\r\nX-B:\t tab\r\nX-A: twice\r\nEmpty:\r\n",
        b"",
    ],
)
def test_what_is_no_secret_stays_byte_for_byte(lines: bytes) -> None:
    subject = redactor()
    assert [subject.lines(lines), subject.lines(lines)] == [lines, lines]


def test_names_can_be_added_kept_and_matched_by_patterns() -> None:
    subject = redactor(
        headers=("X-Tenant",), keep=("Cookie", "sig"), query=("user",), patterns=(r"cust-\d{4}",)
    )
    lines = b"x-tenant: acme\r\nCookie: a=b\r\nX-Ref: for cust-1234\r\nX-Id: 0123456789abcdef\r\n"
    assert subject.lines(lines) == (
        b"x-tenant: [redacted]\r\nCookie: a=b\r\nX-Ref: for [redacted]\r\nX-Id: 0123456789abcdef\r\n"
    )
    assert subject.target(b"/p?user=me&sig=1") == b"/p?user=[redacted]&sig=1"
    assert redactor(patterns=(r"\d{16}",)).lines(b"X-Id: 0123456789012345\r\n") == b"X-Id: [redacted]\r\n"


def test_a_pattern_that_is_none_is_an_error_with_its_line() -> None:
    with pytest.raises(InputError, match=r"f\.yaml:.*regular expression"):
        load_text("patterns: ['(']\n", RedactConfig, source="f.yaml")


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\nAuthorization: hidden-1\n\n",
        b"GET / HTTP/1.1\r\nAuthorization : hidden-1\r\n\r\n",
        b"GET / HTTP/1.1\r\nAuthorization: x\r\n hidden-1\r\n\thidden-1\r\nHost: a\r\n",
        b"GET / HTTP/1.1\r\n Authorization: hidden-1\r\n",
        b"GET / HTTP/1.1\rAuthorization: hidden-1\r\r",
        b"Authorization: hidden-1",
        b"GET / HTTP/1.1\r\n\r\nuser=a&password=hidden-1",
        b'GET / HTTP/1.1\r\n\r\n{"api_key": "hidden-1"}',
        b"GET http://me:hidden-1@host/ HTTP/1.1\r\n",
    ],
)
def test_a_head_that_is_malformed_hides_its_secrets_too(head: bytes) -> None:
    masked = redactor().raw(head)
    assert b"hidden-1" not in masked
    assert MASK in masked


@given(raw=st.binary(max_size=3 * RAW_BYTES))
def test_whatever_bytes_are_refused_their_start_is_capped(raw: bytes) -> None:
    assert len(redactor().raw(raw)) <= RAW_BYTES


def test_what_is_remembered_is_bounded() -> None:
    subject = redactor()
    for number in range(20_000):
        subject.lines(b"X-Note: number %d!\r\n" % number)
        subject.target(b"/p/%d" % number)
    subject.lines(b"X-Note: %b\r\n" % (b"long!" * 10_000))
    for memory in (subject._heads, subject._lines, subject._targets):
        assert 0 < len(memory) <= 4096
        assert max(map(len, memory)) <= 4096


def test_a_unique_request_id_is_not_remembered() -> None:
    """So that it costs neither memory nor the heads that do come again."""
    subject = redactor()
    for number in range(100):
        lines = b"Host: a\r\nX-Request-Id: %032x\r\n" % number
        assert subject.lines(lines) == lines
    assert (len(subject._heads), sorted(subject._lines)) == (0, [b"", b"Host: a"])


@given(
    lines=st.lists(
        st.sampled_from(
            [b"Host: a", b"Authorization: Bearer same-id-0123", b"X-Note: same-id-0123", b"X-Token: abc"]
        ),
        max_size=4,
    ),
    name=st.sampled_from([b"X-Request-Id", b"x-request-id", b"X-Other", b"X-Secret"]),
    ids=st.lists(
        st.sampled_from([b"1", b"same-id-0123", b"H", b"Bearer", b"sk-abcdefghijklmnopqrstuvwx"]), min_size=2
    ),
    at=st.integers(0, 4),
)
def test_knowing_the_request_id_changes_nothing_but_the_speed(
    lines: list[bytes], name: bytes, ids: list[bytes], at: int
) -> None:
    """Whatever was remembered of heads with other ids."""
    knowing = redactor()
    for request_id in ids:
        place = min(at, len(lines))
        whole = [*lines[:place], b"%b: %b" % (name, request_id), *lines[place:], b""]
        head = b"\r\n".join(whole)
        assert knowing.lines(head, request_id) == redactor().lines(head)
