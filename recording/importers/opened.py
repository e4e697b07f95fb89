"""A file opened for an importer, seen through gzip if it is gzip, and what was wrong with its end.

Knows the magic bytes and zlib; refuses to know formats. The standard library's gzip reader raises in the
middle of a read when a file is cut and takes the bytes it had with it; this one gives every byte there was
and remembers the damage.
"""

import io
import zlib
from pathlib import Path
from typing import BinaryIO

from recording.errors import InputError

_MAGIC = b"\x1f\x8b"
_BLOCK = 1 << 16


class Gunzip(io.RawIOBase):
    """The plain bytes of a gzip file, concatenated members included; `damage` says how it ended, if badly."""

    def __init__(self, packed: BinaryIO) -> None:
        self.damage = ""
        self._packed = packed
        self._plain = b""
        self._member = zlib.decompressobj(wbits=31)

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]  # the usual two
        """The next plain bytes; 0 at the end, bad or good."""
        while not self._plain and not self.damage:
            block = self._member.unused_data or self._packed.read(_BLOCK)
            if not block:
                self.damage = "" if self._fresh() else "the compressed file is cut short"
                break
            self._decompress(block)
        count = min(len(buffer), len(self._plain))
        buffer[:count] = self._plain[:count]
        self._plain = self._plain[count:]
        return count

    def _decompress(self, block: bytes) -> None:
        if self._member.eof:
            self._member = zlib.decompressobj(wbits=31)
        try:
            self._plain = self._member.decompress(block)
        except zlib.error as error:
            self.damage = f"the compressed file is damaged: {error}"

    def _fresh(self) -> bool:
        return self._member.eof


def open_input(path: Path) -> tuple[BinaryIO, Gunzip | None]:
    """The file's (plain) bytes, and the gzip layer if there is one."""
    try:
        file = path.open("rb")
        packed = file.read(2) == _MAGIC
        file.seek(0)
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", place=str(path), fix="check the path") from None
    if not packed:
        return file, None
    plain = Gunzip(file)
    return io.BufferedReader(plain, buffer_size=_BLOCK), plain
