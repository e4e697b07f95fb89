"""One HTTP/1.1 answer after another from one upstream connection.

Knows where an answer ends (RFC 9112 section 6.3: by the request's method, by the status, by chunks, by a
length, by the end of the connection) and whether the connection may be used again; refuses to know sockets,
targets and what an answer is for. The proxy's upstream connections and the replay engine's sender feed it.

Use: `start(no_body=...)` before each request is written; `feed(received)` with every read; then look. Body
bytes since the last look lie in `pieces`: take them with `take_pieces()`. `feed_eof()` when the peer closed.
Any `WireError` means: the answer is not to be trusted, close the connection.

    reader = ResponseReader()
    reader.start(no_body=method == b"HEAD")
    reader.feed(received)
    if reader.status: ...          # the final head is here: status, reason, fields, passed, lines
    if reader.complete: ...        # and reader.reusable says whether the connection may serve another

llhttp (through httptools) parses and validates heads. Bodies are cut here, because llhttp cannot be told that
an answer belongs to a HEAD request, gives no offsets and knows no end of input. It is stricter than RFC 9112
in one thing: an answer whose framing is ambiguous is an error, never a guess.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

import httptools

from wire.chunked import ChunkedDecoder
from wire.errors import WireError
from wire.fields import (
    FIELD_TABLE,
    Fields,
    Found,
    declared_length,
    is_chunked,
    persists,
    sort_lines,
    split_lines,
)
from wire.heads import HeadCutter

MAX_HEAD_BYTES: Final = 131072
MAX_FIELDS: Final = 256
MAX_INTERIM: Final = 32
_BAD: Final = 502
_VERSIONS: Final = {b"HTTP/1.1": 1, b"HTTP/1.0": 0}


class _Body(Enum):
    HEAD = auto()
    NONE = auto()
    LENGTH = auto()
    CHUNKED = auto()
    UNTIL_CLOSE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Interim:
    """A 1xx answer that came before the final one; `lines` are the fields that may be forwarded."""

    status: int
    reason: bytes
    lines: bytes


class ResponseReader:
    """Incremental reader of answers; see the module's opening for how to use it.

    Attributes after `feed`: `status` (0 until the final head is here), `reason`, `minor` (HTTP/1.x),
    `lines` (the end-to-end fields as `Name: value` CRLF bytes, as a journal keeps them), `found` (values of
    the table's fields), `fields` (all of them, split on demand), `content_length` (-1 unless given),
    `chunked`, `until_close`, `interim`, `pieces`, `body_bytes` (so far), `complete`, `keep_alive` (what the
    peer said), `excess` (bytes behind the end).
    """

    __slots__ = (
        "_body",
        "_cutter",
        "_decoder",
        "_head",
        "_left",
        "_max_fields",
        "_no_body",
        "_table",
        "body_bytes",
        "chunked",
        "complete",
        "content_length",
        "excess",
        "found",
        "interim",
        "keep_alive",
        "lines",
        "minor",
        "pieces",
        "reason",
        "started",
        "status",
        "until_close",
    )

    def __init__(
        self,
        *,
        max_head_bytes: int = MAX_HEAD_BYTES,
        max_fields: int = MAX_FIELDS,
        table: Mapping[bytes, bool] = FIELD_TABLE,
    ) -> None:
        self._cutter = HeadCutter(httptools.HttpResponseParser, max_bytes=max_head_bytes, status=_BAD)
        self._max_fields = max_fields
        self._table = table
        self._head = b""
        self.excess = False
        self.keep_alive = True
        self.start(no_body=False)

    def start(self, *, no_body: bool) -> None:
        """Make ready for the next answer; `no_body` for the answer to a HEAD request."""
        self._no_body = no_body
        self._body = _Body.HEAD
        self._decoder: ChunkedDecoder | None = None
        self._left = 0
        self.started = False
        self.complete = False
        self.status = 0
        self.minor = 1
        self.reason = b""
        self.found: Found = {}
        self.lines = b""
        self.content_length = -1
        self.chunked = False
        self.until_close = False
        self.interim: list[Interim] = []
        self.pieces: list[bytes] = []
        self.body_bytes = 0

    @property
    def reusable(self) -> bool:
        """Whether the connection may carry another request: complete, kept alive, and nothing behind it."""
        return self.complete and self.keep_alive and not self.excess

    @property
    def fields(self) -> Fields:
        """All fields of the final head, as received."""
        return split_lines(self._head.partition(b"\r\n")[2])

    def take_pieces(self) -> list[bytes]:
        """The body's bytes since the last call."""
        pieces, self.pieces = self.pieces, []
        return pieces

    def feed(self, received: bytes) -> None:
        """Take what was read; `WireError` if it is not the answer it should be."""
        self.started = True
        while received:
            if self.complete:
                self.excess = True
                return
            received = self._feed_head(received) if self._body is _Body.HEAD else self._feed_body(received)

    def feed_eof(self) -> None:
        """The peer closed: completes a body that ends with the connection, is an error inside any other."""
        self.keep_alive = False
        if self._body is _Body.UNTIL_CLOSE:
            self.complete = True
        elif not self.complete:
            raise WireError("the connection closed inside the answer", status=_BAD)

    def _feed_head(self, received: bytes) -> bytes:
        head = self._cutter.feed(received)
        if head is None:
            return b""
        first, *lines = head.split(b"\r\n")
        if len(lines) > self._max_fields + 2:
            raise WireError(f"more than {self._max_fields} fields", status=_BAD)
        minor = _VERSIONS.get(first[:8])
        status = first[9:12]
        if minor is None or not status.isdigit():
            raise WireError("the answer is neither HTTP/1.0 nor HTTP/1.1", status=_BAD)
        del lines[-2:]
        self.lines, self.found = sort_lines(lines, self._table)
        self.minor, self.reason = minor, first[13:]
        if status < b"200":
            self._end_interim(int(status))
        else:
            self._head = head
            self._begin_body(int(status))
        return self._cutter.rest

    def _end_interim(self, status: int) -> None:
        if status < 100 or status == 101 or len(self.interim) >= MAX_INTERIM:
            raise WireError(f"an answer with status {status} is not expected here", status=_BAD)
        self.interim.append(Interim(status=status, reason=self.reason, lines=self.lines))

    def _begin_body(self, status: int) -> None:
        found = self.found
        self.status = status
        self.content_length = declared_length(found, status=_BAD)
        self.chunked = is_chunked(found, status=_BAD)
        self.keep_alive = persists(found, minor=self.minor)
        if self._no_body or self.status in {204, 304}:
            self._body, self.complete = _Body.NONE, True
        elif self.chunked:
            self._body, self._decoder = _Body.CHUNKED, ChunkedDecoder(status=_BAD)
        elif self.content_length >= 0:
            self._body, self._left = _Body.LENGTH, self.content_length
            self.complete = not self._left
        else:
            self._body, self.until_close, self.keep_alive = _Body.UNTIL_CLOSE, True, False

    def _feed_body(self, received: bytes) -> bytes:
        if self._decoder is not None:
            return self._feed_chunked(received, self._decoder)
        if self._body is _Body.UNTIL_CLOSE:
            piece, rest = received, b""
        else:
            piece, rest = received[: self._left], received[self._left :]
            self._left -= len(piece)
            self.complete = not self._left
        self.pieces.append(piece)
        self.body_bytes += len(piece)
        return rest

    def _feed_chunked(self, received: bytes, decoder: ChunkedDecoder) -> bytes:
        before = len(self.pieces)
        rest = decoder.feed(received, self.pieces)
        self.body_bytes += sum(map(len, self.pieces[before:]))
        self.complete = decoder.complete
        return rest
