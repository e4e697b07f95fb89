"""The journal's writing half: records appended to a memory-mapped segment; a killed process loses none.

Knows frames, checksums, sequence numbers, segments, disk space; refuses to know what a record means
(`journal_codec.py`). The proxy and the engine write, one writer a folder; the recorder reads
(`journal_reader.py`).

A segment is a preallocated file (blocks reserved: a full disk is an error at that moment, not a signal
later) written through a shared mapping. What was appended is in the page cache and survives the process;
what was not yet flushed is lost only with the machine, so `sync` on an interval states the bound of that
loss. The layout: a 64-byte head, then frames aligned to 8 bytes:

    checksum u32 | length u32 | sequence u64 | kind u16 | 0 u16 | magic u32 | payload

The checksum (the low half of XXH3's 64 bits; a CRC-32 in format version 1) covers all that follows it and
is stored last: a frame without a matching checksum is not there.
Zeros after the last frame are the end; anything else that does not check out is damage, and the magic word
lets a reader find the next whole frame. A sealed segment ends with a SEAL frame. Names sort by time.

When no segment can be had (disk full, folder not to be made, or the cap on unread bytes reached) records are
dropped and counted, and the writer looks again once a second: recording may stop, serving may not. A segment
that the disk would not flush, or that somebody removed, takes no more records.
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
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Final

from xxhash import xxh3_64, xxh3_64_intdigest

from recording.errors import InputError
from recording.journal_codec import ANSWERED, EXCHANGE, REFUSED, REQUEST

__all__ = ["ANSWERED", "EXCHANGE", "REFUSED", "REQUEST", "SEAL", "JournalWriter"]

SEAL: Final = 0xFFFF
MAGIC: Final = 0x4C4E524A
SEGMENT_HEAD: Final = struct.Struct("<8sIIQQq")
SEGMENT_MAGIC: Final = b"SPARJRN1"
FORMAT_VERSION: Final = 2
READ_VERSIONS: Final = (1, 2)
HEAD_BYTES: Final = 64
FRAME: Final = struct.Struct("<IQHHI")
CRC: Final = struct.Struct("<I")
CRC_BYTES: Final = 4
LOW_HALF: Final = 0xFFFFFFFF
LARGE_BYTES: Final = 16 << 10  # from here on a copy costs more than a few calls
FRAME_BYTES: Final = CRC_BYTES + 20
LOCK_NAME: Final = "writer.lock"
SUFFIX: Final = ".seg"
FRESH_SUFFIX: Final = ".new"

SEGMENT_BYTES: Final = 64 << 20
UNREAD_BYTES_CAP: Final = 4 << 30
RETRY_NS: Final = 1_000_000_000
LOCK_TRIES: Final = 50
MOST_NEWS: Final = 16
WARM_BYTES: Final = 1 << 20
WARM_STEP_BYTES: Final = 256 << 10

_PACK_FRAME: Final = FRAME.pack  # looked up once: these three run for every record
_PUT_CRC: Final = CRC.pack_into
_XXH3: Final = xxh3_64_intdigest


def frame_checksum(framed: bytes, *, version: int) -> int:
    """What stands before `framed` in a segment of that format version."""
    return zlib.crc32(framed) if version == 1 else xxh3_64_intdigest(framed) & LOW_HALF


def aligned(size: int) -> int:
    """`size` rounded up to the next multiple of 8."""
    return (size + 7) & ~7


class _Segment:
    """`room` is where it ends; 0 once it takes no more records."""

    def __init__(self, path: Path, *, fd: int, mapped: mmap.mmap, room: int) -> None:
        self.path = path
        self.fd = fd
        self.mapped = mapped
        self.room = room
        self.opened_ns = 0
        self.offset = HEAD_BYTES
        self.records = 0
        self.warm_bytes = 0
        self.seen_bytes = HEAD_BYTES

    def grown_bytes(self) -> int:
        """What was appended since the last call."""
        grown, self.seen_bytes = self.offset - self.seen_bytes, self.offset
        return grown

    def warm(self, fd: int, ahead_bytes: int) -> None:
        """Have in memory what is written next, by reading it, so that `append` need not wait for zeros.

        Otherwise the kernel makes each page at its first touch.
        """
        end = min(self.room, self.offset + ahead_bytes)
        zeros = bytearray(WARM_STEP_BYTES)
        while self.warm_bytes < end:
            with contextlib.suppress(OSError):  # a disk that cannot be read is met when it is flushed
                os.preadv(fd, [zeros], self.warm_bytes)
            self.warm_bytes += WARM_STEP_BYTES

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
        self.path.unlink(missing_ok=True)


class JournalWriter:
    """One writer of one folder; a second one for the same folder is refused. Trouble with the disk never is
    an exception.

    `append` is for the thread that owns the writer; `sync` may run in another. `clock_ns` is monotonic.
    `trouble` says why nothing is recorded, while that is so.
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
        self.sync_failures = 0
        self.trouble = ""
        self._news: deque[str] = deque(maxlen=MOST_NEWS)
        self._segment_bytes = segment_bytes
        self._max_bytes = max_bytes
        self._clock_ns = clock_ns
        self._retry_at_ns = 0
        self._sequence = 0
        self._numbers = itertools.count(1)
        self._swap = threading.Lock()
        self._retired: list[_Segment] = []
        self._spare: _Segment | None = None
        self._lock_fd = -1
        self._incarnation = time.time_ns()  # a name that sorts after every earlier writer's
        self._segment = self._open_segment(0, tries=LOCK_TRIES)

    def take_trouble(self) -> str:
        """What there is to say about the disk that was not said yet, or nothing."""
        return self._news.popleft() if self._news else ""

    def append(self, kind: int, payload: bytes) -> bool:
        """Add one record; False if it was dropped and counted instead (never raises for disk trouble)."""
        length = len(payload)
        needed = FRAME_BYTES + length
        segment = self._segment
        if segment is None or segment.offset + needed + FRAME_BYTES + 16 > segment.room:
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
        `append` seldom has to. What cannot be flushed is counted in `sync_failures`.
        """
        with self._swap:
            retired, self._retired = self._retired, []
            segment = self._segment
            fd = os.dup(segment.fd) if segment is not None else -1
        for one in retired:
            self._trying(one.retire)
        if segment is None:
            return
        try:
            if self._trying(lambda: _flush(fd)):
                self._prepare(segment, fd)
            else:
                segment.room = 0  # the next record begins a new one
        finally:
            os.close(fd)

    def close(self) -> None:
        """Seal, flush, and let the folder go."""
        if self._segment is not None:
            self._seal()
        self.sync()
        if self._spare is not None:
            self._trying(self._spare.discard)
        if self._lock_fd >= 0:
            os.close(self._lock_fd)

    def _prepare(self, segment: _Segment, fd: int) -> None:
        """Half as much again as was written since the last time, in this segment or the next."""
        ahead_bytes = segment.grown_bytes() * 3 // 2 + WARM_BYTES
        segment.warm(fd, ahead_bytes)
        if self._spare is None and segment.offset > segment.room // 2:
            with contextlib.suppress(OSError):  # `append` meets the same trouble, says so, and counts
                spare = self._allocate(self._segment_bytes)
                spare.warm(spare.fd, ahead_bytes)
                self._spare = spare

    def _trying(self, step: Callable[[], None]) -> bool:
        """Do it; False if the disk would not."""
        try:
            step()
        except OSError as error:
            self.sync_failures += 1
            self._news.append(f"{self.directory}: {_words(error)}; what was not flushed may be lost")
            return False
        return True

    def _write(self, segment: _Segment, kind: int, payload: bytes) -> None:
        frame = _PACK_FRAME(len(payload), self._sequence, kind, 0, MAGIC)
        start = segment.offset
        middle = start + FRAME_BYTES
        end = middle + len(payload)
        mapped = segment.mapped
        if len(payload) < LARGE_BYTES:
            framed = frame + payload
            mapped[start + CRC_BYTES : end] = framed
            checksum: int = _XXH3(framed)
        else:
            mapped[start + CRC_BYTES : middle] = frame
            mapped[middle:end] = payload
            whole = xxh3_64(frame)
            whole.update(payload)
            checksum = whole.intdigest()
        _PUT_CRC(mapped, start, checksum & LOW_HALF)
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

    def _open_segment(self, needed: int, *, tries: int = 1) -> _Segment | None:
        size = max(self._segment_bytes, HEAD_BYTES + aligned(needed) + 2 * FRAME_BYTES + 16)
        try:
            self._claim(tries)
            self._check_cap(size)
            spare, self._spare = self._spare, None
            if spare is not None and spare.room < size:
                spare.discard()
                spare = None
            segment = self._publish(spare or self._allocate(size))
        except OSError as error:
            self._note_trouble(f"{self.directory}: {_words(error)}")
            self._retry_at_ns = self._clock_ns() + RETRY_NS
            return None
        self._note_trouble("")
        return segment

    def _note_trouble(self, trouble: str) -> None:
        if trouble == self.trouble:
            return
        over = f"{self.directory}: recording again; {self.dropped_records} records were dropped so far"
        self._news.append(trouble or over)
        self.trouble = trouble

    def _claim(self, tries: int) -> None:
        """Have the folder, and be its only writer; again, if somebody removed it meanwhile."""
        path = self.directory / LOCK_NAME
        if self._lock_fd >= 0:
            if _is_still(path, self._lock_fd):
                return
            os.close(self._lock_fd)
            self._lock_fd = -1
        self.directory.mkdir(parents=True, exist_ok=True)
        self._lock_fd = _lock(path, tries=tries, fatal=tries > 1)
        for left in self.directory.glob(f"*{FRESH_SUFFIX}"):
            left.unlink()

    def _check_cap(self, size: int) -> None:
        unread = sum(map(_size_of, self.directory.glob(f"*{SUFFIX}")))
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
            # As much as is asked for and no more: some hosts read 8 MiB ahead, in one go that holds the core.
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_RANDOM)
            mapped.madvise(mmap.MADV_RANDOM)
        except OSError:
            os.close(fd)
            path.unlink()
            raise
        return _Segment(path, fd=fd, mapped=mapped, room=size)

    def _publish(self, segment: _Segment) -> _Segment:
        """Write the head, and let readers see it: whole, or not at all."""
        number = int(segment.path.stem.rpartition("-")[2])
        head = SEGMENT_HEAD.pack(
            SEGMENT_MAGIC, FORMAT_VERSION, HEAD_BYTES, number, self._sequence, self._incarnation
        )
        segment.mapped[: len(head) + CRC.size] = head + CRC.pack(zlib.crc32(head))
        try:
            segment.path = segment.path.rename(segment.path.with_suffix(SUFFIX))
        except OSError:
            segment.discard()
            raise
        segment.opened_ns = self._clock_ns()
        return segment


def _flush(fd: int) -> None:
    os.fdatasync(fd)
    if os.fstat(fd).st_nlink == 0:
        raise OSError(0, "a segment was removed while it was written")


def _is_still(path: Path, fd: int) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(fd), path.stat())
    return False


def _words(error: OSError) -> str:
    return error.strerror or str(error)


def _size_of(segment: Path) -> int:
    """Nothing, if the recorder has just removed it."""
    try:
        return segment.stat().st_size
    except FileNotFoundError:
        return 0


def _lock(path: Path, *, tries: int, fatal: bool) -> int:
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    for attempt in range(tries):  # a reader that looks whether somebody writes holds it for an instant
        time.sleep(0.01 if attempt else 0)
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return fd
    os.close(fd)
    if not fatal:
        raise OSError(0, "another process writes this journal")
    raise InputError(
        "another process writes this journal",
        place=str(path.parent),
        fix="end it, or record into another folder",
    )
