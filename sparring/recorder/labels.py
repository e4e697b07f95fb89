"""What a trace knows of each request beforehand: its label and its slices, found by request id.

Knows ids, also those of repeated rounds (`<id>~2`); refuses to know answers. Equal labels and equal slices
are kept once, so that a million labelled requests take the room of their ids.
"""

from pathlib import Path
from typing import Any

from recording.trace import read_trace
from sparring.predictions import canonical_label

_COLUMNS = ["id", "label", "slices"]
Slices = tuple[tuple[str, str], ...]
Known = tuple[str | None, Slices]
UNKNOWN: Known = (None, ())


class Labels:
    """The label (canonical JSON) and slices of a request id; neither for an id that no trace holds."""

    def __init__(self, trace: Path | None) -> None:
        self._known: dict[str, Known] = {}
        self._once: dict[tuple[str | None, Slices], Known] = {}
        for batch in read_trace(trace, columns=_COLUMNS) if trace is not None else ():
            for row in batch.to_pylist():
                self._known[row["id"]] = self._shared(row["label"], row["slices"])

    def __len__(self) -> int:
        return len(self._known)

    def find(self, request_id: str) -> Known:
        """Label and slices of one request."""
        known = self._known.get(request_id)
        return known or self._known.get(request_id.rpartition("~")[0], UNKNOWN)

    def _shared(self, label: str | None, slices: Any) -> Known:  # Any: a map column's value, or null
        key = (label, tuple(slices or ()))
        known = self._once.get(key)
        if known is None:
            known = self._once[key] = (canonical_label(label), key[1])
        return known
