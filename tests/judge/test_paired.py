"""Counts of pairs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judge.paired import PairedCounts

counts = st.builds(
    PairedCounts,
    both=st.integers(0, 1000),
    better=st.integers(0, 1000),
    worse=st.integers(0, 1000),
    neither=st.integers(0, 1000),
)


@given(counts, counts)
def test_counts_of_parts_add_up_to_counts_of_the_whole(left: PairedCounts, right: PairedCounts) -> None:
    whole = left + right
    assert whole.n == left.n + right.n
    assert whole == right + left
    assert whole.discordant + whole.equal == whole.n


@given(counts.filter(lambda c: c.n > 0))
def test_the_difference_is_candidate_minus_baseline(c: PairedCounts) -> None:
    assert c.difference == pytest.approx(c.candidate - c.baseline)


def test_a_negative_count_is_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        PairedCounts(both=-1)
