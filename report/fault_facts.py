"""What was made to go wrong, when, and how often it really happened.

Knows the rows of `faults.parquet`: one a fault and target; refuses to know how faults work. Called by
`facts.py`.
"""

from dataclasses import dataclass

from report.safe_text import printable
from report.tables import Row, Tables

_QUERY = """
    SELECT fault_id, type, target, start_ns, end_ns, matched, selected, injected, skipped_window,
        skipped_probability, skipped_limit, skipped_not_applicable, failed
    FROM faults ORDER BY start_ns, fault_id, target
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault on one target, with its window and its exact counts.

    By request, `matched = skipped_window + skipped_probability + skipped_limit + selected`. `injected` and
    the two after it count copies, of which a selected request may have several.
    """

    id: str
    type: str
    target: str
    start_ns: int
    end_ns: int
    matched: int
    selected: int
    injected: int
    skipped_window: int
    skipped_probability: int
    skipped_limit: int
    skipped_not_applicable: int
    failed: int


def faults_of(tables: Tables) -> tuple[Fault, ...]:
    """All faults of the run in order of their beginning."""
    return tuple(map(_fault, tables.rows(_QUERY))) if tables.has("faults") else ()


def _fault(row: Row) -> Fault:
    fault_id, kind, target, *numbers = row
    names = tuple(Fault.__dataclass_fields__)[3:]
    counts = {name: value for name, value in zip(names, numbers, strict=True) if isinstance(value, int)}
    return Fault(
        id=printable(str(fault_id)), type=printable(str(kind)), target=printable(str(target)), **counts
    )
