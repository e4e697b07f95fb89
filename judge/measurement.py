"""One pass over a folder's rows: everything that the verdict is drawn from, as small tables.

Knows which expressions are run and in which order; refuses to know margins and statuses. Latencies, which
are as many as pairs, are fetched only when asked for. Called by `judge.verdict`.
"""

from dataclasses import dataclass, field

import ibis.expr.types as ir

from judge.arms import Arms
from judge.exchanges import Exchanges
from judge.kinds import Ints, Kinds
from judge.pairs import count_kinds, first_duplicate, latencies, mark_rows, pair_up, span

_NS_PER_S = 1e9
Latencies = tuple[Ints, Ints]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """Counts of one comparison. `span_s` is the time between the first and the last request."""

    exchanges: Exchanges
    pairs: ir.Table
    arms: Arms
    budgets_ns: tuple[int, ...]
    kinds: Kinds
    span_s: float
    duplicate: str | None
    _fetched: dict[bool, Latencies] = field(default_factory=dict)

    def latencies(self, *, faulted: bool) -> Latencies:
        """Latencies in ns of baseline and candidate, pair by pair, in no order that means anything."""
        if faulted not in self._fetched:
            self._fetched[faulted] = self._fetch(faulted=faulted)
        return self._fetched[faulted]

    def _fetch(self, *, faulted: bool) -> Latencies:
        found = self.exchanges.arrow(latencies(self.pairs, faulted=faulted))
        return found.column("baseline_ns").to_numpy(), found.column("candidate_ns").to_numpy()


def measure(exchanges: Exchanges, arms: Arms, *, budgets_ns: tuple[int, ...]) -> Measurement:
    """Count the pairs of two targets."""
    rows = mark_rows(exchanges.table, arms=arms, budgets_ns=budgets_ns)
    named = pair_up(rows)
    pairs = exchanges.keep(named.drop("id"))
    (ends,) = exchanges.arrow(span(pairs)).to_pylist()
    first_ns, last_ns = ends["first_ns"] or 0, ends["last_ns"] or 0
    kinds = Kinds.of([exchanges.arrow(count_kinds(pairs, first_ns=first_ns, last_ns=last_ns))])
    twice = exchanges.arrow(first_duplicate(named)).to_pylist() if kinds.duplicated.any() else [{"id": None}]
    return Measurement(
        exchanges=exchanges,
        pairs=pairs,
        arms=arms,
        budgets_ns=budgets_ns,
        kinds=kinds,
        span_s=(last_ns - first_ns) / _NS_PER_S,
        duplicate=twice[0]["id"],
    )
