"""Delays, against scipy's distributions; every sample has its own fixed seed."""

import random

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats

from scenarios.delay import Delay
from scenarios.fault import Send

MS = 1_000_000
DRAWS = 4_000


def draws_ms(**params: object) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    delay = Delay.model_validate(params)
    return np.array([delay.draw_ns(random.Random(seed)) / MS for seed in range(DRAWS)])


def test_a_fixed_delay_adds_to_what_is_there() -> None:
    after = Delay.model_validate({"fixed": "20ms"}).apply(Send(body=b"x", delay_ns=5 * MS), random.Random(0))
    assert after == Send(body=b"x", delay_ns=25 * MS)


def test_a_delay_of_nothing_does_not_apply() -> None:
    assert Delay.model_validate({"fixed": 0}).apply(Send(body=b"x"), random.Random(0)) is None


def test_uniform_draws_are_uniform() -> None:
    sample = draws_ms(uniform={"lower": "10ms", "upper": "50ms"})
    assert stats.kstest(sample, stats.uniform(10, 40).cdf).pvalue > 0.01


@pytest.mark.parametrize(
    ("width", "sigma"), [({"sigma": 0.9}, 0.9), ({"mean": "120ms"}, float(np.sqrt(2 * np.log(120 / 80))))]
)
def test_lognormal_draws_are_lognormal_however_the_width_is_stated(
    width: dict[str, object], sigma: float
) -> None:
    sample = draws_ms(lognormal={"median": "80ms", **width})
    assert stats.kstest(sample, stats.lognorm(sigma, scale=80).cdf).pvalue > 0.01


def test_a_lognormal_with_an_end_is_truncated_without_a_heap_there() -> None:
    sample = draws_ms(lognormal={"median": "80ms", "sigma": 0.9, "max": "160ms"})
    below = stats.lognorm(0.9, scale=80).cdf(160)
    assert stats.kstest(sample, lambda ms: stats.lognorm(0.9, scale=80).cdf(ms) / below).pvalue > 0.01
    assert sample.max() <= 160


class Unlucky(random.Random):
    """A generator whose normal draws are always far out, and counted."""

    drawn = 0

    def gauss(self, mu: float = 0.0, sigma: float = 1.0) -> float:  # noqa: ARG002  # the standard signature
        self.drawn += 1
        return 50.0


def test_after_ten_redraws_the_delay_is_cut_to_its_end() -> None:
    chance = Unlucky()
    delay = Delay.model_validate({"lognormal": {"median": "1ms", "sigma": 1, "max": "3ms"}})
    assert delay.draw_ns(chance) == 3 * MS
    assert chance.drawn == 11


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"fixed": "1s", "uniform": {"lower": 0, "upper": 1}},
        {"uniform": {"lower": "2s", "upper": "1s"}},
        {"lognormal": {"median": "1s"}},
        {"lognormal": {"median": "1s", "sigma": 1, "mean": "2s"}},
        {"lognormal": {"median": "1s", "mean": "900ms"}},
        {"lognormal": {"median": "1s", "sigma": 1, "max": "500ms"}},
        {"lognormal": {"median": 0, "sigma": 1}},
    ],
)
def test_parameters_that_cannot_work_are_refused(params: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Delay.model_validate(params)
