"""One English sentence per criterion, with the bound that decided and the margin.

Knows words and rounding; refuses to decide: bounds and statuses come in. A sentence states what the data
has shown (with the level in brackets), what was asked, and the status. Called by `judge.rule` and
`judge.quantile_rule`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from judge.criteria import Criterion, Metric
from judge.status import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wording:
    subject: str
    worse: str
    better: str
    level: str


_WORDINGS = {
    Metric.ACCURACY: _Wording(
        subject="is", worse="less accurate than", better="more accurate than", level="accuracy"
    ),
    Metric.ERROR_RATE: _Wording(
        subject="fails", worse="more often than", better="less often than", level="error rate"
    ),
    Metric.LATENCY_BUDGET: _Wording(
        subject="is over {budget} ms",
        worse="more often than",
        better="less often than",
        level="share over {budget} ms",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a sentence tells. `low` and `high` bound how much better the candidate is."""

    candidate: str
    baseline: str
    low: float
    high: float
    limit: float | None
    alpha: float
    status: Status
    note: str = ""
    superiority: bool = False
    faulted: bool = False


def difference_sentence(criterion: Criterion, shown: Shown) -> str:
    """A share compared with the baseline's.

    >>> accuracy = Criterion(id="a", metric=Metric.ACCURACY, margin={"absolute": 0.01})
    >>> shown = Shown(candidate="v2", baseline="v1", low=-0.004, high=0.002, limit=0.01, alpha=0.05,
    ...               status=Status.PASS)
    >>> difference_sentence(accuracy, shown)
    'v2 is at most 0.4 points less accurate than v1 (95 %), margin 1.0: pass'
    """
    wording = _WORDINGS[criterion.metric]
    subject = wording.subject.format(budget=_plain(criterion.budget_ms))
    claim = _claim(wording, shown)
    return f"{shown.candidate} {subject} {claim} {shown.baseline}{_ending(shown, points)}"


def ratio_sentence(criterion: Criterion, shown: Shown) -> str:
    """A latency quantile compared with the baseline's; `low` and `high` bound the ratio."""
    claim = _ratio_claim(shown)
    name = f"p{_plain((criterion.quantile or 0.0) * 100)} latency"
    ending = _ending(shown, percent)
    return f"{shown.candidate}'s {name} is {claim} {shown.baseline}'s{ending}"


def cap_sentence(criterion: Criterion, *, bound: float, cap: float, status: Status) -> str:
    """The candidate's share of bad answers against its cap; accuracy is told as a floor of good ones."""
    level = _WORDINGS[criterion.metric].level.format(budget=_plain(criterion.budget_ms))
    if criterion.metric is Metric.ACCURACY:
        bound, cap, limit = 1.0 - bound, 1.0 - cap, "floor"
    else:
        limit = "cap"
    side = _SIDES[limit, status]
    return f"its {level} is {side} {percent(bound)}, {limit} {percent(cap)}: {status.lower()}"


_SIDES = {
    ("cap", Status.PASS): "at most",
    ("cap", Status.HOLD): "perhaps as high as",
    ("cap", Status.FAIL): "at least",
    ("floor", Status.PASS): "at least",
    ("floor", Status.HOLD): "perhaps as low as",
    ("floor", Status.FAIL): "at most",
}


def points(share: float) -> str:
    """A difference of shares in percentage points.

    >>> points(0.01), points(0.00383), points(0.12345)
    ('1.0', '0.38', '12.35')
    """
    text = f"{share * 100:.2f}"
    return text.removesuffix("0")


def percent(share: float) -> str:
    """A share in percent.

    >>> percent(0.05)
    '5.0 %'
    """
    return f"{points(share)} %"


def _claim(wording: _Wording, shown: Shown) -> str:
    low, high = shown.low, shown.high
    if shown.status is Status.FAIL:
        return _at("least", -high, wording.worse) if high < 0.0 else _at("most", high, wording.better)
    if low >= 0.0:
        return _at("least", low, wording.better)
    if high > 0.0 and (shown.superiority or shown.status is Status.INFO):
        worse = wording.worse.removesuffix(" than")
        return f"between {points(-low)} points {worse} and {points(high)} points {wording.better}"
    return _at("most", -low, wording.worse)


def _at(side: str, share: float, word: str) -> str:
    return f"at {side} {points(share)} points {word}"


def _ratio_claim(shown: Shown) -> str:
    side, ratio = ("least", shown.low) if shown.status is Status.FAIL else ("most", shown.high)
    if math.isinf(ratio):
        return "not bounded against"
    if ratio >= 1.0:
        return f"at {side} {percent(ratio - 1.0)} above"
    opposite = "most" if side == "least" else "least"
    return f"at {opposite} {percent(1.0 - ratio)} below"


def _ending(shown: Shown, written: Callable[[float], str]) -> str:
    wanted = "wanted better by" if shown.superiority else "margin"
    asked = f", {wanted} {written(shown.limit)}" if shown.limit is not None else ""
    note = f" ({shown.note})" if shown.note else ""
    faults = " under faults" if shown.faulted else ""
    return f"{faults} ({_plain((1.0 - shown.alpha) * 100)} %){asked}: {shown.status.lower()}{note}"


def _plain(number: float | None) -> str:
    return f"{round(number or 0.0, 6):g}"
