"""The same rate all the time: a soak, a plateau, a step."""

from dataclasses import dataclass

import numpy as np

from loadprofiles.profile import Floats, refuse_unless_positive, refuse_unless_rate
from loadprofiles.quantities import duration_text, rate_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """λ(t) = `rate`, so Λ(t) = `rate`·t."""

    rate: float
    duration_s: float

    def __post_init__(self) -> None:
        refuse_unless_rate(self.rate)
        refuse_unless_positive(self.duration_s, what="duration")

    def rate_per_s(self, at_s: Floats) -> Floats:
        return np.full_like(at_s, self.rate)

    def expected(self, at_s: Floats) -> Floats:
        return self.rate * at_s

    def when(self, count: Floats) -> Floats:
        if self.rate == 0:
            return np.full_like(count, self.duration_s)
        return np.minimum(count / self.rate, self.duration_s)

    def __str__(self) -> str:
        return f"constant {rate_text(self.rate)} for {duration_text(self.duration_s)}"
