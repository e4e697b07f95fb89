"""A criterion as a picture: the estimate, its interval, no difference, and the margin that decides.

Knows how to draw one interval on its own scale, with the side that would be too much worse shaded; refuses to
know statistics. Bounds without an end run to the edge with an arrow.
"""

from dataclasses import dataclass

from markupsafe import Markup

from report.scale import Scale
from report.svg import drawing, element

_WIDTH, _HEIGHT, _BAR, _PAD = 320.0, 62.0, 29.0, 14.0
_TOP, _FLOOR = 15.0, 44.0


Ends = tuple[float | None, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """What to draw, in one unit. `neutral` is where nothing differs; `limit` is where it becomes too bad.

    `one_look` is the interval for a single look at the end, `deciding` the bounds that the status follows;
    an end that is unknown is None. `worse` is +1 if larger values are worse and -1 if smaller ones are.
    """

    estimate: float
    one_look: Ends
    deciding: Ends
    neutral: float | None
    limit: float | None
    worse: int
    neutral_name: str
    limit_name: str
    style: str
    sentence: str


def draw_interval(interval: Interval) -> Markup:
    """The interval as SVG."""
    across = _scale(interval)
    parts = [
        *_forbidden(interval, across),
        element("line", x1=_PAD, x2=_WIDTH - _PAD, y1=_FLOOR, y2=_FLOOR, class_="axis"),
        *_neutral(interval, across),
        *_deciding(interval.deciding, across),
        *_one_look(interval.one_look, across),
        element("circle", cx=across.at(interval.estimate), cy=_BAR, r=5, class_="point"),
    ]
    return drawing(
        parts,
        width=_WIDTH,
        height=_HEIGHT,
        class_=f"interval {interval.style}",
        title="Estimate, interval and margin",
        summary=interval.sentence,
    )


def _scale(interval: Interval) -> Scale:
    marks = [interval.estimate, *interval.one_look, *interval.deciding, interval.neutral, interval.limit]
    known = [mark for mark in marks if mark is not None]
    low, high = min(known), max(known)
    room = (high - low) * 0.12 or abs(low) * 0.5 or 1.0
    return Scale(low=low - room, high=high + room, start=_PAD, end=_WIDTH - _PAD)


def _forbidden(interval: Interval, across: Scale) -> list[Markup]:
    if interval.limit is None:
        return []
    x = across.at(interval.limit)
    left, right = (x, across.end) if interval.worse > 0 else (across.start, x)
    area = element("rect", x=left, y=_TOP, width=right - left, height=_FLOOR - _TOP, class_="forbidden")
    line = element("line", x1=x, x2=x, y1=_TOP, y2=_FLOOR, class_="limit")
    return [area, line, _label(interval.limit_name, x=x, y=_TOP - 4, class_="limit-name")]


def _neutral(interval: Interval, across: Scale) -> list[Markup]:
    if interval.neutral is None:
        return []
    x = across.at(interval.neutral)
    line = element("line", x1=x, x2=x, y1=_TOP, y2=_FLOOR + 4, class_="neutral")
    return [line, _label(interval.neutral_name, x=x, y=_FLOOR + 15, class_="neutral-name")]


def _label(name: str, *, x: float, y: float, class_: str) -> Markup:
    """A label that stays inside the drawing."""
    reach = len(name) * 3.2
    anchor, place = ("middle", x)
    if x - reach < 2:
        anchor, place = ("start", 2.0)
    elif x + reach > _WIDTH - 2:
        anchor, place = ("end", _WIDTH - 2)
    return element("text", name, x=place, y=y, text_anchor=anchor, class_=class_)


def _one_look(ends: Ends, across: Scale) -> list[Markup]:
    """A thick bar; nothing if an end is unknown."""
    if ends[0] is None or ends[1] is None:
        return []
    left, right = across.at(ends[0]), across.at(ends[1])
    return [element("line", x1=left, x2=right, y1=_BAR, y2=_BAR, class_="one-look")]


def _deciding(ends: Ends, across: Scale) -> list[Markup]:
    """A thin bar with caps, or with an arrow where it has no end."""
    if ends == (None, None):
        return []
    left = across.start if ends[0] is None else across.at(ends[0])
    right = across.end if ends[1] is None else across.at(ends[1])
    caps = [
        _arrow(left, toward=-1) if ends[0] is None else _cap(left),
        _arrow(right, toward=1) if ends[1] is None else _cap(right),
    ]
    return [element("line", x1=left, x2=right, y1=_BAR, y2=_BAR, class_="span"), *caps]


def _cap(x: float) -> Markup:
    return element("line", x1=x, x2=x, y1=_BAR - 5, y2=_BAR + 5, class_="span")


def _arrow(x: float, *, toward: int) -> Markup:
    path = f"M{x - 6 * toward:.1f} {_BAR - 5}L{x:.1f} {_BAR}L{x - 6 * toward:.1f} {_BAR + 5}"
    return element("path", d=path, class_="span")
