"""Trailers: kept apart from the head, passed on where they can do no harm, bounded."""

import pytest

from wire.chunked import MAX_TRAILER_BYTES, MAX_TRAILERS, ChunkedDecoder
from wire.errors import WireError
from wire.fields import NEVER_TRAILERS
from wire.request_reader import RequestHead, RequestReader
from wire.response_reader import ResponseReader

REQUEST = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n%b\r\n5\r\nhello\r\n0\r\n%b\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n%b\r\n5\r\nhello\r\n0\r\n%b\r\n"


class Seen:
    """The trailers that were there at the end of each request."""

    def __init__(self) -> None:
        self.reader = RequestReader(self)
        self.trailers: list[bytes] = []
        self.lines: list[bytes] = []

    def on_request(self, head: RequestHead) -> None:
        self.lines.append(head.lines)

    def on_request_body(self, piece: bytes) -> None:
        """Not looked at."""

    def on_request_end(self) -> None:
        self.trailers.append(self.reader.trailers)


def of_requests(raw: bytes, *, step: int) -> Seen:
    seen = Seen()
    for at in range(0, len(raw), step):
        seen.reader.feed(raw[at : at + step])
    return seen


def of_answer(raw: bytes, *, step: int) -> bytes:
    reader = ResponseReader()
    for at in range(0, len(raw), step):
        reader.feed(raw[at : at + step])
    assert reader.complete
    return reader.trailers


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_trailers_are_there_when_a_message_ends_in_order_and_as_they_came(step: int) -> None:
    trailers = b"X-Sum: \t 9 \r\nX-EMPTY:\r\nx-sum: 10\r\nContent-Digest: sha-256=:a:\r\n"
    assert of_requests(REQUEST % (b"", trailers), step=step).trailers == [trailers]
    assert of_answer(ANSWER % (b"Trailer: X-Sum\r\n", trailers), step=step) == trailers


def test_trailers_are_never_among_the_heads_fields() -> None:
    seen = of_requests(REQUEST % (b"X-Sum: 1\r\n", b"X-Sum: 2\r\n"), step=1000)
    assert seen.lines == [b"Host: a\r\nX-Sum: 1\r\n"]


def test_the_next_message_has_not_the_trailers_of_the_one_before() -> None:
    raw = REQUEST % (b"", b"X-Sum: 9\r\n") + b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" + REQUEST % (b"", b"")
    assert of_requests(raw, step=1000).trailers == [b"X-Sum: 9\r\n", b"", b""]
    reader = ResponseReader()
    reader.feed(ANSWER % (b"", b"X-Sum: 9\r\n"))
    reader.start(no_body=False)
    assert reader.trailers == b""
    reader.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    assert (reader.complete, reader.trailers) == (True, b"")


@pytest.mark.parametrize("name", sorted(NEVER_TRAILERS | {b"If-Match", b"Proxy-Anything", b"HOST"}))
def test_what_acts_on_a_message_as_a_whole_may_not_stand_behind_it(name: bytes) -> None:
    trailers = b"X-A: 1\r\n%b: 99\r\nX-B: 2\r\n" % name
    assert of_requests(REQUEST % (b"", trailers), step=1000).trailers == [b"X-A: 1\r\nX-B: 2\r\n"]
    assert of_answer(ANSWER % (b"", trailers), step=1000) == b"X-A: 1\r\nX-B: 2\r\n"


def test_what_connection_lists_is_kept_here_in_trailers_too() -> None:
    connection, trailers = b"Connection: X-Hop\r\n", b"X-Hop: 1\r\nX-End: 2\r\n"
    assert of_requests(REQUEST % (connection, trailers), step=1000).trailers == [b"X-End: 2\r\n"]
    assert of_answer(ANSWER % (connection, trailers), step=1000) == b"X-End: 2\r\n"


def test_the_limits_on_trailers_are_exact_and_count_what_is_dropped() -> None:
    last = b"0\r\n"
    ChunkedDecoder(status=400).feed(last + b"Date: 1\r\n" * MAX_TRAILERS + b"\r\n", [])
    ChunkedDecoder(status=400).feed(last + _filled(MAX_TRAILER_BYTES) + b"\r\n", [])
    for too_much in (b"Date: 1\r\n" * (MAX_TRAILERS + 1), _filled(MAX_TRAILER_BYTES + 1)):
        for step in (1, 100_000):
            with pytest.raises(WireError, match="too long") as caught:
                _fed(ChunkedDecoder(status=400), last + too_much, step=step)
            assert caught.value.status == 400


def _filled(size: int) -> bytes:
    """Trailer lines with so many bytes in all, line ends not counted."""
    first = size - 1024 * (size // 1024 - 1)
    return b"a:%b\r\n" % (b"x" * (first - 2)) + b"a:%b\r\n" % (b"x" * 1022) * (size // 1024 - 1)


def _fed(decoder: ChunkedDecoder, raw: bytes, *, step: int) -> None:
    for at in range(0, len(raw), step):
        decoder.feed(raw[at : at + step], [])
