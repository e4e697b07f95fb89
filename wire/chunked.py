"""The chunked coding, read strictly.

Knows RFC 9112 section 7.1 with every tolerance removed: a size is hexadecimal digits alone, lines end in
CRLF, extensions are dropped and bounded over the whole message, trailers are bounded, and those that may not
stand behind a body are dropped. Refuses to know heads. Fed by both readers with whatever arrived; leaves what
lies behind the last chunk to the caller.
"""

import re
from enum import Enum, auto
from typing import Final

from wire.errors import WireError
from wire.fields import may_trail

MAX_LINE_BYTES: Final = 4096
MAX_EXTENSION_BYTES: Final = 16384
MAX_TRAILER_BYTES: Final = 16384
MAX_TRAILERS: Final = 128
LAST_CHUNK: Final = b"0\r\n\r\n"
_TOKEN: Final = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_QUOTED: Final = rb'"(?:[\t \x21\x23-\x5b\x5d-\x7e]|\\[\t\x20-\x7e])*"'
_SIZE_LINE: Final = re.compile(rb"([0-9A-Fa-f]{1,15})(?:;%b(?:=(?:%b|%b))?)*" % (_TOKEN, _TOKEN, _QUOTED))
_SIZE_START: Final = re.compile(rb"[0-9A-Fa-f]{1,15}(?:;[\t\x20-\x7e\x80-\xff]*)?")
_TRAILER_LINE: Final = re.compile(rb"%b:[\t\x20-\x7e\x80-\xff]*" % _TOKEN)


class _Expect(Enum):
    SIZE = auto()
    DATA = auto()
    DATA_END = auto()
    TRAILER = auto()


class ChunkedDecoder:
    """Feed it bytes, get pieces of the body; `complete` after the last chunk and its trailer section.

    `trailers` are then the lines that may be passed on, each with its CRLF. `listed` names, in lower
    case, the fields that the head's Connection keeps to this hop.
    """

    __slots__ = (
        "_expect",
        "_extension_bytes",
        "_held",
        "_left",
        "_listed",
        "_status",
        "_trailer_bytes",
        "_trailer_count",
        "complete",
        "trailers",
    )

    def __init__(self, *, status: int, listed: frozenset[bytes] = frozenset()) -> None:
        self.complete = False
        self.trailers = b""
        self._expect = _Expect.SIZE
        self._extension_bytes = 0
        self._held = b""
        self._left = 0
        self._listed = listed
        self._status = status
        self._trailer_bytes = 0
        self._trailer_count = 0

    def feed(self, received: bytes, pieces: list[bytes]) -> bytes:
        """Append the body bytes in `received` to `pieces`; returns what lies behind the message's end."""
        if self._held:
            received, self._held = self._held + received, b""
        at = 0
        size = len(received)
        while at < size and not self.complete:
            if self._expect is _Expect.DATA:
                at = self._take_data(received, at, pieces)
                continue
            end = received.find(b"\r\n", at)
            if end < 0:
                self._hold(received[at:])
                return b""
            self._take_line(received[at:end])
            at = end + 2
        return received[at:]

    def _take_data(self, received: bytes, at: int, pieces: list[bytes]) -> int:
        """What is here of a chunk's data, and at once the CRLF behind it if that is here too."""
        end = at + self._left
        piece = received[at:end]
        pieces.append(piece)
        self._left -= len(piece)
        if self._left:
            return at + len(piece)
        if received[end : end + 2] == b"\r\n":
            self._expect = _Expect.SIZE
            return end + 2
        self._expect = _Expect.DATA_END
        return end

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
        digits = match[1]
        self._extension_bytes += len(line) - len(digits)
        if self._extension_bytes > MAX_EXTENSION_BYTES:
            raise self._refused("more chunk extensions than anybody needs")
        self._left = int(digits, 16)
        self._expect = _Expect.DATA if self._left else _Expect.TRAILER

    def _take_trailer(self, line: bytes) -> None:
        self._trailer_bytes += len(line)
        self._trailer_count += 1
        if self._trailer_bytes > MAX_TRAILER_BYTES or self._trailer_count > MAX_TRAILERS:
            raise self._refused("a trailer section that is too long")
        if not _TRAILER_LINE.fullmatch(line):
            raise self._refused("a malformed trailer")
        if may_trail(line) and line.partition(b":")[0].lower() not in self._listed:
            self.trailers += line + b"\r\n"

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
            and not _SIZE_START.fullmatch(rest.removesuffix(b"\r"))
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
