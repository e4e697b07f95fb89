"""How one criterion's result is shown: its numbers with units, and its picture.

Knows which metrics are shares, ratios, times or amounts, and on which side of nought the margin lies; refuses
to judge: the status and the sentence are the judge's. Called by the page and by the text form.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

from judge.criteria import Metric, Test
from report.intervals import Interval
from report.verdict_file import Result
from report.wording import ABSENT, count, duration, share, signed, significant, to_decimals


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """How a level is written; how a difference is scaled and named; where nothing differs."""

    level: Callable[[float | None], str]
    scale: float
    before: str
    after: str
    least_decimals: int = 0
    neutral: float = 0.0
    noun: str = "difference"

    def change(self, value: float | None, *, decimals: int) -> str:
        """A difference with its unit, to a fixed number of decimals."""
        return ABSENT if value is None else f"{self.bare(value, decimals=decimals)}{self.after}"

    def span(self, lower: float | None, upper: float | None, *, decimals: int) -> str:
        """From one difference to another."""
        if lower is None and upper is None:
            return ABSENT
        low, high = self.bare(lower, decimals=decimals), self.bare(upper, decimals=decimals)
        return f"{low} to {high}{self.after}"

    def bare(self, value: float | None, *, decimals: int) -> str:
        """The same without what comes after the number."""
        if value is None:
            return "…"
        shown = to_decimals(value * self.scale, decimals)
        return f"{self.before}{shown}" if self.before else signed(shown)


def _milliseconds(value: float | None) -> str:
    return duration(None if value is None else value * 1e6)


SHARE = Unit(level=share, scale=100.0, before="", after=" pp")
RATIO = Unit(
    level=_milliseconds, scale=1.0, before="× ", after="", least_decimals=2, neutral=1.0, noun="ratio"
)
PLAIN = Unit(level=significant, scale=1.0, before="", after="")
_SCENARIOS = {"clean": "", "faulted": "under injected faults"}
UNITS: dict[str, Unit] = {
    Metric.ACCURACY: SHARE,
    Metric.ERROR_RATE: SHARE,
    Metric.LATENCY_BUDGET: SHARE,
    Metric.LATENCY_QUANTILE: RATIO,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A result in words and numbers with units; `picture` is None where there is no estimate."""

    result: Result
    mark: str
    context: str
    numbers: tuple[tuple[str, str], ...]
    picture: Interval | None


def show(result: Result) -> Shown:
    """The result, ready to be printed."""
    unit = UNITS.get(result.metric, PLAIN)
    limit = _limit(result, unit)
    return Shown(
        result=result,
        mark=", ".join(
            part for part in (result.slice, _SCENARIOS.get(result.scenario, result.scenario)) if part
        ),
        context=_context(result),
        numbers=_numbers(result, unit=unit, limit=limit) if result.estimate is not None else (),
        picture=_picture(result, unit=unit, limit=limit),
    )


def _numbers(result: Result, *, unit: Unit, limit: float | None) -> tuple[tuple[str, str], ...]:
    decimals = _decimals(result, unit)
    numbers = [
        ("baseline", unit.level(result.baseline)),
        ("candidate", unit.level(result.candidate)),
        (unit.noun, unit.change(result.estimate, decimals=decimals)),
        ("bounds that decide", unit.span(result.gate_lower, result.gate_upper, decimals=decimals)),
        ("interval, one look", unit.span(result.lower, result.upper, decimals=decimals)),
        ("pairs", count(result.n)),
    ]
    if limit is not None:
        numbers.insert(-1, (_limit_word(result), _limit_text(limit, unit)))
    if result.discordant is not None:
        numbers.append(("pairs that differ", count(result.discordant)))
    if result.cap is not None:
        numbers.append(("cap on the candidate", unit.level(result.cap)))
    return tuple(numbers)


def _context(result: Result) -> str:
    """What the criterion is about, in a line: `guardrail · error rate · against stable`."""
    parts = (
        result.role,
        "" if result.metric == result.id else result.metric.replace("_", " "),
        f"against {result.against}" if result.against else "",
    )
    return " · ".join(part for part in parts if part)


def _decimals(result: Result, unit: Unit) -> int:
    """As many as the width of the interval makes meaningful: two of its digits."""
    width = (result.upper - result.lower) if result.upper is not None and result.lower is not None else 0.0
    size = abs(width or result.estimate or 1.0) * unit.scale
    return min(max(1 - math.floor(math.log10(size)), unit.least_decimals), 5)


def _worse(result: Result) -> int:
    """+1 where larger is worse, -1 where smaller is."""
    return -1 if result.direction == "higher" else 1


def _limit(result: Result, unit: Unit) -> float | None:
    """Where worse begins: beyond the margin, or below the uplift that is wanted."""
    wanted = result.test == Test.SUPERIORITY
    if result.margin is None:
        return unit.neutral if wanted else None
    return unit.neutral + (-1 if wanted else 1) * _worse(result) * abs(result.margin)


def _limit_word(result: Result) -> str:
    return "wanted" if result.test == Test.SUPERIORITY else "margin"


def _limit_text(limit: float | None, unit: Unit) -> str:
    if limit is None:
        return ABSENT
    shown = significant(limit * unit.scale)
    return f"{unit.before}{shown if unit.before else signed(shown)}{unit.after}"


def _picture(result: Result, *, unit: Unit, limit: float | None) -> Interval | None:
    if result.estimate is None:
        return None
    return Interval(
        estimate=result.estimate,
        one_look=(result.lower, result.upper),
        deciding=(result.gate_lower, result.gate_upper),
        neutral=unit.neutral,
        limit=limit,
        worse=_worse(result),
        neutral_name="no difference",
        limit_name=f"{_limit_word(result)} {_limit_text(limit, unit)}",
        style=result.status.lower(),
        sentence=result.sentence or result.name,
    )
