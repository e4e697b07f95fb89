"""The ratio of latency quantiles against a bootstrap that draws a weight for every pair."""

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from judge.bootstrap import FAILED_NS, enough_for, quantile_ratio

Ints = NDArray[np.int64]


def paired_latencies(n: int, *, seed: int, slower: float = 1.0) -> tuple[Ints, Ints]:
    chance = np.random.default_rng(seed)
    shared, own_b, own_c = chance.normal(size=(3, n))
    baseline = 2e7 * np.exp(0.5 * math.sqrt(0.7) * shared + 0.5 * math.sqrt(0.3) * own_b)
    candidate = slower * 2e7 * np.exp(0.5 * math.sqrt(0.7) * shared + 0.5 * math.sqrt(0.3) * own_c)
    return baseline.astype(np.int64), candidate.astype(np.int64)


def plain_interval(baseline: Ints, candidate: Ints, *, quantile: float) -> tuple[float, float]:
    """Resampling pairs by index, with numpy's own quantile."""
    chance = np.random.default_rng(99)
    picked = chance.integers(0, len(baseline), size=(600, len(baseline)))
    ratios = np.quantile(candidate[picked], quantile, axis=1, method="inverted_cdf") / np.quantile(
        baseline[picked], quantile, axis=1, method="inverted_cdf"
    )
    return float(np.quantile(ratios, 0.025)), float(np.quantile(ratios, 0.975))


@pytest.mark.parametrize("quantile", [0.5, 0.9, 0.99])
def test_the_interval_is_that_of_resampling_pairs(quantile: float) -> None:
    baseline, candidate = paired_latencies(3000, seed=1, slower=1.1)
    found = quantile_ratio(baseline, candidate, quantile=quantile)
    low, high = plain_interval(baseline, candidate, quantile=quantile)
    width = high - low
    assert found.lower == pytest.approx(low, abs=0.2 * width)
    assert found.upper == pytest.approx(high, abs=0.2 * width)
    assert found.lower <= found.gate_lower <= found.ratio <= found.gate_upper <= found.upper


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(1, 50)), min_size=1, max_size=60), st.randoms())
@settings(deadline=None, max_examples=8)
def test_the_order_of_pairs_does_not_matter(pairs: list[tuple[int, int]], chance: random.Random) -> None:
    shuffled = list(pairs)
    chance.shuffle(shuffled)
    first = quantile_ratio(*np.array(pairs, np.int64).T, quantile=0.9, seed=3)
    again = quantile_ratio(*np.array(shuffled, np.int64).T, quantile=0.9, seed=3)
    assert first == again


@given(st.lists(st.integers(1, 10**9), min_size=1, max_size=200), st.sampled_from([0.1, 0.5, 0.9, 0.99]))
@settings(deadline=None, max_examples=8)
def test_the_quantiles_are_the_inverse_of_the_distribution(latencies: list[int], quantile: float) -> None:
    values = np.array(latencies, np.int64)
    found = quantile_ratio(values, values, quantile=quantile)
    assert found.baseline_ns == np.quantile(values, quantile, method="inverted_cdf")
    assert found.ratio == found.lower == found.upper == 1.0


def test_a_failed_request_cannot_look_fast() -> None:
    baseline, candidate = paired_latencies(1000, seed=2)
    candidate[:20] = FAILED_NS
    found = quantile_ratio(baseline, candidate, quantile=0.99)
    assert found.candidate_ns == found.ratio == found.gate_upper == math.inf


def test_where_both_arms_fail_the_ratio_has_no_bounds() -> None:
    latencies = np.full(100, FAILED_NS, np.int64)
    found = quantile_ratio(latencies, latencies, quantile=0.5)
    assert math.isnan(found.ratio)
    assert (found.gate_lower, found.gate_upper) == (0.0, math.inf)


def test_the_same_seed_gives_the_same_interval_and_another_seed_another() -> None:
    baseline, candidate = paired_latencies(500, seed=3)
    first = quantile_ratio(baseline, candidate, quantile=0.9, seed=1)
    assert first == quantile_ratio(baseline, candidate, quantile=0.9, seed=1)
    assert first != quantile_ratio(baseline, candidate, quantile=0.9, seed=2)


@pytest.mark.parametrize(("quantile", "least"), [(0.5, 20), (0.9, 100), (0.99, 1000), (0.01, 1000)])
def test_a_quantile_needs_ten_pairs_beyond_it(quantile: float, least: int) -> None:
    assert enough_for(quantile, least)
    assert not enough_for(quantile, least - 1)


def test_no_pairs_and_unequal_arms_are_refused() -> None:
    nothing = np.zeros(0, np.int64)
    with pytest.raises(ValueError, match="needs pairs"):
        quantile_ratio(nothing, nothing, quantile=0.5)
    with pytest.raises(ValueError, match="needs pairs"):
        quantile_ratio(np.ones(2, np.int64), np.ones(3, np.int64), quantile=0.5)


@pytest.mark.slow
def test_the_interval_holds_the_true_ratio_in_nine_of_ten_runs_or_more() -> None:
    held = 0
    for seed in range(300):
        found = quantile_ratio(*paired_latencies(1000, seed=seed, slower=1.2), quantile=0.9, seed=seed)
        held += found.lower <= 1.2 <= found.upper
    assert 0.91 <= held / 300 <= 0.995
