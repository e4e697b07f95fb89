"""Tells whether the engine itself, not the target, was the limit.

Knows how late a periodic tick of the loop ran; refuses to know requests. The engine feeds it, and the numbers
at the end carry what it found. A loop that is starved of CPU or blocked runs its ticks late whatever the
traffic; a slow target does not.
"""

from dataclasses import dataclass

TICK_NS = 50_000_000
TOLERANCE_NS = 20_000_000
MOST_LATE_SHARE = 0.01


@dataclass(slots=True, kw_only=True)
class Watchdog:
    """Counts late ticks, each against the one before it."""

    expected_ns: int = 0
    ticks: int = 0
    late_ticks: int = 0
    worst_lag_ns: int = 0

    def expect(self, now_ns: int) -> None:
        """The next tick should run one period after `now_ns`."""
        self.expected_ns = now_ns + TICK_NS

    def tick(self, now_ns: int) -> None:
        """A tick ran at `now_ns`; the next is expected one period later."""
        lag_ns = max(0, now_ns - self.expected_ns)
        self.ticks += 1
        self.late_ticks += lag_ns > TOLERANCE_NS
        self.worst_lag_ns = max(self.worst_lag_ns, lag_ns)
        self.expect(now_ns)

    @property
    def limited(self) -> bool:
        """Whether so many ticks were late that the load was not what was asked for."""
        return self.late_ticks > MOST_LATE_SHARE * self.ticks
