"""A trace: requests with their arrival times, as one Parquet file in order of arrival.

Knows the trace's columns, its metadata and how to write and read both in constant memory; refuses to know
where requests come from (`importers/`) and how they are sent (`replay`). Times count from the trace's start.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa

from recording.errors import InputError
from recording.exchange import Request
from recording.parquet import BATCH_ROWS, DurableParquet, open_parquet, read_batches
from recording.schema import FORMAT_VERSION, TRACE_SCHEMA

_METADATA_KEY = "sparring.trace"


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceFacts:
    """What a trace says of itself. `changed` counts what an import did, by kind (sorted, malformed, …)."""

    requests: int
    duration_ns: int
    origin: str
    importer: str
    changed: dict[str, int] = field(default_factory=dict)
    labelled: int = 0
    digest: str = ""
    format_version: int = FORMAT_VERSION


class TraceWriter:
    """Writes one trace; times must not go backwards, and unique ids are the caller's duty."""

    def __init__(self, path: Path, *, origin: str, importer: str = "") -> None:
        self._file = DurableParquet(path, TRACE_SCHEMA)
        self._origin = origin
        self._importer = importer
        self._waiting: list[Request] = []
        self._digest = hashlib.sha256()
        self._last_ns = 0
        self._labelled = 0
        self.changed: dict[str, int] = {}

    def append(self, request: Request) -> None:
        """Add the next request."""
        if request.at_ns < self._last_ns:
            raise InputError(
                f"request {request.id!r} arrives at {request.at_ns} ns, before the one ahead of it",
                place=str(self._file.path),
                fix="sort by time first",
            )
        self._last_ns = request.at_ns
        self._labelled += request.label is not None
        self._digest.update(_canonical(request))
        self._waiting.append(request)
        if len(self._waiting) >= BATCH_ROWS:
            self._flush()

    def extend(self, requests: Iterable[Request]) -> None:
        """Add many."""
        for request in requests:
            self.append(request)

    def close(self) -> TraceFacts:
        """Write the metadata and make the file durable."""
        self._flush()
        facts = TraceFacts(
            requests=self._file.rows,
            duration_ns=self._last_ns,
            origin=self._origin,
            importer=self._importer,
            changed=dict(self.changed),
            labelled=self._labelled,
            digest=f"sha256:{self._digest.hexdigest()}",
        )
        self._file.add_metadata({_METADATA_KEY: json.dumps({name: getattr(facts, name) for name in _FACTS})})
        self._file.commit()
        return facts

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._file.abandon()

    def _flush(self) -> None:
        if self._waiting:
            self._file.write(pa.Table.from_pylist([_row(r) for r in self._waiting], schema=TRACE_SCHEMA))
            self._waiting.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            self.abandon()


_FACTS = tuple(TraceFacts.__dataclass_fields__)


def trace_facts(path: Path) -> TraceFacts:
    """What the trace's metadata says; a trace of ours without it is refused."""
    file = open_parquet(path, columns=TRACE_SCHEMA, meaning="a trace")
    metadata = file.metadata.metadata or {}
    raw = metadata.get(_METADATA_KEY.encode())
    if raw is None:
        return TraceFacts(
            requests=file.metadata.num_rows, duration_ns=_last_arrival_ns(path), origin="unknown", importer=""
        )
    facts = TraceFacts(**json.loads(raw))
    if facts.format_version > FORMAT_VERSION:
        raise InputError(
            f"is a trace of format version {facts.format_version}; this version reads up to {FORMAT_VERSION}",
            place=str(path),
            fix="use a newer sparring",
        )
    return facts


def read_trace(path: Path, *, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    """The trace's rows as record batches, in order, in constant memory."""
    yield from read_batches(open_parquet(path, columns=TRACE_SCHEMA, meaning="a trace"), columns=columns)


def iter_requests(path: Path) -> Iterator[Request]:
    """The trace's requests, in order, in constant memory."""
    for batch in read_trace(path):
        for row in batch.to_pylist():
            yield _request(row)


def _last_arrival_ns(path: Path) -> int:
    last = 0
    for batch in read_trace(path, columns=["at_ns"]):
        last = batch.column(0)[-1].as_py() if batch.num_rows else last
    return last


def _row(request: Request) -> dict[str, Any]:  # Any: one row of the schema, a value of each column's type
    row: dict[str, Any] = {name: getattr(request, name) for name in TRACE_SCHEMA.names}
    row["headers"] = _pairs(request.headers)
    row["slices"] = list(request.slices.items())
    if request.response_headers is not None:
        row["response_headers"] = _pairs(request.response_headers)
    return row


def _request(row: dict[str, Any]) -> Request:  # Any: as `_row`
    row["headers"] = tuple((header["name"], header["value"]) for header in row["headers"])
    row["slices"] = dict(row.get("slices") or ())
    if row.get("response_headers") is not None:
        row["response_headers"] = tuple((h["name"], h["value"]) for h in row["response_headers"])
    return Request(**{name: value for name, value in row.items() if name in TRACE_SCHEMA.names})


def _pairs(headers: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"name": name, "value": value} for name, value in headers]


def _canonical(request: Request) -> bytes:
    texts = json.dumps(
        [request.id, request.at_ns, request.method, request.path, request.headers, request.label]
    )
    return texts.encode() + b"\0" + request.body + b"\n"
