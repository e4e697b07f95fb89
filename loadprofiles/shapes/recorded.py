"""The arrivals of a trace as a profile: their own offsets, faster or slower.

Λ passes through i at the i-th arrival (counted from 0) and is a straight line in between, so that the
process `constant` gives back the recorded instants, while `poisson` scatters new arrivals with the same
local rate. The profile ends one mean gap after the last arrival, which makes it a period that can be
repeated.
"""

from dataclasses import dataclass

import numpy as np

from loadprofiles.profile import NS_PER_S, Floats, Nanoseconds, ProfileError, refuse_unless_positive
from loadprofiles.quantities import number_text


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recorded:
    """Offsets from the trace's start, in ns and ascending; `speed` 2 replays in half the time."""

    offsets_ns: Nanoseconds
    speed: float = 1.0

    def __post_init__(self) -> None:
        refuse_unless_positive(self.speed, what="speed")
        if len(self.offsets_ns) == 0:
            raise ProfileError("'recorded' needs a trace with at least one request")
        if self.offsets_ns[0] < 0 or np.any(np.diff(self.offsets_ns) < 0):
            raise ProfileError("the offsets of a recorded profile must be ascending and not negative")

    @property
    def period_ns(self) -> int:
        """The length of the trace and one mean gap, before `speed`; the gap is 1 s if there is none."""
        first, last = int(self.offsets_ns[0]), int(self.offsets_ns[-1])
        mean_gap = (last - first) / (len(self.offsets_ns) - 1) if last > first else 0
        return last + (round(mean_gap) or NS_PER_S)

    @property
    def duration_s(self) -> float:
        return self.period_ns / NS_PER_S / self.speed

    def due_ns(self) -> Nanoseconds:
        """The recorded instants at this speed, exact at speed 1."""
        if self.speed == 1:
            return self.offsets_ns.astype(np.int64)
        return np.rint(self.offsets_ns / self.speed).astype(np.int64)

    def rate_per_s(self, at_s: Floats) -> Floats:
        knots = self._knots_s()
        gaps = np.diff(knots, prepend=-np.inf, append=np.inf)
        return 1 / gaps[np.searchsorted(knots, at_s, side="right")]

    def expected(self, at_s: Floats) -> Floats:
        knots = self._knots_s()
        return np.interp(at_s, knots, np.arange(len(knots), dtype=np.float64))

    def when(self, count: Floats) -> Floats:
        knots = self._knots_s()
        return np.interp(count, np.arange(len(knots), dtype=np.float64), knots)

    def _knots_s(self) -> Floats:
        return np.append(self.offsets_ns, self.period_ns) / NS_PER_S / self.speed

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Recorded):
            return NotImplemented
        return self.speed == other.speed and np.array_equal(self.offsets_ns, other.offsets_ns)

    __hash__ = None  # type: ignore[assignment]  # equal by the contents of an array, so not hashable

    def __str__(self) -> str:
        return "recorded" if self.speed == 1 else f"recorded at {number_text(self.speed)}x"
