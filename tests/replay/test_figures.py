"""The engine's figures, from instants written by hand."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import judge.fidelity
from replay.figures import done_figures, fidelity, lags_ms, progress_figures
from replay.watchdog import Watchdog

MS = 1_000_000


def at_ms(*instants: float) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array([round(at * MS) if at >= 0 else -1 for at in instants], dtype=np.int64)


def test_lag_counts_from_due_and_leaves_out_what_was_shed() -> None:
    lags = lags_ms(due_ns=at_ms(0, 10, 20, 30), sent_ns=at_ms(1, 12, -1, 33))
    assert lags == {"lag_p50_ms": 2, "lag_p90_ms": 3, "lag_p99_ms": 3, "lag_max_ms": 3}


def test_rates_are_gaps_per_second_of_the_planned_and_of_the_sent() -> None:
    figures = fidelity(due_ns=at_ms(0, 10, 20, 30), sent_ns=at_ms(0, -1, 20, 50))
    assert figures["requested_rate_per_s"] == pytest.approx(100)
    assert figures["achieved_rate_per_s"] == pytest.approx(40)
    assert (figures["cv_planned"], figures["cv_sent"]) == (0, pytest.approx(np.std([20, 30]) / 25))


instants = st.lists(st.tuples(st.integers(0, 10**11), st.integers(-1, 10**8)), min_size=1, max_size=80)


@given(arrivals=instants)
def test_the_engine_and_the_judge_mean_the_same_by_every_figure(arrivals: list[tuple[int, int]]) -> None:
    """An arrival is its due instant and its lag, -1 for shed; sent instants ascend, as the engine's do."""
    due_ns = np.array(sorted(due for due, _ in arrivals), dtype=np.int64)
    lags_ns = np.array([lag for _, lag in arrivals], dtype=np.int64)
    sent_ns = np.where(lags_ns < 0, -1, np.maximum.accumulate(due_ns + lags_ns))
    ours = fidelity(due_ns=due_ns, sent_ns=sent_ns)
    official = judge.fidelity.fidelity(due_ns=due_ns, sent_ns=sent_ns).as_json()
    for name, value in ours.items():
        assert value == pytest.approx(official[name]), name


def test_figures_that_have_no_value_are_none() -> None:
    figures = fidelity(due_ns=at_ms(), sent_ns=at_ms())
    assert figures["requested_rate_per_s"] is None
    assert figures["lag_p99_ms"] is figures["cv_sent"] is None
    assert figures["dispersion_sent"] == {"0.2": None, "1": None, "10": None}


def test_progress_counts_what_is_on_its_way_as_sent_and_what_was_dropped_as_not() -> None:
    outcomes = Counter({"ok": 5, "timeout": 1, "dropped:shed": 2, "dropped:unsendable": 1})
    figures = progress_figures(
        outcomes=outcomes, in_flight=3, total=50, recent_due_ns=at_ms(0), recent_sent_ns=at_ms(1)
    )
    assert figures == {"sent": 9, "shed": 2, "total": 50, "in_flight": 3, "lag_p99_ms": 1}


@pytest.mark.parametrize(
    ("starved", "outcomes", "limited"),
    [(0, {"ok": 2}, False), (1, {"ok": 2}, True), (0, {"ok": 1, "dropped:no_socket": 1}, True)],
)
def test_what_the_engine_itself_lacked_is_named(
    starved: int, outcomes: dict[str, int], limited: bool
) -> None:
    figures = done_figures(
        outcomes=Counter(outcomes),
        total=5,
        due_ns=at_ms(0, 10),
        sent_ns=at_ms(1, -1),
        watchdog=Watchdog(),
        starved=starved,
    )
    assert figures["generator_limited"] is limited
    assert (figures["total"], figures["due"], figures["sent"], figures["shed"]) == (5, 2, 1, 0)
