"""Live numbers are true counts: of outcomes, of times, of who was right."""

import pytest

from sparring.recorder.live import Histogram, LiveNumbers
from sparring.recorder.rows import Seen


def seen(
    request_id: str, role: str, *, right: bool | None = True, outcome: str = "ok", faulted: bool = False
) -> Seen:
    return Seen(
        request_id=request_id,
        target=role,
        role=role,
        outcome=outcome,
        latency_ns=2_000_000,
        service_ns=1_000_000,
        right=right,
        faulted=faulted,
    )


def test_pairs_are_counted_by_who_was_right_in_any_order() -> None:
    """The four cells, whichever arm answers first; a fault or a missing label keeps a pair out of them."""
    live = LiveNumbers()
    for number, (baseline, candidate) in enumerate(
        [(True, True), (True, False), (False, True), (False, False)]
    ):
        arms = [
            seen(str(number), "baseline", right=baseline),
            seen(str(number), "candidate", right=candidate),
        ]
        for one in arms if number % 2 else reversed(arms):
            live.add(one)
    live.add(seen("f", "baseline", faulted=True))
    live.add(seen("f", "candidate"))
    pairs = live.pairs
    assert (pairs.both_right, pairs.baseline_only, pairs.candidate_only, pairs.neither) == (1, 1, 1, 1)
    assert pairs.pairs == 5


def test_what_was_not_sent_is_an_outcome_and_nothing_else() -> None:
    """No latency, no pair, not counted as sent."""
    live = LiveNumbers()
    live.add(seen("a", "candidate", outcome="dropped:queue_full"))
    snapshot = live.snapshot()["targets"]
    assert isinstance(snapshot, list)
    assert (snapshot[0]["sent"], snapshot[0]["latency_p50_s"]) == (0, None)
    assert snapshot[0]["outcomes"] == {"dropped:queue_full": 1}


def test_waiting_halves_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest gives way and is counted."""
    monkeypatch.setattr("sparring.recorder.live.MAX_WAITING", 2)
    live = LiveNumbers()
    for name in "abc":
        live.add(seen(name, "baseline"))
    live.add(seen("a", "candidate"))
    live.add(seen("c", "candidate"))
    assert (live.pairs.pairs, live.pairs.given_up) == (1, 2)


@pytest.mark.parametrize("dropped_first", [False, True])
def test_nobody_waits_for_a_partner_that_was_not_sent(
    monkeypatch: pytest.MonkeyPatch, *, dropped_first: bool
) -> None:
    """Whichever is told first; so that a long outage of one arm keeps nothing in memory."""
    monkeypatch.setattr("sparring.recorder.live.MAX_WAITING", 2)
    live = LiveNumbers()
    live.add(seen("z", "baseline"))
    for number in range(10):
        both = [seen(str(number), "baseline"), seen(str(number), "candidate", outcome="dropped:ejected")]
        for one in reversed(both) if dropped_first else both:
            live.add(one)
    live.add(seen("z", "candidate"))
    assert (live.pairs.pairs, live.pairs.given_up) == (1, 10)


def test_a_histogram_without_observations_has_no_quantile() -> None:
    """Not zero."""
    assert Histogram((1.0,)).quantile_s(0.5) is None
