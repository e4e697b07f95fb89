"""The run's clock: one origin that every process of a run shares.

Knows the monotonic clock and an 8-byte file that holds the origin; refuses to know wall time. All times in
journals and rows are nanoseconds since that origin, and negative before it. The supervisor creates the file
and sets the origin once all targets are ready; proxy, engine and recorder open it and see the change at once.
"""

import mmap
import struct
import time
from pathlib import Path
from typing import Self

_ORIGIN = struct.Struct("<q")


class RunClock:
    """Nanoseconds since the run's start, the same in every process on one host."""

    __slots__ = ("_origin_ns",)

    def __init__(self, origin_ns: "memoryview") -> None:
        self._origin_ns = origin_ns

    @classmethod
    def standalone(cls) -> Self:
        """A clock of one process, starting now."""
        cell = memoryview(bytearray(_ORIGIN.pack(time.monotonic_ns()))).cast("q")
        return cls(cell)

    @classmethod
    def create(cls, path: Path, *, origin_ns: int | None = None) -> Self:
        """Write a clock file (origin: now unless given, in ns of the monotonic clock) and open it."""
        path.write_bytes(_ORIGIN.pack(time.monotonic_ns() if origin_ns is None else origin_ns))
        return cls.open(path)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Share the origin in `path`; a later `set_origin` by anyone is seen here at once."""
        with path.open("r+b") as file:
            mapped = mmap.mmap(file.fileno(), _ORIGIN.size)
        return cls(memoryview(mapped).cast("q"))

    @property
    def origin_ns(self) -> int:
        """The origin on the monotonic clock."""
        return self._origin_ns[0]

    def set_origin(self, monotonic_ns: int) -> None:
        """Move the origin, for every process that shares the file."""
        self._origin_ns[0] = monotonic_ns

    def now_ns(self) -> int:
        """Nanoseconds since the origin; negative before it."""
        return time.monotonic_ns() - self._origin_ns[0]
