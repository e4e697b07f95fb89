"""Flights as exchange rows in a journal.

Knows which fields a row has and where the journal lies; refuses to know how a flight went about. The sender
calls `write` once for each arrival, and a row exists for each arrival that came due, sent or shed.
"""

from pathlib import Path
from typing import Protocol

from recording.journal import EXCHANGE, JournalWriter
from recording.journal_codec import encode_exchange
from recording.run_folder import RunFolder
from replay.connection import Flight


class Rows(Protocol):
    """Where rows go."""

    @property
    def dropped(self) -> int:
        """Rows that could not be kept."""
        ...

    def write(self, flight: Flight, *, outcome: str, done_ns: int) -> None:
        """Keep one row, or count it as dropped."""
        ...

    def sync(self) -> None:
        """Make what was written durable; called from a thread of its own."""
        ...

    def close(self) -> None:
        """No more rows."""
        ...


class NoRows:
    """The null member: a replay that is not recorded."""

    dropped = 0

    def write(self, flight: Flight, *, outcome: str, done_ns: int) -> None:
        del flight, outcome, done_ns

    def sync(self) -> None: ...

    def close(self) -> None: ...


class JournalRows:
    """Rows in a journal; a full disk costs rows, which are counted, and never holds up the sending."""

    def __init__(self, journal: JournalWriter, *, target: str, role: str) -> None:
        self._journal = journal
        self._target = target.encode()
        self._role = role.encode()

    @property
    def dropped(self) -> int:
        """Rows that could not be kept."""
        return self._journal.dropped_records

    def write(self, flight: Flight, *, outcome: str, done_ns: int) -> None:
        payload = encode_exchange(
            request_id=flight.request_id,
            target=self._target,
            role=self._role,
            due_ns=flight.due_ns,
            sent_ns=flight.sent_ns,
            first_byte_ns=flight.first_byte_ns,
            done_ns=done_ns,
            outcome=outcome.encode(),
            status=flight.status,
            request_bytes=flight.request_bytes,
            response_bytes=flight.response_bytes,
            response_head=flight.response_head,
            response_body=b"".join(flight.kept),
            chunks=flight.chunks,
            chunk_ns=flight.chunk_ns,
        )
        self._journal.append(EXCHANGE, payload)

    def sync(self) -> None:
        self._journal.sync()

    def close(self) -> None:
        self._journal.close()


def open_rows(folder: Path | None, *, writer: str, target: str, role: str) -> Rows:
    """The rows of a replay recorded under `folder`, or nowhere."""
    if folder is None:
        return NoRows()
    journal = JournalWriter(RunFolder(folder).create().journal / writer)
    return JournalRows(journal, target=target, role=role)
