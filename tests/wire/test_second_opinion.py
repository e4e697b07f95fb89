"""What our grammar accepts, llhttp and h11 accept too, and read the same in it: the strictest of three. And
it reads the same however the bytes were cut.

The other way round does not hold, and need not: what we refuse, they may take.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import h11
import httptools
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wire.errors import WireError
from wire.fields import FRAMING, HOP_BY_HOP, Fields, listed_names, may_trail, split_lines
from wire.request_line import METHODS
from wire.request_reader import RequestHead, RequestReader
from wire.response_reader import ResponseReader

ENDED_HERE = HOP_BY_HOP | FRAMING


@dataclass(kw_only=True)
class Told:
    """One message as a parser understood it; `fields` are those that may be passed on, names lower-cased."""

    first: tuple[bytes, ...] = ()
    fields: Fields = field(default_factory=list)
    body: bytes = b""
    trailers: Fields = field(default_factory=list)
    listed: set[bytes] = field(default_factory=set)
    ended: int = 0

    def take(self, fields: Fields) -> None:
        """The fields of its head."""
        self.listed = {
            one for name, value in fields if name.lower() == b"connection" for one in listed_names(value)
        }
        self.fields = [
            (name.lower(), value.strip(b" \t"))
            for name, value in fields
            if name.lower() not in ENDED_HERE | self.listed
        ]


class Ours:
    """Sink that writes down what the request reader says."""

    def __init__(self) -> None:
        self.told = Told()
        self.reader = RequestReader(self)

    def on_request(self, head: RequestHead) -> None:
        self.told.first = (head.method, head.target, b"1.%d" % head.minor)
        self.told.fields = [(name.lower(), value) for name, value in split_lines(head.lines)]

    def on_request_body(self, piece: bytes) -> None:
        self.told.body += piece

    def on_request_end(self) -> None:
        self.told.ended += 1
        self.told.trailers = [(name.lower(), value) for name, value in split_lines(self.reader.trailers)]


@dataclass(kw_only=True)
class Verdict:
    """What became of some bytes: refused, or what was told of them; `whole` if they are just one message."""

    refused: bool
    whole: bool
    told: Told


def our_request(raw: bytes, step: int) -> Verdict:
    ours = Ours()
    try:
        for at in range(0, len(raw), step):
            ours.reader.feed(raw[at : at + step])
    except WireError:
        return Verdict(refused=True, whole=False, told=Told(ended=ours.told.ended))
    return Verdict(refused=False, whole=ours.told.ended == 1 and ours.reader.idle, told=ours.told)


def our_answer(raw: bytes, step: int) -> Verdict:
    reader = ResponseReader()
    try:
        for at in range(0, len(raw), step):
            reader.feed(raw[at : at + step])
    except WireError:
        return Verdict(refused=True, whole=False, told=Told(ended=reader.complete))
    told = Told(
        first=(b"%d" % reader.status, reader.reason, b"1.%d" % reader.minor),
        fields=[(name.lower(), value) for name, value in split_lines(reader.lines)],
        body=b"".join(reader.pieces),
        trailers=[(name.lower(), value) for name, value in split_lines(reader.trailers)],
        ended=reader.complete,
    )
    whole = reader.complete and not reader.excess and not reader.interim
    return Verdict(refused=False, whole=whole, told=told)


class Theirs:
    """Callbacks of llhttp."""

    def __init__(self) -> None:
        self.told = Told()
        self.url = b""
        self.reason = b""
        self.fields: Fields = []
        self.headed = False

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_status(self, reason: bytes) -> None:
        self.reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        (self.told.trailers if self.headed else self.fields).append((name.lower(), value.strip(b" \t")))

    def on_headers_complete(self) -> None:
        self.headed = True
        self.told.take(self.fields)

    def on_body(self, piece: bytes) -> None:
        self.told.body += piece

    def on_message_complete(self) -> None:
        self.told.ended += 1


def llhttp_request(raw: bytes) -> Told:
    theirs = Theirs()
    parser = httptools.HttpRequestParser(theirs)
    parser.feed_data(raw)
    version = parser.get_http_version().encode()
    theirs.told.first = (parser.get_method(), theirs.url, version)
    return theirs.told


def llhttp_answer(raw: bytes) -> Told:
    theirs = Theirs()
    parser = httptools.HttpResponseParser(theirs)
    parser.feed_data(raw)
    version = parser.get_http_version().encode()
    theirs.told.first = (b"%d" % parser.get_status_code(), theirs.reason, version)
    return theirs.told


def _events(connection: h11.Connection, raw: bytes) -> Iterator[object]:
    connection.receive_data(raw)
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA or event is h11.PAUSED:
            return
        yield event
        if isinstance(event, h11.EndOfMessage):
            return


def _h11_told(connection: h11.Connection, raw: bytes) -> Told:
    told = Told()
    for event in _events(connection, raw):
        if isinstance(event, h11.Request):
            told.first = (event.method, event.target, event.http_version)
            told.take(list(event.headers))
        elif isinstance(event, h11.Response):
            told.first = (b"%d" % event.status_code, event.reason, event.http_version)
            told.take(list(event.headers))
        elif isinstance(event, h11.Data):
            told.body += event.data
        elif isinstance(event, h11.EndOfMessage):
            told.trailers = [(name, value) for name, value in event.headers]
            told.ended += 1
    return told


def h11_request(raw: bytes) -> Told:
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    return _h11_told(connection, raw.lstrip(b"\r\n"))  # it knows nothing of empty lines in front


def h11_answer(raw: bytes) -> Told:
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=1 << 20)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "a")]))
    connection.send(h11.EndOfMessage())
    return _h11_told(connection, raw)


def agree(ours: Told, theirs: Told) -> None:
    """The same message, but for the trailers that we drop and the authority that we take off a target."""
    trailers = [
        (name, value)
        for name, value in theirs.trailers
        if may_trail(name + b":") and name not in theirs.listed
    ]
    told = (ours.fields, ours.body, ours.trailers, ours.ended)
    assert told == (theirs.fields, theirs.body, trailers, theirs.ended)
    method, target, version = theirs.first
    if target[:4].lower() == b"http" and b"://" in target and ours.first[1] != target:
        target = re.sub(rb"(?i)^https?://[^/?]*", b"", target)
        target = target if target.startswith(b"/") else b"/" + target
    assert ours.first == (method, target, version)


Reading = Callable[[bytes], Told]


def judge(raw: bytes, read: Callable[[bytes, int], Verdict], second: Reading, third: Reading) -> bool:
    """Whether we took it; then the others must have read the same, and so must we in pieces."""
    ours = read(raw, len(raw))
    assert read(raw, 1) == ours
    if not ours.whole:
        return False
    agree(ours.told, second(raw))
    agree(ours.told, third(raw))
    return True


def judge_request(raw: bytes) -> bool:
    return judge(raw, our_request, llhttp_request, h11_request)


def judge_answer(raw: bytes) -> bool:
    return judge(raw, our_answer, llhttp_answer, h11_answer)


CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nX-S: 1\r\n\r\n"
REQUESTS = (
    b"POST /p?q HTTP/1.1\r\nHost: a:8\r\nX-T: \tv, w \r\nContent-Length: 3\r\n\r\nabc",
    b"PUT http://a/p HTTP/1.1\r\nHost: a\r\n" + CHUNKED,
    b"GET / HTTP/1.0\r\nConnection: keep-alive, X-A\r\nX-A: 1\r\n\r\n",
)
ANSWERS = (
    b"HTTP/1.1 200 Fine so\r\nX-T: \tv, w \r\nContent-Length: 3\r\n\r\nabc",
    b"HTTP/1.1 404 \r\nConnection: X-A\r\nX-A: 1\r\n" + CHUNKED,
)


TELLING = b'\x00\t\n\x0b\r !"#%,./019:;=?@AXax\x7f\x80\x85\xa0\xff'


def spoilt(raw: bytes) -> Iterator[bytes]:
    """The message with one byte more, less or other, at every place."""
    for at in range(len(raw)):
        yield raw[:at] + raw[at + 1 :]
        for byte in TELLING:
            yield raw[:at] + bytes((byte,)) + raw[at:]
            yield raw[:at] + bytes((byte,)) + raw[at + 1 :]


@pytest.mark.parametrize("raw", REQUESTS, ids=("length", "chunked", "1.0"))
def test_of_requests_with_one_wrong_byte_none_is_ours_alone(raw: bytes) -> None:
    assert judge_request(raw)
    verdicts = [judge_request(one) for one in spoilt(raw)]
    assert 0 < sum(verdicts) < len(verdicts) / 2


@pytest.mark.parametrize("raw", ANSWERS, ids=("length", "chunked"))
def test_of_answers_with_one_wrong_byte_none_is_ours_alone(raw: bytes) -> None:
    assert judge_answer(raw)
    verdicts = [judge_answer(one) for one in spoilt(raw)]
    assert 0 < sum(verdicts) < len(verdicts) / 2


def test_every_method_of_ours_is_one_of_theirs() -> None:
    for method in METHODS:
        assert judge_request(b"%b / HTTP/1.1\r\nHost: a\r\n\r\n" % method)


TOKENS = st.text("abXY019-_.!#$%&'*+^`|~", min_size=1, max_size=10).map(str.encode)
NAMES = st.one_of(
    TOKENS, st.sampled_from([*sorted(HOP_BY_HOP - {b"upgrade", b"transfer-encoding"}), b"Expect"])
)
VALUES = st.binary(max_size=20).map(lambda raw: bytes(byte for byte in raw if byte == 9 or 32 <= byte != 127))
FIELDS = st.lists(st.tuples(NAMES, VALUES).map(lambda pair: b"%b: %b\r\n" % pair), max_size=5).map(b"".join)
TARGETS = st.text(
    "/abcXYZ019?&=%~!$'()*+,;:@[]{}|\\^`\"<>-._", max_size=30
).map(lambda text: b"/" + text.encode())  # fmt: skip
PIECES = st.lists(st.binary(min_size=1, max_size=20), max_size=4)
EXTENSIONS = st.sampled_from([b"", b";a", b";a=b", b';a="b c"'])


def framed(pieces: list[bytes], *, chunked: bool, extension: bytes, trailers: bytes) -> bytes:
    if not chunked:
        return b"Content-Length: %d\r\n\r\n%b" % (sum(map(len, pieces)), b"".join(pieces))
    chunks = [b"%x%b\r\n%b\r\n" % (len(piece), extension, piece) for piece in pieces]
    return b"Transfer-Encoding: chunked\r\n\r\n%b0\r\n%b\r\n" % (b"".join(chunks), trailers)


MESSAGE_ENDS = st.builds(framed, PIECES, chunked=st.booleans(), extension=EXTENSIONS, trailers=FIELDS)
STARTS = st.builds(
    lambda method, target: b"%b %b HTTP/1.1\r\nHost: a\r\n" % (method, target),
    st.sampled_from(sorted(METHODS)),
    TARGETS,
)
STATUS_LINES = st.builds(
    lambda status, reason: b"HTTP/1.1 %d %b\r\n" % (status, reason),
    st.integers(200, 599).filter(lambda status: status not in {204, 304}),
    VALUES,
)
CHANGES = st.lists(st.tuples(st.integers(0, 400), st.binary(max_size=2)), min_size=1, max_size=2)


@settings(max_examples=200)
@given(start=STARTS, fields=FIELDS, end=MESSAGE_ENDS)
def test_a_good_request_is_read_the_same_by_all(start: bytes, fields: bytes, end: bytes) -> None:
    assert judge_request(start + fields + end)


@settings(max_examples=200)
@given(start=STATUS_LINES, fields=FIELDS, end=MESSAGE_ENDS)
def test_a_good_answer_is_read_the_same_by_all(start: bytes, fields: bytes, end: bytes) -> None:
    assert judge_answer(start + fields + end)


def changed(raw: bytes, changes: list[tuple[int, bytes]]) -> bytes:
    for at, put in changes:
        raw = raw[: at % len(raw)] + put + raw[at % len(raw) + 1 :]
    return raw


@settings(max_examples=200)
@given(start=STARTS, fields=FIELDS, end=MESSAGE_ENDS, changes=CHANGES)
def test_a_spoilt_request_that_we_take_is_read_the_same_by_all(
    start: bytes, fields: bytes, end: bytes, changes: list[tuple[int, bytes]]
) -> None:
    judge_request(changed(start + fields + end, changes))


@settings(max_examples=200)
@given(start=STATUS_LINES, fields=FIELDS, end=MESSAGE_ENDS, changes=CHANGES)
def test_a_spoilt_answer_that_we_take_is_read_the_same_by_all(
    start: bytes, fields: bytes, end: bytes, changes: list[tuple[int, bytes]]
) -> None:
    judge_answer(changed(start + fields + end, changes))
