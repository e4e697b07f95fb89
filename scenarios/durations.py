"""Durations as people write them in a scenario: `250ms`, `1m30s`, `2.5` (seconds); nanoseconds inside.

Knows the units and nothing else. The one door at which a scenario's text becomes time; used as a field type
by the scenario file and by the faults that have durations among their parameters.
"""

import re
from typing import Annotated

from pydantic import BeforeValidator, WithJsonSchema

LONGEST_NS = (1 << 63) - 1

_S = 1_000_000_000
_UNITS_NS = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": _S, "m": 60 * _S, "h": 3600 * _S}
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*(ns|us|ms|s|m|h)\s*")


def duration_ns(written: object) -> int:
    """Nanoseconds of a text with units, or of a bare number of seconds; `ValueError` says what would do."""
    length_ns = _in_ns(written)
    if length_ns is None or not 0 <= length_ns <= LONGEST_NS:
        raise ValueError(f"{written!r} is not a duration: write 30s, 250ms, 1m30s, or a number of seconds")
    return round(length_ns)


def _in_ns(written: object) -> float | None:
    if isinstance(written, str):
        parts = _PART.findall(written.strip())
        whole = "".join(written.split()) == "".join(number + unit for number, unit in parts)
        return sum(float(number) * _UNITS_NS[unit] for number, unit in parts) if parts and whole else None
    if isinstance(written, bool) or not isinstance(written, int | float):
        return None
    return written * _S


Duration = Annotated[
    int,
    BeforeValidator(duration_ns),
    WithJsonSchema({"type": ["string", "number"], "examples": ["30s", "250ms", "1m30s", 2.5]}),
]
