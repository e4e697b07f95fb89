"""What must hold of the readers for any bytes at all.

Knows the four rules: pieces read as the whole does; what is accepted means the same again when it is written
anew; llhttp accepts it too; the only exception is `WireError`. Refuses to know where the bytes come from:
the fuzzer brings its own, the plain tests bring the byte table.

Each check takes bytes and the size of the pieces in which they are fed, and tells how many messages were
accepted, so that a caller can see that it does not check nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import httptools

from wire.chunked import ChunkedDecoder, chunk
from wire.errors import WireError
from wire.request_reader import RequestHead, RequestReader
from wire.response_reader import ResponseReader

Facts = tuple[object, ...]


@dataclass(slots=True)
class _Heard:
    """What a request reader told its sink."""

    heads: list[RequestHead] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    ended: int = 0

    def on_request(self, head: RequestHead) -> None:
        self.heads.append(head)
        self.bodies.append(b"")

    def on_request_body(self, piece: bytes) -> None:
        self.bodies[-1] += piece

    def on_request_end(self) -> None:
        self.ended += 1


class _Begun:
    """Whether llhttp found the end of a head."""

    def __init__(self) -> None:
        self.head_done = False

    def on_headers_complete(self) -> None:
        self.head_done = True


def requests(raw: bytes, *, step: int) -> int:
    """The rules for what clients send."""
    heard, refused = _read_requests(raw, step=max(len(raw), 1))
    pieces, refused_in_pieces = _read_requests(raw, step=step)
    assert refused == refused_in_pieces
    assert [_head_facts(head) for head in heard.heads] == [_head_facts(head) for head in pieces.heads]
    assert heard.bodies[: heard.ended] == pieces.bodies[: pieces.ended]
    if heard.heads:
        assert _llhttp_accepts(raw, httptools.HttpRequestParser)
    for head, body in zip(heard.heads, heard.bodies[: heard.ended], strict=False):
        _check_rewritten(head, body)
    return heard.ended


def _read_requests(raw: bytes, *, step: int) -> tuple[_Heard, bool]:
    heard = _Heard()
    reader = RequestReader(heard)
    try:
        for at in range(0, len(raw), step):
            reader.feed(raw[at : at + step])
    except WireError:
        return heard, True
    return heard, False


def _head_facts(head: RequestHead) -> Facts:
    return (head.method, head.target, head.lines, head.found, head.content_length, head.chunked)


def _check_rewritten(head: RequestHead, body: bytes) -> None:
    """Written as a proxy would forward it, the request means the same."""
    host = b"" if b"host" in head.found else b"Host: a\r\n"
    raw = b"%b %b HTTP/1.1\r\n%b%b%b" % (head.method, head.target, host, head.lines, _framed(head, body))
    again, refused = _read_requests(raw, step=len(raw))
    assert not refused
    assert (again.ended, again.bodies) == (1, [body])
    (second,) = again.heads
    assert (second.method, second.target, second.lines) == (head.method, head.target, host + head.lines)
    assert (second.content_length, second.chunked) == (head.content_length, head.chunked)
    assert _llhttp_accepts(raw, httptools.HttpRequestParser)


def _framed(head: "RequestHead | ResponseReader", body: bytes) -> bytes:
    if head.chunked:
        return b"Transfer-Encoding: chunked\r\n\r\n" + (chunk(body) if body else b"") + b"0\r\n\r\n"
    if head.content_length >= 0:
        return b"Content-Length: %d\r\n\r\n%b" % (head.content_length, body)
    return b"\r\n" + body


def _llhttp_accepts(raw: bytes, new_parser: Callable[[_Begun], object]) -> bool:
    """Whether it takes a first head."""
    begun = _Begun()
    parser = new_parser(begun)
    try:
        parser.feed_data(raw)  # type: ignore[attr-defined]  # httptools has no types
    except httptools.HttpParserUpgrade:
        return True
    except httptools.HttpParserError:
        return begun.head_done
    return begun.head_done


def responses(raw: bytes, *, step: int, no_body: bool = False) -> int:
    """The rules for what upstreams send; `no_body` as the answer to HEAD."""
    whole = _read_response(raw, step=max(len(raw), 1), no_body=no_body)
    pieces = _read_response(raw, step=step, no_body=no_body)
    assert (whole is None) == (pieces is None)
    if whole is None or pieces is None:
        return 0
    assert _answer_facts(whole) == _answer_facts(pieces)
    if whole.status:
        assert _llhttp_accepts(raw, httptools.HttpResponseParser)
    if not whole.complete or no_body:
        return int(whole.complete)
    _check_answer_rewritten(whole)
    return 1


def _read_response(raw: bytes, *, step: int, no_body: bool) -> ResponseReader | None:
    reader = ResponseReader()
    reader.start(no_body=no_body)
    try:
        for at in range(0, len(raw), step):
            reader.feed(raw[at : at + step])
        reader.feed_eof()
    except WireError:
        return None
    return reader


def _answer_facts(reader: ResponseReader) -> Facts:
    interim = [(one.status, one.reason, one.lines) for one in reader.interim]
    body = b"".join(reader.pieces)
    return (
        reader.status,
        reader.reason,
        reader.lines,
        reader.found,
        interim,
        body,
        reader.complete,
        reader.excess,
    )


def _check_answer_rewritten(reader: ResponseReader) -> None:
    body = b"".join(reader.pieces)
    assert len(body) == reader.body_bytes
    start = b"HTTP/1.1 %03d %b\r\n%b" % (reader.status, reader.reason, reader.lines)
    framed = b"\r\n" if reader.status in {204, 304} else _framed(reader, body)
    again = _read_response(start + framed, step=len(start + framed), no_body=False)
    assert again is not None
    assert (again.status, again.reason, again.lines) == (reader.status, reader.reason, reader.lines)
    assert b"".join(again.pieces) == body


def chunks(raw: bytes, *, step: int) -> int:
    """The rules for the chunked coding alone."""
    whole = _read_chunks(raw, step=max(len(raw), 1))
    assert whole == _read_chunks(raw, step=step)
    if whole is None or not whole[0]:
        return 0
    body, rest = whole[1], whole[2]
    assert _read_chunks((chunk(body) if body else b"") + b"0\r\n\r\n" + rest, step=step) == whole
    return 1


def _read_chunks(raw: bytes, *, step: int) -> tuple[bool, bytes, bytes] | None:
    """Whether it is complete, the body, and what lies behind; None if it is refused."""
    decoder = ChunkedDecoder(status=400)
    pieces: list[bytes] = []
    try:
        for at in range(0, len(raw), step):
            rest = decoder.feed(raw[at : at + step], pieces)
            if decoder.complete:
                return True, b"".join(pieces), rest + raw[at + step :]
    except WireError:
        return None
    return False, b"".join(pieces), b""


def _to_head(raw: bytes, *, step: int) -> int:
    return responses(raw, step=step, no_body=True)


CHECKS: Final[tuple[Callable[..., int], ...]] = (requests, responses, _to_head, chunks)


def one_input(data: bytes) -> int:
    """The fuzzer's view: the first byte chooses the check, the second the size of the pieces."""
    if len(data) < 2:
        return 0
    return CHECKS[data[0] % len(CHECKS)](data[2:], step=data[1] % 31 + 1)
