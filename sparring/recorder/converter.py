"""One journal writer's segments, each turned into the Parquet files of the same name.

Knows that a segment may be deleted only when its Parquet is durable, and that doing it all again must be
harmless: the files of a segment are named after it, so a crash at any moment leads to the same files. Refuses
to know rows (`rows.py`) and numbers (`live.py`). Called by the recorder's loop, and by recovery.

A full disk leaves the segment where it is: what was made of it is abandoned and made again when there is
room.
"""

from dataclasses import dataclass, field
from pathlib import Path

from recording.errors import InputError
from recording.journal import EXCHANGE, REQUEST
from recording.journal_codec import decode_exchange, decode_request
from recording.journal_reader import Entry, JournalReader, Losses, Poll
from recording.parquet import DurableParquet, fsync_folder
from recording.run_folder import RunFolder
from recording.schema import EXCHANGE_SCHEMA, TRACE_SCHEMA
from sparring.recorder.rows import RowMaker, Seen

BATCH_RECORDS = 4096


@dataclass(slots=True, kw_only=True)
class _Files:
    """The Parquet files in the making for one segment."""

    exchanges: DurableParquet | None = None
    requests: DurableParquet | None = None

    def commit(self) -> None:
        for file in (self.requests, self.exchanges):
            if file is not None:
                file.commit()

    def abandon(self) -> None:
        for file in (self.requests, self.exchanges):
            if file is not None:
                file.abandon()


@dataclass(slots=True, kw_only=True)
class Converter:
    """Turns what one writer appends into rows; `trouble` says why it cannot, if it cannot."""

    journal: Path
    folder: RunFolder
    rows: RowMaker
    trouble: str = ""
    rows_written: int = 0
    _reader: JournalReader = field(init=False)
    _files: _Files = field(default_factory=_Files)

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

    def step(self) -> list[Seen]:
        """Convert the next batch, if there is one; a full disk is noted in `trouble` and tried again."""
        poll = self._reader.poll(BATCH_RECORDS)
        if poll is None:
            return []
        try:
            seen = self._write(poll)
            if poll.ended:
                self._finish(poll.segment)
        except OSError as error:
            self._start_over(error)
            return []
        self.trouble = ""
        return seen

    def unread_bytes(self) -> int:
        """Bytes of segments that are still there."""
        return sum(path.stat().st_size for path in self.journal.glob("*.seg"))

    def abandon(self) -> None:
        """Leave unfinished files behind as if never begun; the segments stay."""
        self._files.abandon()
        self._files = _Files()

    def _write(self, poll: Poll) -> list[Seen]:
        exchanges = [decode_exchange(entry.payload) for entry in _of_kind(poll, EXCHANGE)]
        requests = [decode_request(entry.payload) for entry in _of_kind(poll, REQUEST)]
        seen: list[Seen] = []
        if requests:
            if self._files.requests is None:
                self._files.requests = DurableParquet(self._path("requests", poll.segment), TRACE_SCHEMA)
            self._files.requests.write(self.rows.requests(requests))
        if exchanges:
            if self._files.exchanges is None:
                self._files.exchanges = DurableParquet(
                    self._path(self._kind(), poll.segment), EXCHANGE_SCHEMA
                )
            table, seen = self.rows.exchanges(exchanges)
            self._files.exchanges.write(table)
        self.rows_written += len(exchanges)
        return seen

    def _finish(self, segment: Path) -> None:
        files, self._files = self._files, _Files()
        files.commit()
        segment.unlink()
        fsync_folder(segment.parent)

    def _start_over(self, error: OSError) -> None:
        self.trouble = f"{self.folder.path}: {error.strerror}; the journal keeps what is not written yet"
        self.abandon()
        self._reader = JournalReader(self.journal)

    def _kind(self) -> str:
        """The writer's name up to its number: `exchanges` of the proxy, `client` of the engine."""
        return self.journal.name.rpartition("-")[0]

    def _path(self, kind: str, segment: Path) -> Path:
        return self.folder.path / kind / f"{self.journal.name}-{segment.stem}.parquet"


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
