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

Heads are read by the grammar of `fields.py`; those that come in pieces are besides watched by llhttp, see
`heads.py`. Bodies are cut here, because llhttp cannot be told that an answer belongs to a HEAD request, gives
no offsets and knows no end of input. It is stricter than RFC 9112 in one thing: an answer whose framing is
ambiguous is an error, never a guess.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

import httptools

from wire.chunked import ChunkedDecoder
from wire.errors import WireError
from wire.fields import (
    FIELD_TABLE,
    MAX_KNOWN_BYTES,
    Fields,
    Found,
    declared_length,
    is_chunked,
    listed_names,
    persists,
    sorter_of,
    split_lines,
)
from wire.heads import END, HeadCutter

MAX_HEAD_BYTES: Final = 131072
MAX_FIELDS: Final = 256
MAX_INTERIM: Final = 32
MAX_KNOWN_HEADS: Final = 256
MAX_KNOWN_HEAD_BYTES: Final = 8192
_BAD: Final = 502
_BODILESS: Final = frozenset({204, 304})
_STATUS_LINE: Final = re.compile(rb"HTTP/1\.([01]) ([0-9]{3})(?: ([\t\x20-\x7e\x80-\xff]*))?")


class _Body(Enum):
    HEAD = auto()
    NONE = auto()
    LENGTH = auto()
    CHUNKED = auto()
    UNTIL_CLOSE = auto()


class AnswerHead:
    """What a head says; a pure function of its bytes, so the same bytes need not be read twice.

    `opening` is the head as far as it is passed on: our status line and `lines`; `length_line` the field that
    says how long the body is, or nothing. Never changed once made. A plain class, because a dataclass takes
    several times as long to make.
    """

    __slots__ = (
        "chunked",
        "content_length",
        "found",
        "keep_alive",
        "length_line",
        "lines",
        "minor",
        "opening",
        "reason",
        "status",
    )

    def __init__(
        self,
        *,
        status: int,
        reason: bytes,
        minor: int,
        lines: bytes,
        found: Found,
        content_length: int,
        chunked: bool,
        keep_alive: bool,
    ) -> None:
        self.status = status
        self.reason = reason
        self.minor = minor
        self.lines = lines
        self.found = found
        self.content_length = content_length
        self.chunked = chunked
        self.keep_alive = keep_alive
        self.opening = b"HTTP/1.1 %d %b\r\n%b" % (status, reason, lines)
        self.length_line = b"Content-Length: %d\r\n" % content_length if content_length >= 0 else b""


KnownHeads = dict[bytes, AnswerHead]
_NO_ANSWER: Final = AnswerHead(
    status=0,
    reason=b"",
    minor=1,
    lines=b"",
    found={},
    content_length=-1,
    chunked=False,
    keep_alive=True,
)


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
    the table's fields), `opening` and `length_line` (see `AnswerHead`), `fields` (all of them, split on
    demand), `content_length` (-1 unless given), `chunked`, `until_close`, `interim`, `pieces`, `body_bytes`
    (so far), `complete`, `keep_alive` (what the peer said), `excess` (bytes behind the end), `trailers` (once
    complete: the lines that may be passed on, with their CRLF).
    """

    __slots__ = (
        "_body",
        "_cutter",
        "_decoder",
        "_head",
        "_known",
        "_last",
        "_left",
        "_max_fields",
        "_no_body",
        "_sorter",
        "body_bytes",
        "chunked",
        "complete",
        "content_length",
        "excess",
        "found",
        "interim",
        "keep_alive",
        "length_line",
        "lines",
        "minor",
        "opening",
        "pieces",
        "reason",
        "started",
        "status",
        "trailers",
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
        self._sorter = sorter_of(table)
        self._head = b""
        self._last = _NO_ANSWER
        self._known: KnownHeads = {} if known is None else known
        self._decoder: ChunkedDecoder | None = None
        self._left = 0
        self.excess = False
        self.keep_alive = True
        self.interim: list[Interim] = []
        self.pieces: list[bytes] = []
        self.start(no_body=False)

    def start(self, *, no_body: bool) -> None:
        """Make ready for the next answer; `no_body` for the answer to a HEAD request."""
        self._no_body = no_body
        self._body = _Body.HEAD
        self.started = False
        self.complete = False
        self.until_close = False
        self.body_bytes = 0
        self.trailers = b""
        if self._decoder is not None:
            self._decoder = None
        if self.interim:
            self.interim = []
        if self.pieces:
            self.pieces = []
        self._show(_NO_ANSWER)

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
        if not self._cutter.partial:
            rest = self._feed_known(received)
            if rest is not None:
                return rest
        raw = self._cutter.feed(received)
        if raw is None:
            return b""
        head = self._parsed(raw)
        if head.status < 200:
            self._take_interim(head)
        else:
            self._keep(raw + END, head)
            self._take(head)
        return self._cutter.rest

    def _feed_known(self, received: bytes) -> bytes | None:
        """What lies behind a head that was read before, or None: the last one again, or one of those kept."""
        raw = self._head
        if raw and received.startswith(raw):
            self._take(self._last)
            return received[len(raw) :]
        end = received.find(END) + 4
        if end < 4:
            return None
        raw = received[:end]
        head = self._known.get(raw)
        if head is None:
            return None
        self._head = raw
        self._last = head
        self._take(head)
        return received[end:]

    def _keep(self, raw: bytes, head: AnswerHead) -> None:
        known = self._known
        if len(raw) <= MAX_KNOWN_HEAD_BYTES:
            if len(known) >= MAX_KNOWN_HEADS:
                known.clear()
            known[raw] = head
        self._head = raw
        self._last = head

    def _parsed(self, raw: bytes) -> AnswerHead:
        lines = raw.split(b"\r\n")
        status, reason, minor = _status_line(lines.pop(0))
        if len(lines) > self._max_fields:
            raise WireError(f"more than {self._max_fields} fields", status=_BAD)
        passed, found = self._sorter.sort(lines, status=_BAD)
        return AnswerHead(
            status=status,
            reason=reason,
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

    def _take(self, head: AnswerHead) -> None:
        self._show(head)
        self.keep_alive = head.keep_alive
        length = head.content_length
        if self._no_body or head.status in _BODILESS:
            self._body, self.complete = _Body.NONE, True
        elif head.chunked:
            listed = listed_names(head.found.get(b"connection", b""))
            self._body, self._decoder = _Body.CHUNKED, ChunkedDecoder(status=_BAD, listed=listed)
        elif length >= 0:
            self._body, self._left = _Body.LENGTH, length
            self.complete = not length
        else:
            self._body, self.until_close, self.keep_alive = _Body.UNTIL_CLOSE, True, False

    def _show(self, head: AnswerHead) -> None:
        self.status = head.status
        self.reason = head.reason
        self.minor = head.minor
        self.lines = head.lines
        self.found = head.found
        self.content_length = head.content_length
        self.chunked = head.chunked
        self.opening = head.opening
        self.length_line = head.length_line

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
        if decoder.complete:
            self.complete = True
            self.trailers = decoder.trailers
        return rest


def _status_line(line: bytes) -> tuple[int, bytes, int]:
    """Status, reason and minor version; lines seen before are known by their bytes."""
    known = _STATUS_LINES.get(line)
    if known is not None:
        return known
    match = _STATUS_LINE.fullmatch(line)
    if match is None:
        raise WireError("the answer is neither HTTP/1.0 nor HTTP/1.1", status=_BAD)
    read = int(match[2]), match[3] or b"", int(match[1])
    if len(line) <= MAX_KNOWN_BYTES:
        if len(_STATUS_LINES) >= MAX_KNOWN_HEADS:
            _STATUS_LINES.clear()
        _STATUS_LINES[line] = read
    return read


_STATUS_LINES: Final[dict[bytes, tuple[int, bytes, int]]] = {}
