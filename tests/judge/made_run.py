"""A recorded run, made by hand: rows of two targets as the recorder would have written them."""

import random
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from recording.run_folder import RunFolder
from recording.schema import EXCHANGE_SCHEMA

GAP_NS = 10_000_000
Row = dict[str, object]
Changes = Mapping[str, object]


def row(request_id: str, role: str, **changes: object) -> Row:
    """A quick right answer, with whatever a test changes."""
    due_ns = changes.get("due_ns", 0)
    assert isinstance(due_ns, int)
    known: Row = {
        "request_id": request_id,
        "target": role,
        "role": role,
        "due_ns": due_ns,
        "sent_ns": due_ns + 100_000,
        "first_byte_ns": due_ns + 5_000_000,
        "done_ns": due_ns + 5_000_000,
        "outcome": "ok",
        "status": 200,
        "request_bytes": 10,
        "response_bytes": 10,
        "prediction": "1",
        "label": "1",
        "faults": [],
        "chunks": 0,
    }
    return {field.name: None for field in EXCHANGE_SCHEMA} | known | changes


class MadeRun:
    """Rows to be written into a folder; requests come 10 ms apart in the order they are added."""

    def __init__(self, path: Path) -> None:
        self.folder = RunFolder(path).create()
        self.path = path
        self.rows: list[Row] = []
        self.client: list[Row] = []
        self._next = 0

    def add(
        self, pairs: int, *, baseline: Changes | None = None, candidate: Changes | None = None
    ) -> "MadeRun":
        """Add requests that both targets have; `outcome: missing` leaves a row out."""
        for _ in range(pairs):
            for role, changes in (("baseline", baseline or {}), ("candidate", candidate or {})):
                if changes.get("outcome") != "missing":
                    due_ns = self._next * GAP_NS
                    self.rows.append(row(f"r{self._next:06d}", role, due_ns=due_ns, **changes))
            self._next += 1
        return self

    def counts(self, *, both: int = 0, better: int = 0, worse: int = 0, neither: int = 0) -> "MadeRun":
        """Add pairs by who was right, spread over time in a fixed random order."""
        right: Row = {}
        wrong: Row = {"prediction": "2"}
        kinds = [(right, right)] * both + [(wrong, right)] * better
        kinds += [(right, wrong)] * worse + [(wrong, wrong)] * neither
        random.Random(1).shuffle(kinds)
        for baseline, candidate in kinds:
            self.add(1, baseline=baseline, candidate=candidate)
        return self

    def write(self, *, shards: int = 1, shuffle: int | None = None) -> Path:
        """Write the Parquet files and return the folder."""
        rows = list(self.rows)
        if shuffle is not None:
            random.Random(shuffle).shuffle(rows)
        for number in range(shards):
            table = pa.Table.from_pylist(rows[number::shards], schema=EXCHANGE_SCHEMA)
            pq.write_table(table, self.folder.exchanges / f"part-{number}.parquet")
        if self.client:
            table = pa.Table.from_pylist(self.client, schema=EXCHANGE_SCHEMA)
            pq.write_table(table, self.folder.client / "client.parquet")
        return self.path
