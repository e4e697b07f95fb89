"""A straight line from one rate to another, up or down.

With a = `from_rate`, b = `to_rate` and d = `duration_s`: λ(t) = a + (b−a)·t/d and Λ(t) = a·t + (b−a)·t²/2d.
The inverse is the root of that quadratic, written with the square root in the denominator, t = 2c / (a +
√(a² + 2c(b−a)/d)), which loses no digits when a and b are nearly or wholly equal.
"""

from dataclasses import dataclass

import numpy as np

from loadprofiles.profile import Floats, refuse_unless_positive, refuse_unless_rate
from loadprofiles.quantities import duration_text, rate_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Ramp:
    """λ(t) goes linearly from `from_rate` to `to_rate`."""

    from_rate: float
    to_rate: float
    duration_s: float

    def __post_init__(self) -> None:
        refuse_unless_rate(self.from_rate)
        refuse_unless_rate(self.to_rate)
        refuse_unless_positive(self.duration_s, what="duration")

    def rate_per_s(self, at_s: Floats) -> Floats:
        return self.from_rate + self._slope * at_s

    def expected(self, at_s: Floats) -> Floats:
        return at_s * (self.from_rate + self._slope * at_s / 2)

    def when(self, count: Floats) -> Floats:
        if self.from_rate == self.to_rate == 0:
            return np.full_like(count, self.duration_s)
        under_root = np.maximum(self.from_rate**2 + 2 * self._slope * count, 0.0)
        denominator = self.from_rate + np.sqrt(under_root)
        reached = np.divide(2 * count, denominator, out=np.zeros_like(count), where=denominator > 0)
        return np.minimum(reached, self.duration_s)

    @property
    def _slope(self) -> float:
        return (self.to_rate - self.from_rate) / self.duration_s

    def __str__(self) -> str:
        line = f"{rate_text(self.from_rate)} to {rate_text(self.to_rate)}"
        return f"ramp {line} over {duration_text(self.duration_s)}"
