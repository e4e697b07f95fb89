"""A recorded request goes out as it was recorded, but for what belongs to the connection."""

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.message import HostField, Message, UnsendableError, message

HOST = HostField(authority=b"127.0.0.1:8080")


def built(
    *headers: tuple[str, str], body: bytes = b"", method: str = "GET", host: HostField = HOST
) -> Message:
    return message("id-1", method=method, path="/p?q=%C3%A4", headers=headers, body=body, host=host)


def wire(*headers: tuple[str, str], body: bytes = b"", method: str = "GET", host: HostField = HOST) -> bytes:
    return built(*headers, body=body, method=method, host=host).sent_as(b"id-1", due_ns=None)


def test_names_values_and_order_stay_as_recorded() -> None:
    headers = [("hOST", "shop.example"), ("Accept", "*/*"), ("X-Odd", "a  b\t;\xe9"), ("accept", "text/html")]
    assert wire(*headers) == (
        b"GET /p?q=%C3%A4 HTTP/1.1\r\nhOST: shop.example\r\nAccept: */*\r\nX-Odd: a  b\t;\xe9\r\n"
        b"accept: text/html\r\nX-Request-Id: id-1\r\n\r\n"
    )


def test_fields_of_the_old_connection_are_left_out() -> None:
    sent = wire(
        ("Host", "h"),
        ("Connection", "keep-alive, X-Hop"),
        ("Keep-Alive", "timeout=5"),
        ("X-Hop", "1"),
        ("Transfer-Encoding", "chunked"),
        ("Upgrade", "h2c"),
        ("HTTP2-Settings", "AAMA"),
        ("TE", "trailers"),
        ("X-Sparring-Due", "12"),
        body=b"abc",
        method="POST",
    )
    assert sent == (
        b"POST /p?q=%C3%A4 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nX-Request-Id: id-1\r\n\r\nabc"
    )


def test_the_length_is_that_of_the_body_in_the_place_of_the_recorded_one() -> None:
    sent = wire(("Host", "h"), ("content-length", "999"), ("A", "b"), ("Content-Length", "1"), body=b"abcd")
    assert b"Host: h\r\ncontent-length: 4\r\nA: b\r\nX-Request-Id: id-1\r\n\r\nabcd" in sent
    assert sent.lower().count(b"content-length") == 1


@pytest.mark.parametrize(
    ("method", "has_length"),
    [("POST", True), ("PUT", True), ("PATCH", True), ("GET", False), ("DELETE", False)],
)
def test_an_empty_body_has_a_length_where_the_method_expects_one(method: str, has_length: bool) -> None:
    assert (b"Content-Length: 0\r\n" in wire(("Host", "h"), method=method)) is has_length


def test_the_id_of_the_trace_stands_where_the_recorded_one_stood() -> None:
    sent = wire(("Host", "h"), ("x-request-id", "other"), ("A", "b"), ("X-Request-Id", "third"))
    assert sent.endswith(b"Host: h\r\nx-request-id: id-1\r\nA: b\r\n\r\n")


def test_a_recorded_id_that_is_the_traces_own_stays_byte_for_byte() -> None:
    headers = [("Host", "h"), ("X-REQUEST-ID", "id-1"), ("A", "b")]
    assert wire(*headers).endswith(b"Host: h\r\nX-REQUEST-ID: id-1\r\nA: b\r\n\r\n")


def test_a_later_pass_sends_the_same_under_its_own_id() -> None:
    request = built(("Host", "h"), body=b"xy", method="POST")
    assert request.sent_as(b"id-1~2", due_ns=None) == request.sent_as(b"id-1", due_ns=None).replace(
        b"id-1", b"id-1~2"
    )


def test_the_due_time_is_told_when_there_is_one_to_tell() -> None:
    sent = built(("Host", "h")).sent_as(b"id-1", due_ns=-5)
    assert sent.endswith(b"X-Request-Id: id-1\r\nX-Sparring-Due: -5\r\n\r\n")


def test_a_host_is_added_where_there_was_none_and_replaced_on_request() -> None:
    assert b"HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n" in wire(("A", "b"))
    replaced = wire(("A", "b"), ("HOST", "shop"), host=HostField(authority=b"t:1", replace=True))
    assert b"HTTP/1.1\r\nA: b\r\nHOST: t:1\r\n" in replaced


def test_characters_beyond_latin_1_are_sent_as_utf_8() -> None:
    assert b"X: \xf0\x9f\x90\xb5\r\n" in wire(("Host", "h"), ("X", "🐵"))


@pytest.mark.parametrize(
    ("request_parts", "says"),
    [
        ({"method": "GE T"}, "method"),
        ({"method": ""}, "method"),
        ({"path": "/a b"}, "path"),
        ({"path": ""}, "path"),
        ({"path": "/a\r\nX: y"}, "path"),
        ({"headers": [("A\r\nB", "c")]}, "field name"),
        ({"headers": [(":authority", "c")]}, "field name"),
        ({"headers": [("A", "b\r\nC: d")]}, "field value"),
        ({"headers": [("A", "b\x00")]}, "field value"),
        ({"request_id": "a\nb"}, "id"),
    ],
)
def test_what_would_change_its_meaning_is_not_built(request_parts: dict[str, object], says: str) -> None:
    parts: dict[str, object] = {"request_id": "i", "method": "GET", "path": "/", "headers": [], "body": b""}
    parts |= request_parts
    with pytest.raises(UnsendableError, match=f"its {says}"):
        message(parts.pop("request_id"), host=HOST, **parts)  # type: ignore[arg-type]  # a table of wrong parts


tokens = st.text(alphabet="abcXYZ019-_!", min_size=1, max_size=12)
values = st.text(
    alphabet=st.characters(min_codepoint=0x21, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=30
)
mines = st.sampled_from(["Connection", "Content-Length", "Transfer-Encoding", "X-Request-Id", "Host", "TE"])


class Seen:
    """What an independent parser makes of the bytes."""

    def __init__(self, raw: bytes) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""
        self.complete = 0
        httptools.HttpRequestParser(self).feed_data(raw)

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name, value))

    def on_body(self, piece: bytes) -> None:
        self.body += piece

    def on_message_complete(self) -> None:
        self.complete += 1


@given(
    headers=st.lists(st.tuples(tokens | mines, values), max_size=12),
    body=st.binary(max_size=200),
    method=st.sampled_from(["GET", "POST", "DELETE"]),
)
def test_any_recorded_request_is_one_request_with_the_recorded_body(
    headers: list[tuple[str, str]], body: bytes, method: str
) -> None:
    seen = Seen(wire(*headers, body=body, method=method))
    assert (seen.complete, seen.body) == (1, body)
    names = [name.lower() for name, _ in seen.headers]
    assert names.count(b"x-request-id") == 1
    assert names.count(b"content-length") <= 1
    assert b"transfer-encoding" not in names
    assert b"connection" not in names
    own = {"connection", "content-length", "transfer-encoding", "x-request-id", "host", "te"}
    listed = {part.strip().lower() for n, v in headers if n == "Connection" for part in v.split(",")}
    kept = [(n.encode(), v.encode("latin-1")) for n, v in headers if n.lower() not in own | listed]
    assert [field for field in seen.headers if field[0].lower().decode() not in own] == [
        (name, value.rstrip(b"\t ")) for name, value in kept
    ]
