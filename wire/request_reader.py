"""One HTTP/1.1 request after another from one client connection.

Knows what a request must look like before anything of it may reach an upstream (RFC 9112, every choice taken
on the strict side); refuses to know sockets, targets and answers. The proxy's client connections feed it.

Several messages may lie in one read (pipelining): the sink is told of each head, each piece of body and each
end in order. A good message in front of a bad one is still delivered: the sink hears of it before `feed`
raises. After a `WireError` the connection can only be answered with its `status` and closed.

The grammar is `request_line.py` and `fields.py`: exactly one valid Host in HTTP/1.1, no Content-Length beside
Transfer-Encoding, Transfer-Encoding exactly `chunked` and only in HTTP/1.1, no CONNECT, no HTTP/2 preface, no
versions but 1.0 and 1.1, an absolute target only with the authority that Host names, no bare line feeds,
limits on the head's size and the number of fields. Heads that come in pieces are watched by llhttp, see
`heads.py`. Bodies are cut here, see `response_reader.py`.
"""

from collections.abc import Mapping
from typing import Final, Protocol

import httptools

from wire.chunked import ChunkedDecoder
from wire.errors import WireError
from wire.fields import (
    FIELD_TABLE,
    Found,
    declared_length,
    is_chunked,
    listed_names,
    persists,
    sorter_of,
)
from wire.heads import HeadCutter
from wire.request_line import check_host, origin_form, start_line

MAX_HEAD_BYTES: Final = 65536
MAX_FIELDS: Final = 128
MAX_TARGET_BYTES: Final = 16384

_BAD: Final = 400
_TOO_LARGE: Final = 413
_HTTP2_PREFACE: Final = b"PRI * HTTP/2.0"
_SLASH: Final = ord("/")
_CR: Final = ord("\r")
_LF: Final = ord("\n")


class RequestHead:
    """A request's head. `lines` are the end-to-end fields, `found` the values of the table's fields.

    `target` is in origin form (or `*`), byte for byte as sent. `content_length` is -1 unless given.
    A plain class, because one is made for every request and a dataclass takes several times as long.
    """

    __slots__ = ("chunked", "content_length", "found", "keep_alive", "lines", "method", "minor", "target")

    def __init__(
        self,
        *,
        method: bytes,
        target: bytes,
        minor: int,
        lines: bytes,
        found: Found,
        content_length: int,
        chunked: bool,
        keep_alive: bool,
    ) -> None:
        self.method = method
        self.target = target
        self.minor = minor
        self.lines = lines
        self.found = found
        self.content_length = content_length
        self.chunked = chunked
        self.keep_alive = keep_alive

    @property
    def has_body(self) -> bool:
        """Whether body bytes follow."""
        return self.chunked or self.content_length > 0


class RequestSink(Protocol):
    """Who is told what arrived."""

    def on_request(self, head: RequestHead) -> None:
        """A head is complete and was found good."""

    def on_request_body(self, piece: bytes) -> None:
        """A piece of its body."""

    def on_request_end(self) -> None:
        """Its body is complete (at once, if it has none); its trailers are the reader's `trailers`."""


class RequestReader:
    """Feed it reads; it calls the sink. `idle` tells whether it stands between two messages.

    `trailers` are those of the request that has just ended: the lines that may be passed on, with their CRLF.
    """

    __slots__ = (
        "_cutter",
        "_decoder",
        "_left",
        "_max_fields",
        "_max_target_bytes",
        "_raw",
        "_sink",
        "_sorter",
        "trailers",
    )

    def __init__(
        self,
        sink: RequestSink,
        *,
        max_head_bytes: int = MAX_HEAD_BYTES,
        max_fields: int = MAX_FIELDS,
        max_target_bytes: int = MAX_TARGET_BYTES,
        table: Mapping[bytes, bool] = FIELD_TABLE,
    ) -> None:
        self.trailers = b""
        self._sink = sink
        self._sorter = sorter_of(table)
        self._max_fields = max_fields
        self._max_target_bytes = max_target_bytes
        self._cutter = HeadCutter(httptools.HttpRequestParser, max_bytes=max_head_bytes, status=_BAD)
        self._decoder: ChunkedDecoder | None = None
        self._left = 0
        self._raw = b""

    def let_go(self) -> None:
        """Nobody listens any more: the sink, which most likely holds this reader, need not be held by it."""
        self._sink = _NOBODY

    @property
    def begun(self) -> bytes:
        """The head, as far as it is here, of the message that arrives, arrived last or was refused.

        From its first byte; behind a refused head may stand what else came in that read.
        """
        return bytes(self._cutter.partial) or self._raw

    @property
    def idle(self) -> bool:
        """No byte of a next message has come yet."""
        return not self._cutter.partial and not self._left and self._decoder is None

    def feed(self, received: bytes) -> None:
        """Take what was read; `WireError` at the first message that must be refused."""
        while received:
            if self._left:
                received = self._feed_length(received)
            elif self._decoder is not None:
                received = self._feed_chunked(received, self._decoder)
            else:
                received = self._feed_head(received)

    def _feed_head(self, received: bytes) -> bytes:
        first = received[0]
        if first in (_CR, _LF) and not self._cutter.partial:
            received = received.lstrip(b"\r\n")  # RFC 9112 section 2.2: empty lines in front are ignored
            if not received:
                return b""
        self._raw = received
        try:
            head = self._cutter.feed(received)
        except WireError as error:
            raise _said_better(error, received) from None
        if head is None:
            return b""
        self._raw = head
        rest = self._cutter.rest
        self._begin_body(self._parsed(head))
        return rest

    def _parsed(self, head: bytes) -> RequestHead:
        lines = head.split(b"\r\n")
        method, target, minor = start_line(lines.pop(0))
        if len(lines) > self._max_fields:
            raise WireError(f"more than {self._max_fields} fields", status=431)
        if len(target) > self._max_target_bytes:
            raise WireError(f"the target is longer than {self._max_target_bytes} bytes", status=414)
        passed, found = self._sorter.sort(lines, status=_BAD)
        host = found.get(b"host")
        check_host(host, minor=minor)
        return RequestHead(
            method=method,
            target=target if target[0] == _SLASH else origin_form(target, host=host, method=method),
            minor=minor,
            lines=passed,
            found=found,
            content_length=declared_length(found, status=_BAD, status_too_long=_TOO_LARGE),
            chunked=is_chunked(found, status=_BAD),
            keep_alive=persists(found, minor=minor),
        )

    def _begin_body(self, head: RequestHead) -> None:
        self.trailers = b""
        if head.chunked:
            if not head.minor:
                raise WireError("Transfer-Encoding in HTTP/1.0", status=_BAD)
            self._decoder = ChunkedDecoder(
                status=_BAD, listed=listed_names(head.found.get(b"connection", b""))
            )
        else:
            self._left = max(head.content_length, 0)
        self._sink.on_request(head)
        if not head.has_body:
            self._sink.on_request_end()

    def _feed_length(self, received: bytes) -> bytes:
        piece = received[: self._left]
        self._left -= len(piece)
        self._sink.on_request_body(piece)
        if not self._left:
            self._sink.on_request_end()
        return received[len(piece) :]

    def _feed_chunked(self, received: bytes, decoder: ChunkedDecoder) -> bytes:
        pieces: list[bytes] = []
        try:
            rest = decoder.feed(received, pieces)
        finally:
            if pieces:
                self._sink.on_request_body(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        if decoder.complete:
            self.trailers = decoder.trailers
            self._decoder = None
            self._sink.on_request_end()
        return rest


class _Nobody:
    """Hears nothing."""

    def on_request(self, head: RequestHead) -> None:
        """Nothing."""

    def on_request_body(self, piece: bytes) -> None:
        """Nothing."""

    def on_request_end(self) -> None:
        """Nothing."""


_NOBODY: Final = _Nobody()


def _said_better(error: WireError, received: bytes) -> WireError:
    """What llhttp calls malformed, under the status that says what it was."""
    if received.startswith(_HTTP2_PREFACE):
        return WireError("HTTP/2 is not spoken here", status=505)
    if "Content-Length overflow" in error.reason:
        return WireError("Content-Length is beyond all bounds", status=_TOO_LARGE)
    return error
