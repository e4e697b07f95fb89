"""The journal's reading half: frames out of segments, live or left behind, and what was lost on the way.

Knows how to tell an end from damage; refuses to know what records mean. The recorder polls; recovery after a
crash is the same reading, with nobody writing.

A segment has ended when it is sealed, when a later one exists, or when its writer is gone (its lock is free).
Until then bytes that do not check out yet are merely not written yet. After that they are damage: the reader
looks for the next magic word, goes on from the first whole frame, and counts the bytes in between.
"""

import fcntl
import os
import zlib
from dataclasses import dataclass, field
from pathlib import Path

from recording.errors import DamageError
from recording.journal import (
    CRC,
    FRAME,
    FRAME_BYTES,
    FRESH_SUFFIX,
    HEAD_BYTES,
    LOCK_NAME,
    MAGIC,
    READ_VERSIONS,
    SEAL,
    SEGMENT_HEAD,
    SEGMENT_MAGIC,
    SUFFIX,
    aligned,
    frame_checksum,
)
from recording.journal_codec import ANSWERED, EXCHANGE, REQUEST, split_answered

_WINDOW_BYTES = 1 << 20
_MAGIC_AT = FRAME_BYTES - 4
_MAGIC_BYTES = MAGIC.to_bytes(4, "little")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One record as it was appended."""

    kind: int
    sequence: int
    payload: bytes


@dataclass(slots=True, kw_only=True)
class Losses:
    """What a reader could not give back: damaged bytes skipped, records missing by their numbers."""

    damaged_bytes: int = 0
    missing_records: int = 0
    unsealed_segments: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """What one look brought: the segment, its new entries, and whether it has no more."""

    segment: Path
    entries: list[Entry]
    ended: bool


class SegmentReader:
    """Reads one segment from its start; `read` again to get what was appended since."""

    def __init__(self, path: Path, *, losses: Losses) -> None:
        self.path = path
        self.ended = False
        self._losses = losses
        self._offset = HEAD_BYTES
        self._fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._version, self._expected = self._check_head()

    def read(self, limit: int, *, final: bool) -> list[Entry]:
        """Up to `limit` entries. `final` says that nobody writes any more, so that what is torn is damage."""
        entries: list[Entry] = []
        while not self.ended and len(entries) < limit:
            window = os.pread(self._fd, _WINDOW_BYTES, self._offset)
            taken = self._take(window, entries, limit=limit)
            if not taken and not self._more(window, entries, final=final):
                break
        return entries

    def close(self) -> None:
        """Let the file go."""
        os.close(self._fd)

    def _check_head(self) -> tuple[int, int]:
        """The format's version and the first sequence number."""
        raw = os.pread(self._fd, HEAD_BYTES, 0)
        if len(raw) < HEAD_BYTES or raw[:8] != SEGMENT_MAGIC:
            raise DamageError(
                "is not a journal segment", place=str(self.path), fix="move it out of the folder"
            )
        _, version, _, _, first, _ = SEGMENT_HEAD.unpack_from(raw)
        (crc,) = CRC.unpack_from(raw, SEGMENT_HEAD.size)
        if crc != zlib.crc32(raw[: SEGMENT_HEAD.size]):
            raise DamageError("has a damaged head", place=str(self.path), fix="move it out of the folder")
        if version not in READ_VERSIONS:
            raise DamageError(
                f"has format version {version}; this version reads {READ_VERSIONS[0]} to {READ_VERSIONS[-1]}",
                place=str(self.path),
                fix="read it with the version that wrote it",
            )
        return version, first

    def _take(self, window: bytes, entries: list[Entry], *, limit: int) -> int:
        """Move whole frames from the window's start into `entries`; the bytes they took."""
        at = 0
        while len(entries) < limit and not self.ended:
            entry = _frame(window, at, version=self._version)
            if entry is None:
                break
            at += aligned(FRAME_BYTES + len(entry.payload))
            self._losses.missing_records += max(0, entry.sequence - self._expected)
            self._expected = entry.sequence + 1
            if entry.kind == SEAL:
                self.ended = True
            elif entry.kind == ANSWERED:
                entries.extend(_both(entry))
            else:
                entries.append(entry)
        self._offset += at
        return at

    def _more(self, window: bytes, entries: list[Entry], *, final: bool) -> bool:
        """Whether reading can go on: a frame larger than the window, or a whole one behind damage."""
        length = FRAME.unpack_from(window, CRC.size)[0] if len(window) >= FRAME_BYTES else 0
        if len(window) == _WINDOW_BYTES and length + FRAME_BYTES > _WINDOW_BYTES:
            whole = os.pread(self._fd, aligned(FRAME_BYTES + length), self._offset)
            if self._take(whole, entries, limit=len(entries) + 1):
                return True
        return final and self._resync()

    def _resync(self) -> bool:
        rest = os.pread(self._fd, os.fstat(self._fd).st_size - self._offset, self._offset)
        if not rest.strip(b"\0"):
            self._losses.unsealed_segments += 1
            self.ended = True
            return False
        at = rest.find(_MAGIC_BYTES, _MAGIC_AT + 1)
        while at >= 0 and _frame(rest, at - _MAGIC_AT, version=self._version) is None:
            at = rest.find(_MAGIC_BYTES, at + 1)
        if at < 0:
            self._losses.damaged_bytes += len(rest.rstrip(b"\0"))
            self._losses.unsealed_segments += 1
            self.ended = True
            return False
        self._losses.damaged_bytes += at - _MAGIC_AT
        self._offset += at - _MAGIC_AT
        return True


def _both(entry: Entry) -> tuple[Entry, Entry]:
    """The request and the exchange that were appended as one."""
    request, exchange = split_answered(entry.payload)
    return (
        Entry(kind=REQUEST, sequence=entry.sequence, payload=request),
        Entry(kind=EXCHANGE, sequence=entry.sequence, payload=exchange),
    )


def _frame(window: bytes, at: int, *, version: int) -> Entry | None:
    if at < 0 or at + FRAME_BYTES > len(window):
        return None
    length, sequence, kind, _, magic = FRAME.unpack_from(window, at + CRC.size)
    end = at + FRAME_BYTES + length
    if magic != MAGIC or end > len(window):
        return None
    if CRC.unpack_from(window, at)[0] != frame_checksum(window[at + CRC.size : end], version=version):
        return None
    return Entry(kind=kind, sequence=sequence, payload=window[at + FRAME_BYTES : end])


@dataclass(slots=True, kw_only=True)
class _Position:
    segment: SegmentReader | None = None
    done: set[str] = field(default_factory=set)


class JournalReader:
    """Reads one writer's folder in order, live or left behind, until `exhausted`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.losses = Losses()
        self._at = _Position()

    def poll(self, limit: int = 8192) -> Poll | None:
        """The next entries of the oldest unfinished segment; None if there is nothing new."""
        later = self._waiting()
        if self._at.segment is None:
            if not later:
                return None
            self._at.segment = SegmentReader(later.pop(0), losses=self.losses)
        segment = self._at.segment
        final = bool(later) or not self.is_written()
        entries = segment.read(limit, final=final)
        if not entries and not segment.ended:
            return None
        if segment.ended:
            self._at.done.add(segment.path.name)
            self._at.segment = None
            segment.close()
        return Poll(segment=segment.path, entries=entries, ended=segment.ended)

    def read(self, limit: int = 1 << 30) -> list[Entry]:
        """Everything that is there now, over all segments, up to about `limit` entries."""
        entries: list[Entry] = []
        while len(entries) < limit and (poll := self.poll()) is not None:
            entries.extend(poll.entries)
        return entries

    def is_written(self) -> bool:
        """Whether a live process still holds the folder."""
        try:
            fd = os.open(self.directory / LOCK_NAME, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(fd)
        return False

    def drop_spares(self) -> None:
        """Remove the empty segment that a killed writer had ready; a live one's is its own."""
        if not self.is_written():
            for spare in self.directory.glob(f"*{FRESH_SUFFIX}"):
                spare.unlink()

    @property
    def exhausted(self) -> bool:
        """Nobody writes and every segment was read to its end."""
        return self._at.segment is None and not self._waiting() and not self.is_written()

    def _waiting(self) -> list[Path]:
        current = self._at.segment.path.name if self._at.segment else ""
        names = sorted(path.name for path in self.directory.glob(f"*{SUFFIX}"))
        return [self.directory / name for name in names if name not in self._at.done and name != current]
