"""The engine's figures, from instants written by hand."""

from collections import Counter

import numpy as np
import pytest

from replay.figures import done_figures, fidelity, lag_ms, progress_figures
from replay.watchdog import Watchdog

MS = 1_000_000


def at_ms(*instants: float) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.array([round(at * MS) if at >= 0 else -1 for at in instants], dtype=np.int64)


def test_lag_counts_from_due_and_leaves_out_what_was_shed() -> None:
    lags = lag_ms(due_ns=at_ms(0, 10, 20, 30), sent_ns=at_ms(1, 12, -1, 33))
    assert lags == {
        "p50": 2,
        "p90": pytest.approx(2.8),
        "p99": pytest.approx(2.98),
        "max": 3,
    }


def test_rates_are_gaps_per_second_of_the_planned_and_of_the_sent() -> None:
    figures = fidelity(due_ns=at_ms(0, 10, 20, 30), sent_ns=at_ms(0, -1, 20, 50))
    assert figures["requested_rate_per_s"] == pytest.approx(100)
    assert figures["achieved_rate_per_s"] == pytest.approx(40)
    assert figures["gap_cv"] == {"planned": 0, "sent": pytest.approx(np.std([20, 30], ddof=1) / 25)}


def test_figures_that_have_no_value_are_none() -> None:
    figures = fidelity(due_ns=at_ms(), sent_ns=at_ms())
    assert figures["requested_rate_per_s"] is None
    assert figures["lag_ms"] == {"p50": None, "p90": None, "p99": None, "max": None}
    assert figures["index_of_dispersion_1s"] == {"planned": None, "sent": None}


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
        due_ns=at_ms(0, 10),
        sent_ns=at_ms(1, -1),
        watchdog=Watchdog(),
        starved=starved,
    )
    assert figures["generator_limited"] is limited
    assert (figures["due"], figures["sent"], figures["shed"]) == (2, 1, 0)
