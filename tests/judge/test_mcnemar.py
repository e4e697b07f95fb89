"""McNemar's test against golden values and against plain sums of binomial coefficients."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judge.mcnemar import exact_p, mid_p
from judge.paired import PairedCounts


def by_hand(better: int, worse: int, *, half_the_tie: bool) -> float:
    """Two-sided p-value as a sum over all outcomes, in exact integers."""
    m, k = better + worse, min(better, worse)
    if half_the_tie and better == worse:
        return 1.0
    tail = sum(math.comb(m, i) for i in range(k + 1))
    doubled = min(2 * tail, 2**m)
    return float((doubled - (math.comb(m, k) if half_the_tie else 0)) / 2**m)


def test_golden_values() -> None:
    counts = PairedCounts(better=12, worse=5)
    assert exact_p(counts) == pytest.approx(0.14346, abs=5e-6)
    assert mid_p(counts) == pytest.approx(0.09625, abs=5e-6)


@given(st.integers(0, 200), st.integers(0, 200))
def test_both_values_equal_sums_in_exact_integers(better: int, worse: int) -> None:
    counts = PairedCounts(better=better, worse=worse)
    assert exact_p(counts) == pytest.approx(by_hand(better, worse, half_the_tie=False))
    assert mid_p(counts) == pytest.approx(by_hand(better, worse, half_the_tie=True))


@given(st.integers(0, 200), st.integers(0, 200))
def test_sides_can_be_swapped_and_mid_p_is_the_smaller(better: int, worse: int) -> None:
    counts, swapped = PairedCounts(better=better, worse=worse), PairedCounts(better=worse, worse=better)
    assert mid_p(counts) == mid_p(swapped)
    assert 0.0 < mid_p(counts) <= exact_p(counts) <= 1.0


def test_no_discordant_pairs_show_no_difference() -> None:
    assert exact_p(PairedCounts(both=10)) == mid_p(PairedCounts(both=10)) == 1.0
