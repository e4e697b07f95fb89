"""The live numbers: counts that are true at any moment someone looks, from the exchanges seen so far.

Knows outcomes, log-bucket latency histograms and the pairing of baseline and candidate answers; refuses to
know files and pages. Fed by the recorder's loop; read by the console, the run's table and Prometheus.

Pairing is by request id, in memory: an answer waits for its partner, at most `MAX_WAITING` of them; the
oldest gives way and is counted. The final judge pairs from files and forgets nothing.
"""

import bisect
from collections import Counter
from dataclasses import dataclass, field

from recording.exchange import Outcome, Role, was_dropped
from sparring.recorder.rows import Seen

MAX_WAITING = 100_000
BUCKETS_S = (
    0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075,
    0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 30.0,
)  # fmt: skip


class Histogram:
    """Counts per bucket of seconds; `quantile_s` is exact to the bucket."""

    __slots__ = ("bounds_s", "counts", "sum_s")

    def __init__(self, bounds_s: tuple[float, ...]) -> None:
        self.bounds_s = bounds_s
        self.counts = [0] * (len(bounds_s) + 1)
        self.sum_s = 0.0

    def add(self, seconds: float) -> None:
        """One more observation."""
        self.counts[bisect.bisect_left(self.bounds_s, seconds)] += 1
        self.sum_s += seconds

    def quantile_s(self, p: float) -> float | None:
        """The upper edge of the bucket that holds the p-quantile; None without observations or beyond the
        last.

        >>> seconds = Histogram((0.01, 0.1))
        >>> for value in (0.005, 0.005, 0.05): seconds.add(value)
        >>> seconds.quantile_s(0.5), seconds.quantile_s(0.99)
        (0.01, 0.1)
        """
        rank, reached = p * sum(self.counts), 0
        for bound, count in zip(self.bounds_s, self.counts, strict=False):
            reached += count
            if count and reached >= rank:
                return bound
        return None


@dataclass(slots=True, kw_only=True)
class TargetNumbers:
    """One target so far. `labelled` counts clean answers whose request has a label."""

    target: str
    role: str
    latency: Histogram
    service: Histogram
    outcomes: Counter[str] = field(default_factory=Counter)
    labelled: int = 0
    right: int = 0
    faulted: int = 0

    def add(self, seen: Seen) -> None:
        """One more exchange."""
        self.outcomes[seen.outcome] += 1
        self.faulted += seen.faulted
        if was_dropped(seen.outcome):
            return
        if seen.latency_ns >= 0:
            self.latency.add(seen.latency_ns / 1e9)
        if seen.service_ns >= 0:
            self.service.add(seen.service_ns / 1e9)
        if seen.right is not None and not seen.faulted:
            self.labelled += 1
            self.right += seen.right


@dataclass(slots=True, kw_only=True)
class PairNumbers:
    """Clean, labelled pairs of baseline and candidate by who was right; the gate's three counts and the
    rest."""

    both_right: int = 0
    baseline_only: int = 0
    candidate_only: int = 0
    neither: int = 0
    pairs: int = 0
    given_up: int = 0

    def add(self, baseline: Seen, candidate: Seen) -> None:
        """One more pair."""
        self.pairs += 1
        if baseline.faulted or candidate.faulted or baseline.right is None or candidate.right is None:
            return
        if baseline.right and candidate.right:
            self.both_right += 1
        elif baseline.right:
            self.baseline_only += 1
        elif candidate.right:
            self.candidate_only += 1
        else:
            self.neither += 1


class LiveNumbers:
    """All targets and the pairs of one run."""

    def __init__(self, *, budgets_s: tuple[float, ...] = ()) -> None:
        self._bounds_s = tuple(sorted({*BUCKETS_S, *budgets_s}))
        self.targets: dict[str, TargetNumbers] = {}
        self.pairs = PairNumbers()
        self._waiting: dict[str, Seen] = {}

    def add(self, seen: Seen) -> None:
        """One more exchange of any target."""
        numbers = self.targets.get(seen.target)
        if numbers is None:
            numbers = self.targets[seen.target] = TargetNumbers(
                target=seen.target, role=seen.role,
                latency=Histogram(self._bounds_s), service=Histogram(self._bounds_s),
            )  # fmt: skip
        numbers.add(seen)
        if seen.role in {Role.BASELINE, Role.CANDIDATE}:
            self._pair(seen)

    def _pair(self, seen: Seen) -> None:
        other = self._waiting.pop(seen.request_id, None)
        if other is None or other.role == seen.role:
            self._waiting[seen.request_id] = seen
            if len(self._waiting) > MAX_WAITING:
                self._waiting.pop(next(iter(self._waiting)))
                self.pairs.given_up += 1
        elif was_dropped(seen.outcome) or was_dropped(other.outcome):
            self.pairs.given_up += 1  # there is no pair, and nobody waits for one
        elif seen.role == Role.CANDIDATE:
            self.pairs.add(other, seen)
        else:
            self.pairs.add(seen, other)

    def snapshot(self) -> dict[str, object]:
        """The numbers as JSON, for the run's table and the console."""
        return {
            "targets": [_target_snapshot(numbers) for numbers in self.targets.values()],
            "pairs": {name: getattr(self.pairs, name) for name in PairNumbers.__dataclass_fields__},
        }


def _target_snapshot(numbers: TargetNumbers) -> dict[str, object]:
    sent = sum(count for outcome, count in numbers.outcomes.items() if not was_dropped(outcome))
    return {
        "target": numbers.target,
        "role": numbers.role,
        "sent": sent,
        "ok": numbers.outcomes[Outcome.OK],
        "outcomes": dict(numbers.outcomes),
        "faulted": numbers.faulted,
        "labelled": numbers.labelled,
        "right": numbers.right,
        "latency_p50_s": numbers.latency.quantile_s(0.5),
        "latency_p99_s": numbers.latency.quantile_s(0.99),
        "service_p50_s": numbers.service.quantile_s(0.5),
        "service_p99_s": numbers.service.quantile_s(0.99),
    }
