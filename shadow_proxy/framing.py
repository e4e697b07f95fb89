"""Heads and bodies as they leave the proxy: framing is rebuilt here, never copied.

Knows RFC 9112 section 6 from the sender's side; refuses to know sockets and targets. Pure functions from what
the readers found to bytes. What goes to all targets is the same but for the body's bytes.
"""

from collections.abc import Sequence
from enum import Enum, auto
from typing import Final

from wire.chunked import LAST_CHUNK, chunk
from wire.fields import field_lines, split_lines
from wire.request_reader import RequestHead
from wire.response_reader import Interim, ResponseReader

VIA: Final = b"Via: 1.1 sparring\r\n"


class Framing(Enum):
    """How the end of an answer's body is marked towards the client."""

    NONE = auto()
    LENGTH = auto()
    CHUNKED = auto()
    CLOSE = auto()


def request_start(method: bytes, target: bytes, *, lines: bytes) -> bytes:
    """Everything of a request's head that does not depend on its body; `lines` are the fields passed on."""
    return b"%b %b HTTP/1.1\r\n%b%b" % (method, target, lines, VIA)


def with_content_type(lines: bytes, content_type: bytes) -> bytes:
    """The lines with another Content-Type, where the old one stood."""
    fields = split_lines(lines)
    return field_lines([(n, content_type if n.lower() == b"content-type" else v) for n, v in fields])


def whole_request(start: bytes, head: RequestHead, body: bytes, *, trailers: bytes = b"") -> bytes:
    """A request whose body is complete, framed as the client framed it."""
    if head.chunked:
        chunks = framed(body, last=True, trailers=trailers)
        return b"%bTransfer-Encoding: chunked\r\n\r\n%b" % (start, chunks)
    if head.content_length >= 0:
        return b"%bContent-Length: %d\r\n\r\n%b" % (start, len(body), body)
    return start + b"\r\n"


def request_parts(
    start: bytes, head: RequestHead, pieces: Sequence[bytes], *, trailers: bytes = b""
) -> list[bytes]:
    """The same for a body in several pieces, without putting them together."""
    if head.chunked:
        chunks = [chunk(piece) for piece in pieces if piece]
        return [b"%bTransfer-Encoding: chunked\r\n\r\n" % start, *chunks, last_chunk(trailers)]
    if head.content_length >= 0:
        return [b"%bContent-Length: %d\r\n\r\n" % (start, sum(map(len, pieces))), *pieces]
    return [start + b"\r\n"]


def begun_request(start: bytes, head: RequestHead, body: bytes) -> bytes:
    """A request whose body still arrives: its head and what is here of the body."""
    if head.chunked:
        return b"%bTransfer-Encoding: chunked\r\n\r\n%b" % (start, framed(body, last=False))
    return b"%bContent-Length: %d\r\n\r\n%b" % (start, head.content_length, body)


def framed(piece: bytes, *, last: bool, trailers: bytes = b"") -> bytes:
    """A piece of a chunked body, and the last chunk with its trailers if it is the last piece."""
    return (chunk(piece) if piece else b"") + (last_chunk(trailers) if last else b"")


def last_chunk(trailers: bytes) -> bytes:
    """The end of a chunked body; `trailers` are the lines that its sender put behind it, each with its CRLF.

    >>> last_chunk(b"X-Sum: 1\\r\\n")
    b'0\\r\\nX-Sum: 1\\r\\n\\r\\n'
    """
    return b"0\r\n%b\r\n" % trailers if trailers else LAST_CHUNK


def answer_framing(reader: ResponseReader, *, to_head: bool, minor: int) -> Framing:
    """How the answer's body is framed for a client that speaks HTTP/1.`minor`."""
    if to_head or reader.status in {204, 304}:
        return Framing.NONE
    if reader.content_length >= 0:
        return Framing.LENGTH
    return Framing.CHUNKED if minor else Framing.CLOSE


def answer_head(
    reader: ResponseReader, *, framing: Framing, minor: int, keep: bool, request_id: bytes
) -> bytes:
    """The head of an answer; `keep` says whether the client's connection stays open behind it."""
    if framing is Framing.CHUNKED:
        body_field = b"Transfer-Encoding: chunked\r\n"
    elif reader.status != 204:
        body_field = reader.length_line
    else:
        body_field = b""
    own_id = b"" if b"x-request-id" in reader.found else b"X-Request-Id: %b\r\n" % request_id
    if not keep:
        ending = b"Connection: close\r\n\r\n"
    else:
        ending = b"\r\n" if minor else b"Connection: keep-alive\r\n\r\n"
    return b"".join((reader.opening, own_id, body_field, ending))


def interim_answer(interim: Interim) -> bytes:
    """A 1xx answer as it is forwarded."""
    return b"HTTP/1.1 %d %b\r\n%b\r\n" % (interim.status, interim.reason, interim.lines)
