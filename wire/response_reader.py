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

Heads that were read before are known by their bytes and not parsed again (`known`, shared by the connections
to one target): most servers repeat them until the date changes.

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
MAX_KNOWN_HEADS: Final = 256
_BAD: Final = 502
_BODILESS: Final = frozenset({204, 304})
_VERSIONS: Final = {b"HTTP/1.1": 1, b"HTTP/1.0": 0}


class _Body(Enum):
    HEAD = auto()
    NONE = auto()
    LENGTH = auto()
    CHUNKED = auto()
    UNTIL_CLOSE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerHead:
    """What a head says; a pure function of its bytes, so the same bytes need not be read twice."""

    status: int
    reason: bytes
    minor: int
    lines: bytes
    found: Found
    content_length: int
    chunked: bool
    keep_alive: bool


KnownHeads = dict[bytes, AnswerHead]


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
        "_known",
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
        known: KnownHeads | None = None,
    ) -> None:
        self._cutter = HeadCutter(httptools.HttpResponseParser, max_bytes=max_head_bytes, status=_BAD)
        self._max_fields = max_fields
        self._table = table
        self._head = b""
        self._known: KnownHeads = {} if known is None else known
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
        known = self._known
        cutter = self._cutter
        raw = cutter.skip(received, known)
        if raw is not None:
            self._take(raw, known[raw])
            return cutter.rest
        raw = cutter.feed(received)
        if raw is None:
            return b""
        head = self._parsed(raw)
        if head.status >= 200:
            if len(known) >= MAX_KNOWN_HEADS:
                known.clear()
            known[raw] = head
            self._take(raw, head)
        else:
            self._take_interim(head)
        return cutter.rest

    def _parsed(self, raw: bytes) -> AnswerHead:
        first, *lines = raw.split(b"\r\n")
        del lines[-2:]
        minor = _VERSIONS.get(first[:8])
        status = first[9:12]
        if minor is None or not status.isdigit():
            raise WireError("the answer is neither HTTP/1.0 nor HTTP/1.1", status=_BAD)
        if len(lines) > self._max_fields:
            raise WireError(f"more than {self._max_fields} fields", status=_BAD)
        passed, found = sort_lines(lines, self._table)
        return AnswerHead(
            status=int(status),
            reason=first[13:],
            minor=minor,
            lines=passed,
            found=found,
            content_length=declared_length(found, status=_BAD),
            chunked=is_chunked(found, status=_BAD),
            keep_alive=persists(found, minor=minor),
        )

    def _take_interim(self, head: AnswerHead) -> None:
        if head.status < 100 or head.status == 101 or len(self.interim) >= MAX_INTERIM:
            raise WireError(f"an answer with status {head.status} is not expected here", status=_BAD)
        self.interim.append(Interim(status=head.status, reason=head.reason, lines=head.lines))

    def _take(self, raw: bytes, head: AnswerHead) -> None:
        self._head = raw
        self.status = head.status
        self.reason = head.reason
        self.minor = head.minor
        self.lines = head.lines
        self.found = head.found
        self.content_length = length = head.content_length
        self.chunked = head.chunked
        self.keep_alive = head.keep_alive
        if self._no_body or head.status in _BODILESS:
            self._body, self.complete = _Body.NONE, True
        elif head.chunked:
            self._body, self._decoder = _Body.CHUNKED, ChunkedDecoder(status=_BAD)
        elif length >= 0:
            self._body, self._left = _Body.LENGTH, length
            self.complete = not length
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
