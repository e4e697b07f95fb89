"""The gate: golden values, an independent product, and its error rates under continuous looks."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from judge.mixture_eprocess import confidence_sequence, log_e_fail, log_e_pass, log_mixture
from judge.paired import PairedCounts

ALPHA = 0.05
Bools = NDArray[np.bool_]
THRESHOLD = math.log(1 / ALPHA)
some_counts = st.builds(
    PairedCounts, both=st.integers(0, 3000), better=st.integers(0, 200), worse=st.integers(0, 200)
)


def wealth(outcomes: list[int], *, margin: float) -> float:
    """The mean wealth of 24 gamblers who bet pair by pair, in plain arithmetic."""
    total = 0.0
    for step in range(24):
        stake = 0.005 * (0.9 / 0.005) ** (step / 23) / (1 - margin)
        money = 1.0
        for outcome in outcomes:
            money *= 1 + stake * (outcome + margin)
        total += money
    return total / 24


def crossed(
    *, shares: tuple[float, float], margin: float, seeds: int, pairs: int, fail: bool = False
) -> float:
    """The share of runs in which the process ever crosses when it is looked at after every pair."""
    chance = np.random.default_rng(20)
    hits = 0
    for _ in range(seeds):
        u = chance.random(pairs)
        hits += _ever(u < shares[0], u > 1 - shares[1], margin=margin, fail=fail)
    return hits / seeds


def _ever(better: Bools, worse: Bools, *, margin: float, fail: bool) -> bool:
    """Between pairs that differ ln K only rises or only falls, so looks around those are all looks."""
    differ = np.flatnonzero(better | worse)
    looks = np.unique(np.clip([*(differ - 1), *differ, len(better) - 1], 0, None))
    wins, losses = np.cumsum(better)[looks], np.cumsum(worse)[looks]
    equal = (looks + 1 - wins - losses).astype(float)
    if fail:
        wins, losses, margin = losses, wins, -margin
    logs = log_mixture(wins.astype(float), losses.astype(float), equal, margin=margin)
    return bool((logs >= THRESHOLD).any())


def test_golden_values() -> None:
    passing = PairedCounts(better=100, worse=100, both=3800)
    failing = PairedCounts(better=10, worse=40, both=450)
    assert log_e_pass(passing, margin=0.01) == pytest.approx(2.31438, abs=5e-6)
    assert log_e_fail(failing, margin=0.01) == pytest.approx(4.72815, abs=5e-6)


def test_equal_pairs_alone_pass_a_margin_of_one_point_at_626_and_not_before() -> None:
    assert log_e_pass(PairedCounts(both=625), margin=0.01) < THRESHOLD
    assert log_e_pass(PairedCounts(both=626), margin=0.01) >= THRESHOLD


@given(st.lists(st.sampled_from([-1, 0, 0, 0, 1]), max_size=60), st.sampled_from([0.01, 0.1, -0.02]))
def test_the_closed_form_is_the_product_of_all_bets(outcomes: list[int], margin: float) -> None:
    counts = PairedCounts(better=outcomes.count(1), worse=outcomes.count(-1), both=outcomes.count(0))
    assert math.exp(log_e_pass(counts, margin=margin)) == pytest.approx(wealth(outcomes, margin=margin))
    mirrored = [-outcome for outcome in outcomes]
    assert math.exp(log_e_fail(counts, margin=margin)) == pytest.approx(wealth(mirrored, margin=-margin))


@given(some_counts)
@settings(deadline=None)
def test_the_confidence_sequence_says_what_the_processes_say(counts: PairedCounts) -> None:
    low, high = confidence_sequence(counts, alpha=ALPHA)
    assert -1.0 <= low <= high <= 1.0
    for margin in (0.005, 0.01, 0.05):
        assert (low > -margin + 1e-9) <= (log_e_pass(counts, margin=margin) >= THRESHOLD)
        assert (high < -margin - 1e-9) <= (log_e_fail(counts, margin=margin) >= THRESHOLD)


def test_no_pairs_are_no_evidence() -> None:
    assert log_e_pass(PairedCounts(), margin=0.01) == pytest.approx(0.0, abs=1e-12)
    assert confidence_sequence(PairedCounts()) == (-1.0, 1.0)


@pytest.mark.parametrize("margin", [-1.0, 1.0, 2.0])
def test_a_margin_outside_of_what_can_differ_is_refused(margin: float) -> None:
    with pytest.raises(ValueError, match="margin"):
        log_e_pass(PairedCounts(both=1), margin=margin)


def test_a_candidate_at_the_margin_seldom_passes_however_often_one_looks() -> None:
    assert crossed(shares=(0.02, 0.03), margin=0.01, seeds=100, pairs=5_000) <= 0.08


@pytest.mark.slow
@pytest.mark.parametrize("discordant", [0.02, 0.05, 0.2])
def test_error_rates_hold_over_two_thousand_runs_with_continuous_looks(discordant: float) -> None:
    """At the margin, PASS and FAIL each in at most alpha of runs (plus three standard errors)."""
    at_margin = ((discordant - 0.01) / 2, (discordant + 0.01) / 2)
    bound = ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / 2_000)
    for fail in (False, True):
        assert crossed(shares=at_margin, margin=0.01, seeds=2_000, pairs=8_000, fail=fail) <= bound


@pytest.mark.slow
def test_an_identical_candidate_is_neither_failed_nor_called_better() -> None:
    equal = (0.025, 0.025)
    assert crossed(shares=equal, margin=0.01, seeds=1_000, pairs=8_000, fail=True) <= ALPHA
    assert crossed(shares=equal, margin=-1e-12, seeds=1_000, pairs=8_000) <= ALPHA


@pytest.mark.slow
def test_power_is_what_the_page_says() -> None:
    """Equal candidate, 5 % discordant, margin one point: half of the runs pass by about 4,000 pairs."""
    assert 0.40 <= crossed(shares=(0.025, 0.025), margin=0.01, seeds=1_000, pairs=4_000) <= 0.62
    assert crossed(shares=(0.005, 0.055), margin=0.01, seeds=1_000, pairs=600, fail=True) >= 0.85
