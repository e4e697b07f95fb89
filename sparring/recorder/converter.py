"""One journal writer's segments, each turned into the Parquet files of the same name.

Knows that a segment may be deleted only when its Parquet is durable, and that doing it all again must be
harmless: the files of a segment are named after it, so a crash at any moment leads to the same files. Refuses
to know rows (`rows.py`) and numbers (`live.py`). Called by the recorder's loop, and by recovery.

A full disk leaves the segment where it is: what was made of it is abandoned and made again when there is
room.
"""

from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from recording.errors import InputError
from recording.folders import fsync_folder
from recording.journal import EXCHANGE, REFUSED, REQUEST
from recording.journal_codec import decode_exchange, decode_refused, decode_request
from recording.journal_reader import Entry, JournalReader, Losses, Poll
from recording.parquet import DurableParquet
from recording.run_folder import RunFolder
from recording.schema import EXCHANGE_SCHEMA, REFUSED_SCHEMA, TRACE_SCHEMA
from sparring.recorder.rows import RowMaker, Seen

BATCH_RECORDS = 4096
GROUP_ROWS = 8192


class _File:
    """One Parquet file in the making; rows gather until they are worth a row group."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._file = DurableParquet(path, schema)
        self._gathered: list[pa.Table] = []
        self._rows = 0

    def write(self, table: pa.Table) -> None:
        """Add rows."""
        self._gathered.append(table)
        self._rows += table.num_rows
        if self._rows >= GROUP_ROWS:
            self._flush()

    def commit(self) -> None:
        """Make them durable and visible."""
        self._flush()
        self._file.commit()

    def abandon(self) -> None:
        """As if never begun."""
        self._file.abandon()

    def _flush(self) -> None:
        if self._gathered:
            self._file.write(pa.concat_tables(self._gathered))
        self._gathered, self._rows = [], 0


@dataclass(slots=True, kw_only=True)
class Converter:
    """Turns what one writer appends into rows; `trouble` says why it cannot, if it cannot."""

    journal: Path
    folder: RunFolder
    rows: RowMaker
    trouble: str = ""
    rows_written: int = 0
    _reader: JournalReader = field(init=False)
    _files: dict[str, _File] = field(default_factory=dict)
    _position: int = 0
    _told: int = 0

    def __post_init__(self) -> None:
        self._reader = JournalReader(self.journal)

    @property
    def losses(self) -> Losses:
        """What could not be read back."""
        return self._reader.losses

    @property
    def exhausted(self) -> bool:
        """Nobody writes any more and everything is durable."""
        return self._reader.exhausted

    def step(self) -> list[Seen] | None:
        """Convert the next batch; None if there is nothing new, or no room (then `trouble` says so)."""
        poll = self._reader.poll(BATCH_RECORDS)
        if poll is None:
            return None
        try:
            seen = self._write(poll)
            if poll.ended:
                self._finish(poll.segment)
        except OSError as error:
            self._start_over(error)
            return None
        self.trouble = ""
        return seen

    def unread_bytes(self) -> int:
        """Bytes of segments that are still there."""
        return sum(path.stat().st_size for path in self.journal.glob("*.seg"))

    def abandon(self) -> None:
        """Leave unfinished files behind as if never begun; the segments stay."""
        for file in self._files.values():
            file.abandon()
        self._files = {}

    def _write(self, poll: Poll) -> list[Seen]:
        exchanges = [decode_exchange(entry.payload) for entry in _of_kind(poll, EXCHANGE)]
        requests = [decode_request(entry.payload) for entry in _of_kind(poll, REQUEST)]
        refusals = [decode_refused(entry.payload) for entry in _of_kind(poll, REFUSED)]
        seen: list[Seen] = []
        if refusals:
            self._file("refused", poll.segment, REFUSED_SCHEMA).write(self.rows.refused(refusals))
        if requests:
            self._file("requests", poll.segment, TRACE_SCHEMA).write(self.rows.requests(requests))
        if exchanges:
            table, seen = self.rows.exchanges(exchanges)
            self._file(self._kind(), poll.segment, EXCHANGE_SCHEMA).write(table)
        return self._not_told_yet(seen)

    def _not_told_yet(self, seen: list[Seen]) -> list[Seen]:
        """A segment that is read again after a full disk must not count twice in the live numbers."""
        start, self._position = self._position, self._position + len(seen)
        fresh = seen[max(0, self._told - start) :]
        self._told = max(self._told, self._position)
        return fresh

    def _file(self, kind: str, segment: Path, schema: pa.Schema) -> _File:
        if kind not in self._files:
            path = self.folder.path / kind / f"{self.journal.name}-{segment.stem}.parquet"
            self._files[kind] = _File(path, schema)
        return self._files[kind]

    def _finish(self, segment: Path) -> None:
        files, self._files = self._files, {}
        for file in files.values():
            file.commit()
        segment.unlink()
        self.rows_written += self._position
        self._position = self._told = 0
        fsync_folder(segment.parent)

    def _start_over(self, error: OSError) -> None:
        self.trouble = f"{self.folder.path}: {error.strerror}; the journal keeps what is not written yet"
        self.abandon()
        self._position = 0
        self._reader = JournalReader(self.journal)

    def _kind(self) -> str:
        """The writer's name up to its number: `exchanges` of the proxy, `client` of the engine."""
        return self.journal.name.rpartition("-")[0]


def _of_kind(poll: Poll, kind: int) -> list[Entry]:
    return [entry for entry in poll.entries if entry.kind == kind]


def recover(folder: RunFolder, rows: RowMaker) -> int:
    """Turn whatever journals a run left behind into Parquet; the number of rows."""
    written = 0
    for journal in folder.journals():
        converter = Converter(journal=journal, folder=folder, rows=rows)
        while not converter.exhausted:
            converter.step()
            if converter.trouble:
                raise InputError(converter.trouble, fix="free some space and try again; nothing is lost")
        written += converter.rows_written
    return written
