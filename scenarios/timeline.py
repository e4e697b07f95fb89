"""A scenario as it runs: which faults hold for this request now, what they make of it, and how often.

Knows one run's seed and this worker's counts. Refuses to know sockets and clocks: the instant is passed in.
Made by each proxy worker; `choose` once for a request, `apply` once for each target that gets a copy.

The decision for a request depends on the seed, the fault and the request's id alone, so `now_ns` should be
the instant at which the request was *due*: then the same run hits the same requests however late they were
sent. Faults act in the order of the file. None of them can stop the request: one that raises is counted as
`failed`, its last error kept in `failures`, and the request goes on as it was.

Two identities hold for each fault in `counts`: by request, `matched = skipped_window + skipped_probability +
skipped_limit + selected`; by copy, `applied = injected + skipped_not_applicable + failed`. Requests outside
`opens_ns` to `closes_ns`, for which the proxy need not ask at all, are in none of them.
"""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

from scenarios.fault import Chosen, Send
from scenarios.scenario import FaultEntry, Scenario
from scenarios.selection import Selection, selection

Counts = dict[str, dict[str, int]]


@dataclass(slots=True, kw_only=True)
class FaultCounts:
    """How often one fault came up and what became of it, in this worker."""

    matched: int = 0
    skipped_window: int = 0
    skipped_probability: int = 0
    skipped_limit: int = 0
    selected: int = 0
    applied: int = 0
    injected: int = 0
    skipped_not_applicable: int = 0
    failed: int = 0


_NAMES = tuple(field.name for field in fields(FaultCounts))


class Timeline:
    """The faults of one scenario under one seed; the scenario's own seed, if it has one, rules."""

    def __init__(self, scenario: Scenario, seed: int) -> None:
        self.seed = seed if scenario.seed is None else scenario.seed
        self._lines = tuple(_Line(entry, seed=self.seed) for entry in scenario.faults)
        self.opens_ns = min((line.from_ns for line in self._lines), default=0)
        self.closes_ns = max((line.to_ns for line in self._lines), default=0)
        self.failures: dict[str, str] = {}

    def choose(self, request_id: bytes, now_ns: int, *, method: bytes, path: bytes) -> tuple[Chosen, ...]:
        """The faults that hold for this request, in the order of the file; `path` may carry a query."""
        bare = path.partition(b"?")[0]
        chosen = []
        for position, line in enumerate(self._lines):
            chance = line.chance(request_id, now_ns) if line.means(method, bare) else None
            if chance is not None:
                chosen.append(Chosen(position=position, fault_id=line.entry.id, chance=chance))
        return tuple(chosen)

    def apply(
        self, chosen: Iterable[Chosen], target_role: str, send: Send, *, target_name: str = ""
    ) -> tuple[Send, tuple[str, ...]]:
        """What goes to this target instead of `send`, and the ids of the faults that changed it."""
        injected = []
        for one in chosen:
            line = self._lines[one.position]
            if line.target.covers(target_role, target_name):
                after = self._applied(line, send, one.chance)
                if after is not None:
                    send = after
                    injected.append(one.fault_id)
        return send, tuple(injected)

    def _applied(self, line: "_Line", send: Send, chance: int) -> Send | None:
        counts = line.counts
        counts.applied += 1
        try:
            after = line.outcome(send, chance)
        except Exception as error:  # noqa: BLE001  # whatever a fault raises, the request goes on
            counts.failed += 1
            self.failures[line.entry.id] = f"{type(error).__name__}: {error}"
            return None
        if after is None or after == send:
            counts.skipped_not_applicable += 1
            return None
        counts.injected += 1
        return after

    @property
    def counts(self) -> Counts:
        """By fault id, as plain numbers; `merged` adds up those of several workers."""
        return {line.entry.id: {name: getattr(line.counts, name) for name in _NAMES} for line in self._lines}


def merged(workers: Iterable[Mapping[str, Mapping[str, int]]]) -> Counts:
    """The counts of all workers together."""
    total: Counts = {}
    for counts in workers:
        for fault_id, by_name in counts.items():
            sums = total.setdefault(fault_id, {})
            for name, count in by_name.items():
                sums[name] = sums.get(name, 0) + count
    return total


class _Line:
    """One fault of the timeline with what the hot path needs of it laid out flat."""

    __slots__ = ("_outcome", "_remembered", "counts", "entry", "from_ns", "max_total", "methods", "pattern",
                 "selection", "target", "to_ns")  # fmt: skip

    def __init__(self, entry: FaultEntry, *, seed: int) -> None:
        self.entry = entry
        self.target = entry.strikes
        self.from_ns, self.to_ns = entry.window.from_ns, entry.window.to_ns
        self.methods, self.pattern = entry.match.methods, entry.match.pattern
        self.max_total = entry.limits.max_total
        self.selection: Selection = selection(seed=seed, fault_id=entry.id, probability=entry.probability)
        self.counts = FaultCounts()
        self._remembered: tuple[Send, int] | None = None
        self._outcome: Send | None = None

    def outcome(self, send: Send, chance: int) -> Send | None:
        """What the fault makes of it; worked out once for the copies of a request, which are alike."""
        if self._remembered != (send, chance):
            self._remembered = None
            self._outcome = self.entry.params.apply(send, random.Random(chance))
            self._remembered = (send, chance)
        return self._outcome

    def means(self, method: bytes, path: bytes) -> bool:
        return (not self.methods or method in self.methods) and self.pattern.match(path) is not None

    def chance(self, request_id: bytes, now_ns: int) -> int | None:
        """The seed of the draws if the fault holds for this request; counts why it does not."""
        counts = self.counts
        counts.matched += 1
        if not self.from_ns <= now_ns < self.to_ns:
            counts.skipped_window += 1
            return None
        chance = self.selection.chance(request_id)
        if chance is None:
            counts.skipped_probability += 1
        elif self.max_total is not None and counts.selected >= self.max_total:
            counts.skipped_limit += 1
            return None
        else:
            counts.selected += 1
        return chance
