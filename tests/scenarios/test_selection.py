"""The keyed hash."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from scenarios.selection import selection

GOLDEN_HITS = [1, 4, 7, 8, 12, 13, 15, 18]
GOLDEN_CHANCE = 4_636_173_452_354_487_117

probabilities = st.floats(0, 1)


def test_the_decisions_of_this_version_are_those_of_every_version() -> None:
    """Golden values: a change here changes which requests a stored scenario hits."""
    draw = selection(seed=7, fault_id="no-income", probability=0.5)
    hit = [number for number in range(20) if draw.chance(b"req-%d" % number) is not None]
    assert hit == GOLDEN_HITS
    assert draw.chance(b"req-%d" % GOLDEN_HITS[0]) == GOLDEN_CHANCE


@given(st.integers(), st.text(), st.binary(), probabilities, probabilities)
def test_a_higher_probability_only_adds_requests(
    seed: int, fault: str, request: bytes, p: float, q: float
) -> None:
    low, high = sorted([p, q])
    chance = selection(seed=seed, fault_id=fault, probability=low).chance(request)
    if chance is not None:
        assert selection(seed=seed, fault_id=fault, probability=high).chance(request) == chance


@given(st.integers(), st.text(), st.binary())
def test_never_and_always(seed: int, fault: str, request: bytes) -> None:
    assert selection(seed=seed, fault_id=fault, probability=0).chance(request) is None
    assert selection(seed=seed, fault_id=fault, probability=1).chance(request) is not None


@pytest.mark.parametrize("probability", [0.001, 0.05, 0.5, 0.93])
@pytest.mark.parametrize("seed", [1, 20261123])
def test_the_achieved_share_is_binomial(probability: float, seed: int) -> None:
    draw = selection(seed=seed, fault_id="x", probability=probability)
    n = 20_000
    hits = sum(draw.chance(b"%032x" % number) is not None for number in range(n))
    assert stats.binomtest(hits, n, probability).pvalue > 0.01


def test_two_faults_and_two_seeds_decide_independently() -> None:
    n = 20_000
    base = selection(seed=1, fault_id="a", probability=0.5)
    for other in (
        selection(seed=1, fault_id="b", probability=0.5),
        selection(seed=2, fault_id="a", probability=0.5),
    ):
        both = sum(
            base.chance(b"%d" % i) is not None and other.chance(b"%d" % i) is not None for i in range(n)
        )
        assert stats.binomtest(both, n, 0.25).pvalue > 0.01
