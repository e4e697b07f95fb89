"""The sentence states what was shown, what was asked, and the status."""

import pytest

from judge.criteria import Criterion, Margin, Metric, Test
from judge.sentences import Shown, cap_sentence, difference_sentence, ratio_sentence
from judge.status import Status

ONE_POINT = Margin(absolute=0.01)
ACCURACY = Criterion(id="a", metric=Metric.ACCURACY, margin=ONE_POINT)
BUDGET = Criterion(id="b", metric=Metric.LATENCY_BUDGET, budget_ms=300, margin=ONE_POINT, max=0.02)
FLOOR = Criterion(id="f", metric=Metric.ACCURACY, min=0.9)
P99 = Criterion(id="p", metric=Metric.LATENCY_QUANTILE, quantile=0.99, margin=Margin(relative=0.05))


def shown(low: float, high: float, status: Status, **more: object) -> Shown:
    known = {"candidate": "v2", "baseline": "v1", "limit": 0.01, "alpha": 0.05, "note": ""}
    return Shown(low=low, high=high, status=status, **{**known, **more})  # type: ignore[arg-type]  # test's own keys


@pytest.mark.parametrize(
    ("criterion", "facts", "sentence"),
    [
        (
            ACCURACY,
            shown(-0.004, 0.002, Status.PASS),
            "v2 is at most 0.4 points less accurate than v1 (95 %), margin 1.0: pass",
        ),
        (
            ACCURACY,
            shown(0.003, 0.02, Status.PASS),
            "v2 is at least 0.3 points more accurate than v1 (95 %), margin 1.0: pass",
        ),
        (
            ACCURACY,
            shown(-0.06, -0.0213, Status.FAIL),
            "v2 is at least 2.13 points less accurate than v1 (95 %), margin 1.0: fail",
        ),
        (
            BUDGET,
            shown(-0.02, 0.01, Status.HOLD, note="too few"),
            "v2 is over 300 ms at most 2.0 points more often than v1 (95 %), margin 1.0: hold (too few)",
        ),
        (
            ACCURACY,
            shown(-0.02, 0.03, Status.INFO, limit=None),
            "v2 is between 2.0 points less accurate and 3.0 points more accurate than v1 (95 %): info",
        ),
    ],
)
def test_differences(criterion: Criterion, facts: Shown, sentence: str) -> None:
    assert difference_sentence(criterion, facts) == sentence


def test_faulted_pairs_are_told_apart() -> None:
    sentence = difference_sentence(ACCURACY, shown(-0.004, 0.002, Status.PASS, faulted=True))
    assert sentence.endswith("than v1 under faults (95 %), margin 1.0: pass")


def test_an_uplift_that_was_not_reached_is_told_as_a_ceiling() -> None:
    criterion = Criterion(id="a", metric=Metric.ACCURACY, margin=ONE_POINT, test=Test.SUPERIORITY)
    facts = shown(-0.004, 0.002, Status.FAIL, superiority=True)
    assert difference_sentence(criterion, facts) == (
        "v2 is at most 0.2 points more accurate than v1 (95 %), wanted better by 1.0: fail"
    )


@pytest.mark.parametrize(
    ("low", "high", "status", "words"),
    [
        (0.98, 1.03, Status.PASS, "at most 3.0 % above v1's"),
        (0.90, 0.95, Status.PASS, "at least 5.0 % below v1's"),
        (1.10, 1.20, Status.FAIL, "at least 10.0 % above v1's"),
        (1.10, float("inf"), Status.HOLD, "not bounded against v1's"),
    ],
)
def test_ratios(low: float, high: float, status: Status, words: str) -> None:
    sentence = ratio_sentence(P99, shown(low, high, status, limit=0.05))
    assert sentence == f"v2's p99 latency is {words} (95 %), margin 5.0 %: {status.lower()}"


def test_caps_and_floors() -> None:
    assert cap_sentence(BUDGET, bound=0.003, cap=0.02, status=Status.PASS) == (
        "its share over 300 ms is at most 0.3 %, cap 2.0 %: pass"
    )
    assert cap_sentence(FLOOR, bound=0.2, cap=0.1, status=Status.FAIL) == (
        "its accuracy is at most 80.0 %, floor 90.0 %: fail"
    )
    assert cap_sentence(FLOOR, bound=0.2, cap=0.1, status=Status.HOLD) == (
        "its accuracy is perhaps as low as 80.0 %, floor 90.0 %: hold"
    )
