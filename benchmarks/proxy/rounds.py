"""Interleaved rounds: one window of every row in turn, again and again, and the medians over them.

Knows rows, windows and ratios; refuses to know what is measured and why. On a shared machine a rate says
little; two rows of the same round say more about each other, so a ratio is the median of the rounds' ratios.
"""

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from benchmarks.proxy.load import Load, Window, window
from benchmarks.proxy.processes import cpu_ns


@dataclass(slots=True, kw_only=True)
class Row:
    """One row of a table: the load, whose CPU counts (0: nobody's), and what its windows showed."""

    name: str
    load: Load
    pid: int = 0
    windows: list[Window] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)

    @property
    def rate_per_s(self) -> float:
        """Median of requests answered a second."""
        return statistics.median(one.rate_per_s for one in self.windows)

    @property
    def p50_us(self) -> float:
        """Median of the windows' medians."""
        return statistics.median(one.p50_us for one in self.windows)

    @property
    def p99_us(self) -> float:
        """Median of the windows' 99th percentiles."""
        return statistics.median(one.p99_us for one in self.windows)

    @property
    def errors(self) -> str:
        """What wrk complained about, each complaint once, the longest list last."""
        return "; ".join(sorted({one.errors for one in self.windows if one.errors})[-2:]) or "none"

    def cpu_shown(self) -> str:
        """CPU time a request: median, least and most."""
        if not self.pid:
            return "-"
        return f"{statistics.median(self.cpu_us):.1f} ({min(self.cpu_us):.1f}..{max(self.cpu_us):.1f})"

    def measure(self, *, seconds: int) -> None:
        """One window more."""
        before_ns = cpu_ns(self.pid) if self.pid else 0
        seen = window(self.load, seconds=seconds)
        spent_ns = (cpu_ns(self.pid) if self.pid else 0) - before_ns
        self.windows.append(seen)
        self.cpu_us.append(spent_ns / 1000 / max(seen.requests, 1))


def measure(
    rows: Sequence[Row], *, rounds: int, seconds: int, between: Callable[[], None] = lambda: None
) -> None:
    """A second each to warm up, then the rounds; `between` is called after each."""
    for row in rows:
        window(row.load, seconds=1)
    between()
    for _ in range(rounds):
        for row in rows:
            row.measure(seconds=seconds)
        between()


def rate_ratio(ours: Row, theirs: Row) -> float:
    """How many times their requests a second, the median over the rounds."""
    pairs = zip(ours.windows, theirs.windows, strict=True)
    return statistics.median(one.rate_per_s / max(other.rate_per_s, 1) for one, other in pairs)


def cost_ratio(ours: Row, theirs: Row) -> float:
    """How many times their CPU time a request, the median over the rounds."""
    pairs = zip(ours.cpu_us, theirs.cpu_us, strict=True)
    return statistics.median(one / other for one, other in pairs)


def table(rows: Iterable[Row], *, title: str) -> str:
    """Rates, CPU and latency under load."""
    head = f"{title:<34}{'requests/s':>12}{'CPU us/request (min..max)':>30}{'p50 ms':>9}{'p99 ms':>9}  errors"
    lines = [
        f"{row.name:<34}{row.rate_per_s:>12,.0f}{row.cpu_shown():>30}{row.p50_us / 1000:>9.2f}"
        f"{row.p99_us / 1000:>9.2f}  {row.errors}"
        for row in rows
    ]
    return "\n".join([head, *lines])
