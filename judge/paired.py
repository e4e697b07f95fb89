"""Paired binary answers as four counts: the form in which every test here takes its data.

Knows that a pair is good or bad for each side; refuses to know what "good" means (right, answered, in
budget). Built by `judge.kinds` from rows, read by the statistics. Counts add, so parts of a run may be
counted apart.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedCounts:
    """How many pairs were good for both, for neither, or for one side only.

    >>> a = PairedCounts(both=80, better=12, worse=5, neither=3)
    >>> a.n, a.discordant, a.candidate, a.difference
    (100, 17, 0.92, 0.07)
    >>> (a + a).better
    24
    """

    both: int = 0
    better: int = 0
    worse: int = 0
    neither: int = 0

    def __post_init__(self) -> None:
        if min(self.both, self.better, self.worse, self.neither) < 0:
            raise ValueError(f"a count is negative: {self}")

    def __add__(self, other: "PairedCounts") -> "PairedCounts":
        return PairedCounts(
            both=self.both + other.both,
            better=self.better + other.better,
            worse=self.worse + other.worse,
            neither=self.neither + other.neither,
        )

    @property
    def n(self) -> int:
        """All pairs."""
        return self.both + self.better + self.worse + self.neither

    @property
    def equal(self) -> int:
        """Pairs that say nothing about a difference."""
        return self.both + self.neither

    @property
    def discordant(self) -> int:
        """Pairs in which one side was good and the other was not."""
        return self.better + self.worse

    @property
    def baseline(self) -> float:
        """Share of pairs that were good for the baseline; needs at least one pair."""
        return (self.both + self.worse) / self.n

    @property
    def candidate(self) -> float:
        """Share of pairs that were good for the candidate; needs at least one pair."""
        return (self.both + self.better) / self.n

    @property
    def difference(self) -> float:
        """Candidate's share minus baseline's; needs at least one pair."""
        return (self.better - self.worse) / self.n
