"""Tango's interval against golden values and against a likelihood that is maximised by search."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judge.bonett_price import bonett_price_interval
from judge.paired import PairedCounts
from judge.tango import tango_interval

Z = 1.959963984540054
some_counts = st.builds(
    PairedCounts,
    both=st.integers(0, 400),
    better=st.integers(0, 60),
    worse=st.integers(0, 60),
    neither=st.integers(0, 50),
).filter(lambda counts: counts.n > 0)


def score_by_search(counts: PairedCounts, delta: float) -> float:
    """The score with the restricted maximum-likelihood estimate found on a grid, not by a formula."""
    low, high = max(0.0, -delta), (1.0 - delta) / 2.0
    q = np.linspace(low, high, 200_001)[1:-1]
    with np.errstate(divide="ignore"):
        likelihood = counts.worse * np.log(q) + counts.better * np.log(q + delta)
        likelihood += counts.equal * np.log(1.0 - 2.0 * q - delta)
    best = float(q[np.argmax(likelihood)])
    variance = counts.n * (2.0 * best + delta - delta**2)
    return (counts.better - counts.worse - counts.n * delta) / math.sqrt(variance)


@pytest.mark.parametrize(
    ("better", "worse", "n", "low", "high"),
    [(12, 5, 100, -0.01186, 0.15742), (30, 20, 2000, -0.00200, 0.01233)],
)
def test_golden_values(better: int, worse: int, n: int, low: float, high: float) -> None:
    found = tango_interval(PairedCounts(better=better, worse=worse, both=n - better - worse))
    assert found == pytest.approx((low, high), abs=5e-6)


@pytest.mark.parametrize(("better", "worse", "equal"), [(12, 5, 83), (1, 0, 40), (0, 7, 300), (3, 3, 3)])
def test_bounds_are_where_a_searched_score_reaches_z(better: int, worse: int, equal: int) -> None:
    counts = PairedCounts(better=better, worse=worse, both=equal)
    low, high = tango_interval(counts)
    assert score_by_search(counts, low) == pytest.approx(Z, abs=1e-3)
    assert score_by_search(counts, high) == pytest.approx(-Z, abs=1e-3)


@given(some_counts)
@settings(deadline=None)
def test_the_interval_holds_the_estimate_and_mirrors_when_sides_are_swapped(counts: PairedCounts) -> None:
    low, high = tango_interval(counts)
    assert -1.0 <= low <= counts.difference <= high <= 1.0
    assert high > low
    swapped = PairedCounts(better=counts.worse, worse=counts.better, both=counts.equal)
    assert tango_interval(swapped) == pytest.approx((-high, -low), abs=1e-9)


@given(some_counts)
@settings(deadline=None)
def test_bonett_price_is_close_where_there_are_many_discordant_pairs(counts: PairedCounts) -> None:
    if counts.n >= 100 and counts.discordant >= 30:
        assert bonett_price_interval(counts) == pytest.approx(tango_interval(counts), abs=0.03)


def test_equal_pairs_alone_give_an_interval_of_known_width() -> None:
    half = Z**2 / (100 + Z**2)
    assert tango_interval(PairedCounts(both=100)) == pytest.approx((-half, half), abs=1e-9)


def test_no_pairs_say_nothing() -> None:
    assert tango_interval(PairedCounts()) == (-1.0, 1.0)


def test_all_pairs_on_one_side_reach_the_end() -> None:
    assert tango_interval(PairedCounts(better=50))[1] == 1.0
    assert tango_interval(PairedCounts(worse=50))[0] == -1.0
