"""A result's numbers carry units, and its margin lies on the side that is worse."""

from collections.abc import Callable

import pytest

from report.criteria import Shown, show
from report.verdict_file import verdict_from

Make = Callable[..., dict[str, object]]


def _shown(one_result: Make, **given: object) -> Shown:
    (result,) = verdict_from({"verdict": "HOLD", "results": [one_result(**given)]}).results
    return show(result)


def test_shares_are_compared_in_points(one_result: Make) -> None:
    numbers = dict(_shown(one_result).numbers)
    assert numbers == {
        "baseline": "91.2 %",
        "candidate": "91.6 %",
        "difference": "+0.4 pp",
        "bounds that decide": "−0.6 to +1.4 pp",
        "interval, one look": "−0.3 to +1.1 pp",
        "margin": "−1 pp",
        "pairs": "3,000",
        "pairs that differ": "118",
    }


def test_quantiles_are_compared_as_ratios(one_result: Make) -> None:
    shown = _shown(
        one_result,
        metric="latency_quantile",
        direction="lower",
        estimate=1.043,
        baseline=46.8,
        candidate=48.8,
        lower=0.99,
        upper=1.09,
        gate_lower=0.98,
        gate_upper=None,
        margin=0.1,
    )
    numbers = dict(shown.numbers)
    assert numbers["ratio"] == "× 1.04"
    assert numbers["baseline"] == "46.8 ms"
    assert numbers["margin"] == "× 1.1"
    assert numbers["bounds that decide"] == "× 0.98 to …"
    assert shown.picture
    assert (shown.picture.neutral, shown.picture.limit) == (1.0, 1.1)


@pytest.mark.parametrize(
    ("direction", "test", "limit", "worse"),
    [
        ("higher", "non_inferiority", -0.01, -1),
        ("lower", "non_inferiority", 0.01, 1),
        ("higher", "superiority", 0.01, -1),
        ("lower", "superiority", -0.01, 1),
    ],
)
def test_the_margin_lies_where_worse_begins(
    one_result: Make, direction: str, test: str, limit: float, worse: int
) -> None:
    picture = _shown(one_result, direction=direction, test=test).picture
    assert picture
    assert (picture.limit, picture.worse) == (limit, worse)


def test_superiority_without_a_margin_asks_for_better_than_no_difference(one_result: Make) -> None:
    picture = _shown(one_result, test="superiority", margin=None).picture
    assert picture
    assert picture.limit == 0.0


def test_nothing_is_drawn_without_an_estimate(one_result: Make) -> None:
    shown = _shown(one_result, estimate=None)
    assert shown.picture is None
    assert shown.numbers == ()


def test_faults_and_slices_are_said(one_result: Make) -> None:
    shown = _shown(one_result, slice="region=eu", scenario="faulted", metric="error_rate")
    assert shown.mark == "region=eu, under injected faults"
    assert shown.context == "primary · error rate · against stable"


def test_a_cap_is_shown_where_there_is_one(one_result: Make) -> None:
    assert dict(_shown(one_result, cap=0.02).numbers)["cap on the candidate"] == "2 %"


def test_a_tiny_difference_keeps_its_digits(one_result: Make) -> None:
    numbers = dict(_shown(one_result, estimate=0.00012, lower=0.0001, upper=0.00014).numbers)
    assert numbers["interval, one look"] == "+0.0100 to +0.0140 pp"
