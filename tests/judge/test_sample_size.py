"""Pairs needed, against the published table and against the gate itself."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judge.mixture_eprocess import log_mixture
from judge.paired import PairedCounts
from judge.sample_size import pairs_for_margin, pairs_to_decide, unpaired_per_arm

THRESHOLD = math.log(20)


@pytest.mark.parametrize(
    ("discordance", "pairs"),
    [
        (0.02, (6852, 1713, 429)),
        (0.05, (17128, 4282, 1071)),
        (0.10, (34256, 8564, 2141)),
        (0.20, (68511, 17128, 4282)),
    ],
)
def test_the_table_of_fixed_samples(discordance: float, pairs: tuple[int, int, int]) -> None:
    found = tuple(pairs_for_margin(margin, discordance=discordance) for margin in (0.005, 0.01, 0.02))
    assert found == pairs


def test_the_table_without_pairing() -> None:
    assert [unpaired_per_arm(margin, share=0.9) for margin in (0.005, 0.01, 0.02)] == [61660, 15415, 3854]


def test_an_expected_difference_at_the_margin_is_refused() -> None:
    with pytest.raises(ValueError, match="no number of pairs"):
        pairs_for_margin(0.01, discordance=0.05, difference=-0.01)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(1, 900))
@settings(deadline=None)
def test_at_the_pairs_to_decide_a_process_crosses_and_not_long_before(
    better: int, worse: int, equal: int
) -> None:
    counts = PairedCounts(better=better, worse=worse, both=equal)
    total = pairs_to_decide(counts, margin=0.02)
    if total is None:
        return
    at, before = (_strongest(counts, factor * total / counts.n) for factor in (1.01, 0.97))
    assert at >= THRESHOLD - 0.05
    assert before < THRESHOLD + 0.05 or total < 40


def _strongest(counts: PairedCounts, factor: float) -> float:
    better, worse, equal = (count * factor for count in (counts.better, counts.worse, counts.equal))
    passing = log_mixture(better, worse, equal, margin=0.02)
    return max(float(passing), float(log_mixture(worse, better, equal, margin=-0.02)))


def test_nothing_is_known_without_pairs_or_at_the_very_margin() -> None:
    assert pairs_to_decide(PairedCounts(), margin=0.01) is None
    assert pairs_to_decide(PairedCounts(worse=100, both=9900), margin=0.01) is None
