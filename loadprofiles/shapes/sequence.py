"""Shapes one after another: a ramp, then a burst, then a pause.

The counts run on from part to part, so a fraction of an arrival that one part leaves over is completed in the
next: `constant 0.4/s for 1s` five times over makes two arrivals, as one part of five seconds would.
"""

from dataclasses import dataclass

import numpy as np

from loadprofiles.profile import Floats, Profile, ProfileError, total


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """Each part begins when the one before it ends."""

    parts: tuple[Profile, ...]

    def __post_init__(self) -> None:
        if not self.parts:
            raise ProfileError("a sequence without parts")

    @property
    def duration_s(self) -> float:
        return float(self._starts_s()[-1])

    def rate_per_s(self, at_s: Floats) -> Floats:
        starts = self._starts_s()
        rates = np.zeros_like(at_s)
        for number, here in self._split(at_s, starts):
            rates[here] = self.parts[number].rate_per_s(at_s[here] - starts[number])
        return rates

    def expected(self, at_s: Floats) -> Floats:
        starts, counts = self._starts_s(), self._counts()
        expected = np.zeros_like(at_s)
        for number, here in self._split(at_s, starts):
            expected[here] = counts[number] + self.parts[number].expected(at_s[here] - starts[number])
        return expected

    def when(self, count: Floats) -> Floats:
        starts, counts = self._starts_s(), self._counts()
        reached = np.zeros_like(count)
        for number, here in self._split(count, counts):
            reached[here] = starts[number] + self.parts[number].when(count[here] - counts[number])
        return reached

    def _split(
        self, values: Floats, bounds: Floats
    ) -> list[tuple[int, np.ndarray[tuple[int], np.dtype[np.bool_]]]]:
        """For each part, which of the values fall into it; one beyond the end falls into the last."""
        belongs = np.clip(np.searchsorted(bounds, values, side="right") - 1, 0, len(self.parts) - 1)
        return [(number, belongs == number) for number in range(len(self.parts))]

    def _starts_s(self) -> Floats:
        return np.cumsum([0.0, *(part.duration_s for part in self.parts)])

    def _counts(self) -> Floats:
        return np.cumsum([0.0, *(total(part) for part in self.parts)])

    def __str__(self) -> str:
        return ", then ".join(map(str, self.parts))
