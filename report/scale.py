"""From values to positions, and where the ticks stand.

Knows linear and logarithmic scales, round steps and steps of time; refuses to know what is drawn on them.
Pure functions and values; called by the drawings.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

_ROUND = (1.0, 2.0, 5.0, 10.0)
_TIME_STEPS_S = (
    0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400,
    43200, 86400,
)  # fmt: skip
_LOG_FROM = 25.0
_MOST_DECADES = 8
_NOUGHT = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """`low` is drawn at `start`, `high` at `end`; ticks are values between the two."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False
    ticks: tuple[float, ...] = ()

    def at(self, value: float) -> float:
        """The position of a value; what lies outside is put on the edge.

        >>> Scale(low=0, high=10, start=100, end=0).at(2.5)
        75.0
        """
        held = min(max(value, self.low), self.high)
        if self.logarithmic:
            part = math.log(held / self.low) / math.log(self.high / self.low)
        else:
            part = (held - self.low) / (self.high - self.low)
        return self.start + part * (self.end - self.start)


def value_scale(
    values: Iterable[float], *, start: float, end: float, may_be_logarithmic: bool = False
) -> Scale:
    """A scale from nought; for values of many sizes a logarithmic one, where that makes sense.

    There what is more than eight decades below the largest value is drawn at the edge.
    """
    known = [value if value >= _NOUGHT else 0.0 for value in values if math.isfinite(value) and value >= 0]
    positive = [value for value in known if value > 0]
    if (
        may_be_logarithmic
        and len(positive) == len(known)
        and positive
        and max(positive) > _LOG_FROM * min(positive)
    ):
        return _logarithmic(min(positive), max(positive), start=start, end=end)
    step = round_step(max(known, default=1.0) or 1.0, parts=4)
    high = math.ceil((max(known, default=1.0) or 1.0) / step - 1e-9) * step
    return Scale(low=0.0, high=high, start=start, end=end, ticks=_multiples(0.0, high, step=step))


def time_scale(low_s: float, high_s: float, *, start: float, end: float, parts: int) -> Scale:
    """A scale of seconds with ticks at whole seconds, minutes and hours."""
    span = max(high_s - low_s, 1e-3)
    step = next((step for step in _TIME_STEPS_S if span / step <= parts), span / parts)
    ticks = _multiples(math.ceil(low_s / step - 1e-9) * step, low_s + span, step=step)
    return Scale(low=low_s, high=low_s + span, start=start, end=end, ticks=ticks)


def round_step(span: float, *, parts: int) -> float:
    """The smallest of 1, 2, 5 times a power of ten that cuts `span` into at most `parts`.

    >>> round_step(37, parts=4)
    10.0
    """
    rough = span / parts
    power = 10.0 ** math.floor(math.log10(rough))
    return next(step * power for step in _ROUND if step * power >= rough * (1 - 1e-9))


def _multiples(low: float, high: float, *, step: float) -> tuple[float, ...]:
    steps = math.floor((high - low) / step + 1e-9)
    return tuple(low + index * step for index in range(steps + 1))


def _logarithmic(low: float, high: float, *, start: float, end: float) -> Scale:
    last = math.ceil(math.log10(high))
    first = max(math.floor(math.log10(low)), last - _MOST_DECADES)
    marks = [
        mark * 10.0**decade
        for decade in range(first, last + 1)
        for mark in ((1, 2, 5) if last - first < 3 else (1,))
    ]
    bottom = max((mark for mark in marks if mark <= low), default=10.0**first)
    top = min((mark for mark in marks if mark >= high), default=10.0**last)
    ticks = tuple(mark for mark in marks if bottom <= mark <= top)
    return Scale(low=bottom, high=top, start=start, end=end, logarithmic=True, ticks=ticks)
