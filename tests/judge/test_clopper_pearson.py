"""Exact bounds of one share against sums of binomial probabilities."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judge.clopper_pearson import lower_bound, upper_bound


def at_most(k: int, *, n: int, share: float) -> float:
    return sum(math.comb(n, i) * share**i * (1.0 - share) ** (n - i) for i in range(k + 1))


@given(st.integers(1, 150).flatmap(lambda n: st.tuples(st.integers(0, n - 1), st.just(n))))
def test_at_the_upper_bound_so_few_have_probability_alpha(drawn: tuple[int, int]) -> None:
    k, n = drawn
    assert at_most(k, n=n, share=upper_bound(k, n, alpha=0.05)) == pytest.approx(0.05, rel=1e-6)


@given(st.integers(1, 150).flatmap(lambda n: st.tuples(st.integers(1, n), st.just(n))))
def test_at_the_lower_bound_so_many_have_probability_alpha(drawn: tuple[int, int]) -> None:
    k, n = drawn
    assert 1.0 - at_most(k - 1, n=n, share=lower_bound(k, n)) == pytest.approx(0.05, rel=1e-6)


@pytest.mark.parametrize(("n", "bound"), [(300, 0.0099), (1000, 0.0030), (3000, 0.0010)])
def test_no_error_in_n_proves_three_in_n_at_best(n: int, bound: float) -> None:
    assert upper_bound(0, n) == pytest.approx(1.0 - 0.05 ** (1.0 / n))
    assert upper_bound(0, n) == pytest.approx(bound, abs=6e-5)


def test_ends_are_closed() -> None:
    assert lower_bound(0, 10) == 0.0
    assert upper_bound(10, 10) == upper_bound(0, 0) == 1.0
