"""Planned against sent instants."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from judge.fidelity import fidelity

S = 1_000_000_000


def even(rate_per_s: int, seconds: int) -> "np.typing.NDArray[np.int64]":
    return np.arange(rate_per_s * seconds, dtype=np.int64) * (S // rate_per_s)


def test_requests_on_time_have_no_lag_and_the_planned_rate() -> None:
    due = even(100, 20)
    found = fidelity(due_ns=due, sent_ns=due)
    assert found.requested_rate_per_s == found.achieved_rate_per_s == 100.0
    assert (found.lag_p50_ms, found.lag_max_ms, found.shed) == (0.0, 0.0, 0)
    assert found.cv_sent == 0.0
    assert found.dispersion_sent == {"0.2": 0.0, "1": 0.0, "10": None}


def test_lag_quantiles_are_those_of_sent_minus_due() -> None:
    due = even(100, 1)
    found = fidelity(due_ns=due, sent_ns=due + np.arange(1, 101) * 1_000_000)
    assert (found.lag_p50_ms, found.lag_p90_ms, found.lag_p99_ms, found.lag_max_ms) == (50, 90, 99, 100)


def test_shed_requests_are_counted_and_have_no_lag() -> None:
    due = even(10, 1)
    sent = due.copy()
    sent[:4] = -1
    found = fidelity(due_ns=due, sent_ns=sent)
    assert (found.planned, found.sent, found.shed, found.shed_share) == (10, 6, 4, 0.4)
    assert found.lag_max_ms == 0.0


def test_a_poisson_plan_sent_as_planned_has_cv_and_dispersion_near_one() -> None:
    due = np.cumsum(np.random.default_rng(5).exponential(S / 200, 20_000)).astype(np.int64)
    found = fidelity(due_ns=due, sent_ns=due)
    assert found.cv_sent == pytest.approx(1.0, abs=0.05)
    assert found.dispersion_sent["0.2"] == pytest.approx(1.0, abs=0.15)
    assert found.dispersion_sent["1"] == pytest.approx(1.0, abs=0.35)


def test_bunching_shows_in_dispersion_and_not_in_the_rate() -> None:
    due = even(100, 100)
    bunched = due // S * S
    found = fidelity(due_ns=due, sent_ns=bunched + S)
    assert found.achieved_rate_per_s == pytest.approx(100.0, rel=0.02)
    assert found.cv_planned == 0.0
    assert found.cv_sent is not None
    assert found.cv_sent > 5.0


def test_a_requested_rate_is_taken_as_given() -> None:
    due = even(100, 1)
    assert fidelity(due_ns=due, sent_ns=due, requested_rate_per_s=120.0).requested_rate_per_s == 120.0


@given(st.lists(st.integers(0, 10 * S), max_size=50))
def test_any_instants_give_figures_or_none(due: list[int]) -> None:
    instants = np.array(due, np.int64)
    found = fidelity(due_ns=instants, sent_ns=instants)
    assert found.planned == found.sent == len(due)
    assert (found.lag_p99_ms is None) == (not due)


def test_arms_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match="2 due instants"):
        fidelity(due_ns=even(2, 1), sent_ns=even(3, 1))
