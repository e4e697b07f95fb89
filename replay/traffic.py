"""The trace's requests as messages, in order, pass after pass, built ahead of time in bounded memory.

Knows the trace file and how far ahead messages are ready; refuses to know when they are sent. The engine
takes one message for each arrival and lets a few more be built after each turn of sending.

A trace that fits into `prepared_bytes` is built whole before the start, and later passes reuse it. A longer
one is filled up to that bound before the start and read on behind it: batches of rows come from a thread
(reading and decompressing let go of the interpreter), and messages are built from them a few at a time in
the loop's thread, because building many at once would hold up the sending.
"""

from collections import deque
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa

from loadprofiles.profile import Nanoseconds
from recording.errors import InputError
from recording.trace import read_trace
from replay.message import HostField, Message, UnsendableError, message
from replay.schedule import round_id

_COLUMNS = ["id", "method", "path", "headers", "body", "body_bytes"]
_ROWS_AT_ONCE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsendable:
    """A recorded request that no message can be built from; it gets a row of its own when it is due."""

    request_id: bytes
    reason: str
    size: int = 512


Prepared = Message | Unsendable


def read_offsets(path: Path) -> Nanoseconds:
    """When each request of the trace arrived, in ns from its start; `InputError` if it is no trace."""
    parts = [batch.column(0).to_numpy() for batch in read_trace(path, columns=["at_ns"])]
    offsets_ns = np.concatenate([np.empty(0, np.int64), *parts]).astype(np.int64)
    if len(offsets_ns) == 0:
        raise InputError("is a trace without requests", place=str(path))
    return offsets_ns


class Traffic:
    """Messages in the order of the trace, each under the id of its pass; `take` one for each arrival.

    `starved` counts arrivals for which no message was ready, `ready_bytes` is what those ready take in
    memory.
    """

    def __init__(self, rows: "Rows", *, requests: int, host: HostField, prepared_bytes: int) -> None:
        self.starved = 0
        self._rows = rows
        self._requests = requests
        self._host = host
        self._bound_bytes = prepared_bytes
        self._ready: deque[Prepared] = deque()
        self.ready_bytes = 0
        self._round = 1
        self._taken = 0
        self._fill()
        self.is_whole = len(self._ready) == requests

    def take(self) -> tuple[bytes, Prepared]:
        """The next message and the id it goes by."""
        prepared = self._next()
        request_id = round_id(prepared.request_id, self._round)
        self._taken += 1
        if self._taken == self._requests:
            self._taken, self._round = 0, self._round + 1
        return request_id, prepared

    def build_ahead(self) -> None:
        """Build a few messages if rows are at hand and memory allows; never waits for the file."""
        if not self.is_whole and self.ready_bytes < self._bound_bytes and self._rows.at_hand:
            self._add(self._rows.take(_ROWS_AT_ONCE))

    def _next(self) -> Prepared:
        if self.is_whole:
            self._ready.rotate(-1)
            return self._ready[-1]
        if not self._ready:
            self.starved += 1
            self._add(self._rows.take(_ROWS_AT_ONCE))
        prepared = self._ready.popleft()
        self.ready_bytes -= prepared.size
        return prepared

    def _fill(self) -> None:
        """Build up to the bound, or one whole pass."""
        while self.ready_bytes < self._bound_bytes and (left := self._requests - len(self._ready)):
            self._add(self._rows.take(min(left, _ROWS_AT_ONCE)))

    def _add(self, rows: pa.RecordBatch) -> None:
        for row in rows.to_pylist():
            prepared = _prepared(row, host=self._host)
            self._ready.append(prepared)
            self.ready_bytes += prepared.size


class Rows:
    """The trace's rows, a few at a time and for ever; the next batch is fetched while one is used up."""

    def __init__(self, batches: Iterator[pa.RecordBatch], *, thread: Executor) -> None:
        self._batches = batches
        self._thread = thread
        self._here = next(batches)
        self._at = 0
        self._coming = self._fetch()

    @classmethod
    def of_trace(cls, path: Path, *, thread: Executor) -> Self:
        """The rows of a trace, starting over at its end."""
        return cls(_endless(path), thread=thread)

    @property
    def at_hand(self) -> bool:
        """Whether `take` will not wait."""
        return self._at < self._here.num_rows or self._coming.done()

    def take(self, most: int) -> pa.RecordBatch:
        """Up to `most` of the next rows, at least one."""
        while self._at >= self._here.num_rows:
            self._here, self._at = self._coming.result(), 0
            self._coming = self._fetch()
        rows = self._here.slice(self._at, most)
        self._at += rows.num_rows
        return rows

    def _fetch(self) -> Future[pa.RecordBatch]:
        return self._thread.submit(next, self._batches)


def _endless(path: Path) -> Iterator[pa.RecordBatch]:
    while True:
        yield from read_trace(path, columns=_COLUMNS)


def _prepared(row: dict[str, Any], *, host: HostField) -> Prepared:  # Any: a value of each column's type
    if row.get("body_bytes") is not None:  # a trace of an earlier version does not have the column
        reason = f"the recording kept {len(row['body'])} of its body's {row['body_bytes']} bytes"
        return Unsendable(request_id=row["id"].encode("utf-8", "replace"), reason=reason)
    try:
        headers = ((field["name"], field["value"]) for field in row["headers"])
        return message(
            row["id"], method=row["method"], path=row["path"], headers=headers, body=row["body"], host=host
        )
    except UnsendableError as error:
        return Unsendable(request_id=row["id"].encode("utf-8", "replace"), reason=str(error))
