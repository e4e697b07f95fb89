"""The chunked coding, read strictly.

Knows RFC 9112 section 7.1 with every tolerance removed: a size is hexadecimal digits alone, lines end in
CRLF, extensions are dropped and bounded, trailers are dropped and bounded. Refuses to know heads. Fed by both
readers with whatever arrived; leaves what lies behind the last chunk to the caller.
"""

import re
from enum import Enum, auto
from typing import Final

from wire.errors import WireError

MAX_LINE_BYTES: Final = 4096
MAX_TRAILER_BYTES: Final = 16384
LAST_CHUNK: Final = b"0\r\n\r\n"
_SIZE_LINE: Final = re.compile(rb"([0-9A-Fa-f]{1,15})(?:;[\t\x20-\x7e\x80-\xff]*)?")
_TRAILER_LINE: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*")


class _Expect(Enum):
    SIZE = auto()
    DATA = auto()
    DATA_END = auto()
    TRAILER = auto()


class ChunkedDecoder:
    """Feed it bytes, get pieces of the body; `complete` after the last chunk and its trailer section."""

    __slots__ = ("_expect", "_held", "_left", "_status", "_trailer_bytes", "complete")

    def __init__(self, *, status: int) -> None:
        self.complete = False
        self._expect = _Expect.SIZE
        self._held = b""
        self._left = 0
        self._status = status
        self._trailer_bytes = 0

    def feed(self, received: bytes, pieces: list[bytes]) -> bytes:
        """Append the body bytes in `received` to `pieces`; returns what lies behind the message's end."""
        if self._held:
            received, self._held = self._held + received, b""
        at = 0
        size = len(received)
        while at < size and not self.complete:
            if self._expect is _Expect.DATA:
                piece = received[at : at + self._left]
                pieces.append(piece)
                at += len(piece)
                self._left -= len(piece)
                if not self._left:
                    self._expect = _Expect.DATA_END
                continue
            end = received.find(b"\r\n", at)
            if end < 0:
                self._hold(received[at:])
                return b""
            self._take_line(received[at:end])
            at = end + 2
        return received[at:]

    def _take_line(self, line: bytes) -> None:
        if self._expect is _Expect.SIZE:
            self._take_size(line)
        elif self._expect is _Expect.DATA_END:
            if line:
                raise self._refused("a chunk is longer than its size")
            self._expect = _Expect.SIZE
        elif line:
            self._take_trailer(line)
        else:
            self.complete = True

    def _take_size(self, line: bytes) -> None:
        match = _SIZE_LINE.fullmatch(line)
        if match is None or len(line) > MAX_LINE_BYTES:
            raise self._refused("a chunk size that is not a plain hexadecimal number")
        self._left = int(match[1], 16)
        self._expect = _Expect.DATA if self._left else _Expect.TRAILER

    def _take_trailer(self, line: bytes) -> None:
        self._trailer_bytes += len(line)
        if self._trailer_bytes > MAX_TRAILER_BYTES or not _TRAILER_LINE.fullmatch(line):
            raise self._refused("a trailer section that is too long or malformed")

    def _hold(self, rest: bytes) -> None:
        """Keep the start of a line until the rest of it arrives; what cannot become right fails now."""
        if len(rest) > MAX_LINE_BYTES:
            raise self._refused("a chunk line without end")
        if b"\n" in rest or b"\r" in rest[:-1]:
            raise self._refused("a line of the chunked coding does not end in CRLF")
        if self._expect is _Expect.DATA_END and rest != b"\r":
            raise self._refused("a chunk is longer than its size")
        if (
            self._expect is _Expect.SIZE
            and rest != b"\r"
            and not _SIZE_LINE.fullmatch(rest.removesuffix(b"\r"))
        ):
            raise self._refused("a chunk size that is not a plain hexadecimal number")
        self._held = rest

    def _refused(self, reason: str) -> WireError:
        return WireError(reason, status=self._status)


def chunk(piece: bytes) -> bytes:
    """One piece of a body as one chunk; an empty piece would end the body and is refused.

    >>> chunk(b"hello")
    b'5\\r\\nhello\\r\\n'
    """
    if not piece:
        raise ValueError("an empty chunk is the last chunk: write LAST_CHUNK")
    return b"%x\r\n%b\r\n" % (len(piece), piece)
