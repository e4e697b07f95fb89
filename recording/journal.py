"""The journal's writing half: records appended to a memory-mapped segment; a killed process loses none.

Knows frames, checksums, sequence numbers, segments, disk space; refuses to know what a record means
(`journal_codec.py`). The proxy and the engine write, one writer a folder; the recorder reads
(`journal_reader.py`).

A segment is a preallocated file (blocks reserved: a full disk is an error at that moment, not a signal
later) written through a shared mapping. What was appended is in the page cache and survives the process;
what was not yet flushed is lost only with the machine, so `sync` on an interval states the bound of that
loss. The layout: a 64-byte head, then frames aligned to 8 bytes:

    crc32 u32 | length u32 | sequence u64 | kind u16 | 0 u16 | magic u32 | payload

The checksum covers all that follows it and is stored last: a frame without a matching checksum is not there.
Zeros after the last frame are the end; anything else that does not check out is damage, and the magic word
lets a reader find the next whole frame. A sealed segment ends with a SEAL frame. Names sort by time.

When no segment can be had (disk full, or the cap on unread bytes reached) records are dropped and counted,
and the writer looks again once a second: recording may stop, serving may not.
"""

import contextlib
import fcntl
import itertools
import mmap
import os
import struct
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from recording.errors import InputError
from recording.journal_codec import EXCHANGE, REQUEST

__all__ = ["EXCHANGE", "REQUEST", "SEAL", "JournalWriter"]

SEAL = 0xFFFF
MAGIC = 0x4C4E524A
SEGMENT_HEAD = struct.Struct("<8sIIQQq")
SEGMENT_MAGIC = b"SPARJRN1"
FORMAT_VERSION = 1
HEAD_BYTES = 64
FRAME = struct.Struct("<IQHHI")
CRC = struct.Struct("<I")
FRAME_BYTES = CRC.size + FRAME.size
LOCK_NAME = "writer.lock"
SUFFIX = ".seg"
FRESH_SUFFIX = ".new"

SEGMENT_BYTES = 64 << 20
UNREAD_BYTES_CAP = 4 << 30
RETRY_NS = 1_000_000_000
LOCK_TRIES = 50


def aligned(size: int) -> int:
    """`size` rounded up to the next multiple of 8."""
    return (size + 7) & ~7


@dataclass(slots=True, kw_only=True)
class _Segment:
    path: Path
    fd: int
    mapped: mmap.mmap
    size: int
    opened_ns: int = 0
    offset: int = HEAD_BYTES
    records: int = 0

    def retire(self) -> None:
        """Give back the mapping and what was not used, and make the rest durable."""
        try:
            self.mapped.close()
            os.ftruncate(self.fd, self.offset)
            os.fdatasync(self.fd)
        finally:
            os.close(self.fd)

    def discard(self) -> None:
        """It was never used."""
        self.mapped.close()
        os.close(self.fd)
        self.path.unlink()


class JournalWriter:
    """One writer of one folder; a second one for the same folder is refused.

    `append` is for the thread that owns the writer; `sync` may run in another. `clock_ns` is monotonic.
    """

    def __init__(
        self,
        directory: Path,
        *,
        segment_bytes: int = SEGMENT_BYTES,
        max_bytes: int = UNREAD_BYTES_CAP,
        clock_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.directory = directory
        self.dropped_records = 0
        self.appended_records = 0
        self.appended_bytes = 0
        self.trouble = ""
        self._segment_bytes = segment_bytes
        self._max_bytes = max_bytes
        self._clock_ns = clock_ns
        self._retry_at_ns = 0
        self._sequence = 0
        self._numbers = itertools.count(1)
        self._swap = threading.Lock()
        self._retired: list[_Segment] = []
        self._spare: _Segment | None = None
        directory.mkdir(parents=True, exist_ok=True)
        self._lock_fd = _lock(directory / LOCK_NAME)
        for left in directory.glob(f"*{FRESH_SUFFIX}"):
            left.unlink()
        self._incarnation = time.time_ns()  # a name that sorts after every earlier writer's
        self._segment = self._open_segment(0)

    def append(self, kind: int, payload: bytes) -> bool:
        """Add one record; False if it was dropped and counted instead (never raises for disk trouble)."""
        length = len(payload)
        needed = FRAME_BYTES + length
        segment = self._segment
        if segment is None or segment.offset + needed + FRAME_BYTES + 16 > segment.size:
            segment = self._next_segment(needed)
            if segment is None:
                self.dropped_records += 1
                return False
        self._write(segment, kind, payload)
        self.appended_records += 1
        self.appended_bytes += length
        return True

    def rotate(self, *, older_than_ns: int = 0) -> None:
        """Seal a segment of that age, if it holds anything, so that the recorder can finish its file."""
        segment = self._segment
        if segment is not None and segment.records and self._clock_ns() - segment.opened_ns >= older_than_ns:
            self._seal()

    def sync(self) -> None:
        """Flush what was appended, and have the next segment ready; for another thread, on an interval.

        What can block for milliseconds (preallocating, unmapping, truncating, flushing) is done here, so that
        `append` seldom has to.
        """
        with self._swap:
            retired, self._retired = self._retired, []
            segment = self._segment
            fd = os.dup(segment.fd) if segment is not None else -1
        for one in retired:
            one.retire()
        if segment is None:
            return
        try:
            os.fdatasync(fd)
        finally:
            os.close(fd)
        if self._spare is None and segment.offset > segment.size // 2:
            with contextlib.suppress(OSError):  # `append` meets the same trouble, says so, and counts
                self._spare = self._allocate(self._segment_bytes)

    def close(self) -> None:
        """Seal, flush, and let the folder go."""
        if self._segment is not None:
            self._seal()
        self.sync()
        if self._spare is not None:
            self._spare.discard()
        os.close(self._lock_fd)

    def _write(self, segment: _Segment, kind: int, payload: bytes) -> None:
        head = FRAME.pack(len(payload), self._sequence, kind, 0, MAGIC)
        start = segment.offset
        end = start + FRAME_BYTES + len(payload)
        segment.mapped[start + 4 : end] = head + payload
        CRC.pack_into(segment.mapped, start, zlib.crc32(payload, zlib.crc32(head)))
        self._sequence += 1
        segment.records += 1
        segment.offset = (end + 7) & ~7

    def _seal(self) -> None:
        segment = self._segment
        if segment is None:
            return
        self._write(segment, SEAL, segment.records.to_bytes(8, "little"))
        with self._swap:
            self._segment = None
            self._retired.append(segment)

    def _next_segment(self, needed: int) -> _Segment | None:
        if self._segment is None and self._clock_ns() < self._retry_at_ns:
            return None
        self._seal()
        segment = self._open_segment(needed)
        with self._swap:
            self._segment = segment
        return segment

    def _open_segment(self, needed: int) -> _Segment | None:
        size = max(self._segment_bytes, HEAD_BYTES + aligned(needed) + 2 * FRAME_BYTES + 16)
        try:
            self._check_cap(size)
            spare, self._spare = self._spare, None
            if spare is not None and spare.size >= size:
                return self._publish(spare)
            if spare is not None:
                spare.discard()
            return self._publish(self._allocate(size))
        except OSError as error:
            self.trouble = f"{self.directory}: {error.strerror}"
            self._retry_at_ns = self._clock_ns() + RETRY_NS
            return None

    def _check_cap(self, size: int) -> None:
        unread = sum(path.stat().st_size for path in self.directory.glob(f"*{SUFFIX}"))
        if unread + size > self._max_bytes:
            waiting = f"{unread >> 20} MiB wait for the recorder"
            raise OSError(0, f"{waiting}; the cap is {self._max_bytes >> 20} MiB")

    def _allocate(self, size: int) -> _Segment:
        """A preallocated file that readers do not see yet."""
        number = next(self._numbers)
        path = self.directory / f"{self._incarnation:020d}-{number:06d}{FRESH_SUFFIX}"
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
        try:
            os.posix_fallocate(fd, 0, size)
            mapped = mmap.mmap(fd, size)
        except OSError:
            os.close(fd)
            path.unlink()
            raise
        return _Segment(path=path, fd=fd, mapped=mapped, size=size)

    def _publish(self, segment: _Segment) -> _Segment:
        """Write the head, and let readers see it: whole, or not at all."""
        number = int(segment.path.stem.rpartition("-")[2])
        head = SEGMENT_HEAD.pack(
            SEGMENT_MAGIC, FORMAT_VERSION, HEAD_BYTES, number, self._sequence, self._incarnation
        )
        segment.mapped[: len(head) + CRC.size] = head + CRC.pack(zlib.crc32(head))
        segment.path = segment.path.rename(segment.path.with_suffix(SUFFIX))
        segment.opened_ns = self._clock_ns()
        return segment


def _lock(path: Path) -> int:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    for _ in range(LOCK_TRIES):  # a reader that looks whether somebody writes holds it for an instant
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return fd
        time.sleep(0.01)
    os.close(fd)
    raise InputError(
        "another process writes this journal",
        place=str(path.parent),
        fix="end it, or record into another folder",
    )
