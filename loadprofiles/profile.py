"""What a load profile is: the arrival rate as a function of time, and its integral.

Knows the three questions that every shape answers, on whole arrays at once; refuses to know how single
arrivals fall around the rate (`arrivals/`), and which request is sent at an arrival. The shapes in `shapes/`
answer; the arrival processes ask.

The theory: with rate λ(t), the count expected up to t is Λ(t) = ∫₀ᵗ λ. Every arrival process is a set of
points on the axis of counts, carried back to the axis of time by the inverse of Λ. So a shape that knows λ,
Λ and Λ⁻¹ works with every process. Λ⁻¹ is the right-continuous inverse, inf{t : Λ(t) > count}: where
nothing is expected for a while, an arrival falls at the end of the silence, when the rate is back.
"""

import math
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Nanoseconds = NDArray[np.int64]

NS_PER_S = 1_000_000_000


class ProfileError(ValueError):
    """A profile or an arrival process that cannot be used: what was written, and what can be written."""


class Profile(Protocol):
    """A rate over a stretch of time that begins at 0; `str()` gives its text notation."""

    @property
    def duration_s(self) -> float:
        """The length of the stretch."""
        ...

    def rate_per_s(self, at_s: Floats) -> Floats:
        """λ at each instant; instants lie within the stretch."""
        ...

    def expected(self, at_s: Floats) -> Floats:
        """Λ at each instant: arrivals expected from 0 up to it."""
        ...

    def when(self, count: Floats) -> Floats:
        """Λ⁻¹ in seconds: where each count is reached and about to be passed; the end if it never is."""
        ...


def total(profile: Profile) -> float:
    """The arrivals expected over the whole profile."""
    return float(profile.expected(np.array([profile.duration_s]))[0])


def refuse_unless_rate(rate_per_s: float) -> None:
    """A rate is finite and not negative."""
    if not (math.isfinite(rate_per_s) and rate_per_s >= 0):
        raise ProfileError(f"a rate of {rate_per_s}/s: it must be a number of at least 0")


def refuse_unless_positive(value: float, *, what: str) -> None:
    """Durations and speeds are finite and above 0."""
    if not (math.isfinite(value) and value > 0):
        raise ProfileError(f"a {what} of {value}: it must be above 0")
