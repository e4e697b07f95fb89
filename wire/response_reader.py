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
from wire.fields import FIELD_TABLE, Fields, declared_length, field_lines, is_chunked, persists, sort_fields
from wire.head_buffer import HeadBuffer

MAX_HEAD_BYTES: Final = 131072
MAX_FIELDS: Final = 256
MAX_INTERIM: Final = 32
_BAD: Final = 502
_VERSIONS: Final = {"1.1": 1, "1.0": 0}


class _Body(Enum):
    HEAD = auto()
    NONE = auto()
    LENGTH = auto()
    CHUNKED = auto()
    UNTIL_CLOSE = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Interim:
    """A 1xx answer that came before the final one; `passed` are the fields that may be forwarded."""

    status: int
    reason: bytes
    passed: Fields


class ResponseReader:
    """Incremental reader of answers; see the module's opening for how to use it.

    Attributes after `feed`: `status` (0 until the final head is here), `reason`, `minor` (HTTP/1.x),
    `fields` (all, as received), `found` (values of the table's fields), `passed` (end-to-end fields only),
    `lines` (those as `Name: value` CRLF bytes, as a journal keeps them), `content_length` (-1 unless given),
    `chunked`, `until_close`, `interim`, `pieces`, `body_bytes` (so far), `complete`, `keep_alive` (what the
    peer said), `excess` (bytes behind the end).
    """

    __slots__ = (
        "_body",
        "_decoder",
        "_head",
        "_head_complete",
        "_left",
        "_max_fields",
        "_no_body",
        "_parser",
        "_table",
        "body_bytes",
        "chunked",
        "complete",
        "content_length",
        "excess",
        "fields",
        "found",
        "interim",
        "keep_alive",
        "lines",
        "minor",
        "passed",
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
        self._head = HeadBuffer(max_bytes=max_head_bytes, status=_BAD)
        self._max_fields = max_fields
        self._table = table
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
        self.passed: Fields = []
        self.found: dict[bytes, list[bytes]] = {}
        self.lines = b""
        self.content_length = -1
        self.chunked = False
        self.until_close = False
        self.interim: list[Interim] = []
        self.pieces: list[bytes] = []
        self.body_bytes = 0
        self._begin_head()

    @property
    def reusable(self) -> bool:
        """Whether the connection may carry another request: complete, kept alive, and nothing behind it."""
        return self.complete and self.keep_alive and not self.excess

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

    def on_status(self, reason: bytes) -> None:
        """A callback of the parser, like the two below."""
        self.reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collects one field."""
        self.fields.append((name, value))
        if len(self.fields) > self._max_fields:
            raise WireError(f"more than {self._max_fields} fields", status=_BAD)

    def on_headers_complete(self) -> None:
        """Marks that parser and cut agree about the end of the head."""
        self._head_complete = True

    def _begin_head(self) -> None:
        self.fields: Fields = []
        self.reason = b""
        self._head_complete = False
        self._parser: httptools.HttpResponseParser | None = None

    def _feed_head(self, received: bytes) -> bytes:
        part, rest = self._head.feed(received)
        parser = self._parser
        if parser is None:
            parser = self._parser = httptools.HttpResponseParser(self)
        try:
            parser.feed_data(part)
        except httptools.HttpParserUpgrade:
            raise WireError("the answer switches to a protocol nobody asked for", status=_BAD) from None
        except httptools.HttpParserError as error:
            raise WireError(f"malformed answer: {error}", status=_BAD) from None
        if rest is None:
            return b""
        if not self._head_complete:
            raise WireError("malformed answer: an empty line inside the head", status=_BAD)
        self._end_head(parser)
        return rest

    def _end_head(self, parser: httptools.HttpResponseParser) -> None:
        status: int = parser.get_status_code()
        minor = _VERSIONS.get(parser.get_http_version())
        if minor is None:
            raise WireError("the answer is neither HTTP/1.0 nor HTTP/1.1", status=_BAD)
        self.minor = minor
        passed, found = sort_fields(self.fields, self._table)
        if status < 200:
            self._end_interim(status, passed)
            return
        self.passed, self.found = passed, found
        self.lines = field_lines(passed)
        self.content_length = declared_length(found, status=_BAD)
        self.chunked = is_chunked(found, status=_BAD)
        self.keep_alive = persists(found, minor=self.minor)
        self.status = status
        self._begin_body()

    def _end_interim(self, status: int, passed: Fields) -> None:
        if status < 100 or status == 101 or len(self.interim) >= MAX_INTERIM:
            raise WireError(f"an answer with status {status} is not expected here", status=_BAD)
        self.interim.append(Interim(status=status, reason=self.reason, passed=passed))
        self._begin_head()

    def _begin_body(self) -> None:
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
