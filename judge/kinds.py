"""The table of pair kinds, and every count that a criterion or a self-test takes from it.

Knows which pairs a question is about and what is good on each arm; refuses to know rows, margins and
verdicts. The table has a few hundred rows however many pairs there are: one per block of time and
combination of marks. Called by `judge.completeness` and `judge.rule`.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from judge.paired import PairedCounts
from judge.pairs import BLOCKS, Mark

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Goodness:
    """What makes an arm good: `bit` set (a budget: not set); `labelled` leaves out pairs without a label."""

    bit: int
    wanted: bool = True
    labelled: bool = False


ACCURATE = Goodness(bit=Mark.RIGHT, labelled=True)
ANSWERED = Goodness(bit=Mark.OK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinds:
    """Parallel columns: marks of both arms, number of pairs, block of time, first and last moment."""

    baseline: Ints
    candidate: Ints
    pairs: Ints
    block: Ints
    first_ns: Ints
    last_ns: Ints
    duplicated: Bools

    @classmethod
    def of(cls, tables: Iterable[pa.Table]) -> "Kinds":
        """From counted tables (of one or of several workers), in one order whatever the order of rows."""
        table = pa.concat_tables(tables).sort_by([(name, "ascending") for name in _ORDER])
        columns = {name: table.column(name).to_numpy().astype(np.int64) for name in _NUMBERS}
        return cls(**columns, duplicated=table.column("duplicated").to_numpy().astype(bool))

    @property
    def meant(self) -> Bools:
        """Pairs that sampling did not leave out."""
        return _holds(self._either(Mark.UNSAMPLED) == 0)

    @property
    def complete(self) -> Bools:
        """Pairs that were sent to both arms."""
        return _holds(self.meant & (self._both(Mark.SENT) != 0))

    @property
    def labelled(self) -> Bools:
        """Pairs whose right answer is known."""
        return _holds(self._both(Mark.LABELLED) != 0)

    def scenario(self, *, faulted: bool) -> Bools:
        """Pairs that met a fault on either arm, or none."""
        return _holds((self._either(Mark.FAULTED) != 0) == faulted)

    def total(self, chosen: Bools) -> int:
        """How many pairs are chosen."""
        return int(self.pairs[chosen].sum())

    def paired(self, goodness: Goodness, *, faulted: bool = False) -> PairedCounts:
        """The four counts of complete pairs in one scenario."""
        both, better, worse, neither = (int(counts.sum()) for counts in self._by_block(goodness, faulted))
        return PairedCounts(both=both, better=better, worse=worse, neither=neither)

    def paired_so_far(self, goodness: Goodness, *, faulted: bool = False) -> tuple[Ints, Ints, Ints]:
        """Better, worse and equal pairs up to the end of each block of time."""
        both, better, worse, neither = self._by_block(goodness, faulted)
        return np.cumsum(better), np.cumsum(worse), np.cumsum(both + neither)

    def marked(self, bit: int, *, arm: Ints, among: Bools) -> int:
        """How many of the chosen pairs have the mark on one arm."""
        return self.total(among & ((arm & bit) != 0))

    def _by_block(self, goodness: Goodness, faulted: bool) -> tuple[Ints, Ints, Ints, Ints]:
        chosen = self.complete & self.scenario(faulted=faulted)
        if goodness.labelled:
            chosen &= self.labelled
        b = ((self.baseline & goodness.bit) != 0) == goodness.wanted
        c = ((self.candidate & goodness.bit) != 0) == goodness.wanted
        cells = (b & c, ~b & c, b & ~c, ~b & ~c)
        both, better, worse, neither = (self._per_block(chosen & cell) for cell in cells)
        return both, better, worse, neither

    def _per_block(self, chosen: Bools) -> Ints:
        counts = np.zeros(BLOCKS, np.int64)
        np.add.at(counts, self.block[chosen], self.pairs[chosen])
        return counts

    def _both(self, bit: int) -> Ints:
        return self.baseline & self.candidate & bit

    def _either(self, bit: int) -> Ints:
        return (self.baseline | self.candidate) & bit


def _holds(comparison: Bools) -> Bools:
    """Numpy types comparisons of integers as Any; this says what they are."""
    return comparison


_NUMBERS = ("baseline", "candidate", "pairs", "block", "first_ns", "last_ns")
_ORDER = ("block", "baseline", "candidate", "duplicated", "pairs", "first_ns")
