"""Nobody comes: the null member, and the shortest correct example of a shape."""

from dataclasses import dataclass

import numpy as np

from loadprofiles.profile import Floats, refuse_unless_positive
from loadprofiles.quantities import duration_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A rate of 0 for a while."""

    duration_s: float

    def __post_init__(self) -> None:
        refuse_unless_positive(self.duration_s, what="duration")

    def rate_per_s(self, at_s: Floats) -> Floats:
        return np.zeros_like(at_s)

    def expected(self, at_s: Floats) -> Floats:
        return np.zeros_like(at_s)

    def when(self, count: Floats) -> Floats:
        return np.full_like(count, self.duration_s)

    def __str__(self) -> str:
        return f"pause for {duration_text(self.duration_s)}"
