"""One HTTP/1.1 request after another from one client connection.

Knows what a request must look like before anything of it may reach an upstream (RFC 9112, every choice taken
on the strict side); refuses to know sockets, targets and answers. The proxy's client connections feed it.

Several messages may lie in one read (pipelining): the sink is told of each head, each piece of body and each
end in order. A good message in front of a bad one is still delivered: the sink hears of it before `feed`
raises. After a `WireError` the connection can only be answered with its `status` and closed.

llhttp (through httptools) parses and validates heads; bodies are cut here, see `response_reader.py`. On top
of llhttp: exactly one valid Host in HTTP/1.1, no Content-Length beside Transfer-Encoding, Transfer-Encoding
exactly `chunked` and only in HTTP/1.1, no CONNECT, no HTTP/2 preface, no versions but 1.0 and 1.1, an
absolute target only with the authority that Host names, no bare line feeds, limits on the head's size and the
number of fields.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Protocol

import httptools

from wire.chunked import ChunkedDecoder
from wire.errors import WireError
from wire.fields import FIELD_TABLE, Found, declared_length, is_chunked, persists, sort_lines
from wire.heads import HeadCutter

MAX_HEAD_BYTES: Final = 65536
MAX_FIELDS: Final = 128
MAX_TARGET_BYTES: Final = 16384
MAX_HOST_BYTES: Final = 512

_HTTP2_PREFACE: Final = b"PRI * HTTP/2.0"
_HOST: Final = re.compile(rb"[A-Za-z0-9._~!$&'()*+;=%-]*(?::\d{0,5})?|\[[0-9A-Fa-f:.]+\](?::\d{0,5})?")
_MAX_REMEMBERED_BYTES: Final = 512
_SLASH: Final = ord("/")
_LINE_ENDS: Final = b"\r\n"
_REFUSED_METHODS: Final = frozenset({b"CONNECT", b"PRI"})
_TARGET: Final = re.compile(rb"/[!\"$-~]*")
_ABSOLUTE: Final = re.compile(rb"(?i:http)://([^/?#]*)([/?][!\"$-~]*)?")
_VERSIONS: Final = {b"HTTP/1.1": 1, b"HTTP/1.0": 0}


@dataclass(slots=True, kw_only=True)
class RequestHead:
    """A request's head. `lines` are the end-to-end fields, `found` the values of the table's fields.

    `target` is in origin form (or `*`), byte for byte as sent. `content_length` is -1 unless given.
    Not frozen: one is made for every request, and a frozen one takes three times as long to make.
    """

    method: bytes
    target: bytes
    minor: int
    lines: bytes
    found: Found
    content_length: int
    chunked: bool
    keep_alive: bool

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
        """Its body is complete (at once, if it has none)."""


class RequestReader:
    """Feed it reads; it calls the sink. `idle` tells whether it stands between two messages."""

    __slots__ = ("_cutter", "_decoder", "_left", "_max_fields", "_max_target_bytes", "_sink", "_table")

    def __init__(
        self,
        sink: RequestSink,
        *,
        max_head_bytes: int = MAX_HEAD_BYTES,
        max_fields: int = MAX_FIELDS,
        max_target_bytes: int = MAX_TARGET_BYTES,
        table: Mapping[bytes, bool] = FIELD_TABLE,
    ) -> None:
        self._sink = sink
        self._table = table
        self._max_fields = max_fields
        self._max_target_bytes = max_target_bytes
        self._cutter = HeadCutter(httptools.HttpRequestParser, max_bytes=max_head_bytes, status=400)
        self._decoder: ChunkedDecoder | None = None
        self._left = 0

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
        if received[0] in _LINE_ENDS and not self._cutter.partial:
            received = received.lstrip(b"\r\n")  # RFC 9112 section 2.2: empty lines in front are ignored
            if not received:
                return b""
        try:
            head = self._cutter.feed(received)
        except WireError:
            if received.startswith(_HTTP2_PREFACE):
                raise WireError("HTTP/2 is not spoken here", status=505) from None
            raise
        if head is None:
            return b""
        rest = self._cutter.rest
        self._begin_body(self._parsed(head))
        return rest

    def _parsed(self, head: bytes) -> RequestHead:
        first, *lines = head.split(b"\r\n")
        del lines[-2:]
        if len(lines) > self._max_fields:
            raise WireError(f"more than {self._max_fields} fields", status=431)
        parse = _start_line if len(first) <= _MAX_REMEMBERED_BYTES else _start_line.__wrapped__
        method, url, minor = parse(first)
        if len(url) > self._max_target_bytes:
            raise WireError(f"the target is longer than {self._max_target_bytes} bytes", status=414)
        passed, found = sort_lines(lines, self._table)
        return RequestHead(
            method=method,
            target=url if url[0] == _SLASH else _origin_form(url, host=found.get(b"host"), method=method),
            minor=minor,
            lines=passed,
            found=found,
            content_length=declared_length(found, status=400) if b"content-length" in found else -1,
            chunked=b"transfer-encoding" in found and is_chunked(found, status=400),
            keep_alive=persists(found, minor=minor) if b"connection" in found else minor == 1,
        )

    def _begin_body(self, head: RequestHead) -> None:
        _check_host(head.found.get(b"host"), minor=head.minor)
        if head.chunked:
            if not head.minor:
                raise WireError("Transfer-Encoding in HTTP/1.0", status=400)
            self._decoder = ChunkedDecoder(status=400)
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
            for piece in pieces:
                self._sink.on_request_body(piece)
        if decoder.complete:
            self._decoder = None
            self._sink.on_request_end()
        return rest


@lru_cache(maxsize=1024)
def _start_line(line: bytes) -> tuple[bytes, bytes, int]:
    """Method, target and minor version; remembered, since many requests are for few targets."""
    parts = line.split(b" ")
    if len(parts) != 3:
        raise WireError("the request line is not method, target and version", status=400)
    method, url, version = parts
    minor = _VERSIONS.get(version)
    if minor is None:
        raise WireError("only HTTP/1.0 and HTTP/1.1 are spoken here", status=505)
    if method in _REFUSED_METHODS:
        raise WireError("tunnels are not offered here", status=405)
    if url[:1] == b"/" and not _TARGET.fullmatch(url):
        raise WireError("the target is not a path", status=400)
    return method, url, minor


def _origin_form(url: bytes, *, host: bytes | None, method: bytes) -> bytes:
    """The path of a target whose authority is the one that Host names, or `*`."""
    if url == b"*" and method == b"OPTIONS":
        return url
    absolute = _ABSOLUTE.fullmatch(url)
    if absolute is None:
        raise WireError("the target is not a path", status=400)
    if host is None or absolute[1].lower() != host.lower():
        raise WireError("the target names another authority than Host", status=400)
    rest = absolute[2] or b"/"
    return rest if rest.startswith(b"/") else b"/" + rest


def _check_host(host: bytes | None, *, minor: int) -> None:
    if host is None:
        if minor:
            raise WireError("exactly one Host is required", status=400)
    elif len(host) > MAX_HOST_BYTES or not _is_host(host):
        raise WireError("Host is not one host and port", status=400)


@lru_cache(maxsize=256)
def _is_host(host: bytes) -> bool:
    return _HOST.fullmatch(host) is not None
