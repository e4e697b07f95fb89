"""The numbers that tell kinds of traffic apart, on arrivals whose values are known."""

import math

import numpy as np
import pytest

from loadprofiles.dispersion import gap_autocorrelation, gap_cv, index_of_dispersion


def test_even_arrivals_do_not_scatter() -> None:
    even = np.arange(1000, dtype=np.int64) * 10
    assert gap_cv(even) == 0
    assert index_of_dispersion(even, window_ns=100) == 0
    assert math.isnan(gap_autocorrelation(even))


def test_a_worked_example() -> None:
    at_ns = np.array([0, 10, 40, 50, 80, 90, 120])  # gaps 10 30 10 30 10 30
    assert gap_cv(at_ns) == pytest.approx(10 / 20)
    assert gap_autocorrelation(at_ns) == pytest.approx(-5 / 6)
    assert index_of_dispersion(np.array([0, 1, 2, 10, 20, 30]), window_ns=10) == pytest.approx(
        np.var([3, 1, 1], ddof=1) / np.mean([3, 1, 1])
    )


@pytest.mark.parametrize("at_ns", [[], [5], [5, 5]])
def test_too_few_arrivals_have_no_value(at_ns: list[int]) -> None:
    few = np.array(at_ns, dtype=np.int64)
    assert math.isnan(gap_cv(few))
    assert math.isnan(index_of_dispersion(few, window_ns=10))
    assert math.isnan(gap_autocorrelation(few))
