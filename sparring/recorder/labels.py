"""What a trace knows of each request beforehand: its label and its slices, found by request id.

Knows ids, also those of repeated rounds (`<id>~2`); refuses to know answers. One dictionary of ids, and the
texts in Arrow's columns, so that a million labelled requests take some 150 MB and not a gigabyte.
"""

from pathlib import Path

import pyarrow as pa

from recording.trace import read_trace
from sparring.predictions import canonical_label

_COLUMNS = ["id", "label", "slices"]


class Labels:
    """The label (canonical JSON) and slices of a request id; neither for an id that no trace holds."""

    def __init__(self, trace: Path | None) -> None:
        batches = list(read_trace(trace, columns=_COLUMNS)) if trace is not None else []
        table = pa.Table.from_batches(batches).combine_chunks() if batches else None
        self._row_of: dict[str, int] = {}
        self._label = self._slices = None
        self._canonical: dict[str | None, str | None] = {}
        if table is not None:
            self._row_of = {name: row for row, name in enumerate(table.column("id").to_pylist())}
            self._label = table.column("label")
            self._slices = table.column("slices")

    def __len__(self) -> int:
        return len(self._row_of)

    def find(self, request_id: str) -> tuple[str | None, list[tuple[str, str]]]:
        """Label and slices of one request."""
        row = self._row_of.get(request_id)
        if row is None:
            row = self._row_of.get(request_id.partition("~")[0])
        if row is None or self._label is None or self._slices is None:
            return None, []
        return self._as_canonical(self._label[row].as_py()), self._slices[row].as_py() or []

    def _as_canonical(self, label: str | None) -> str | None:
        if label not in self._canonical:
            if len(self._canonical) > 10_000:
                self._canonical.clear()
            self._canonical[label] = canonical_label(label)
        return self._canonical[label]
