"""Lines over the run's time, with the windows of injected faults as bands behind them.

Knows how a panel is laid out at a given width and how to break a line where nothing was measured; refuses to
know what the lines mean. Drawn twice by the page, wide and narrow, so that letters keep their size on a small
screen. Lines differ by dash as well as by colour; the first is drawn last, on top of the others.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from markupsafe import Markup

from report.scale import Scale, time_scale, value_scale
from report.svg import drawing, element, number

_LEFT, _RIGHT, _TOP, _BOTTOM = 58.0, 14.0, 10.0, 24.0
_LANE = 20.0
_LETTER = 7.0
NARROW, WIDE = 360.0, 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One target's values at instants in seconds; None where nothing was measured. `style` is a class."""

    name: str
    style: str
    points: tuple[tuple[float, float | None], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A window in seconds."""

    name: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """What to draw: lines of one unit over one stretch of time; `shown` writes a value with its unit."""

    title: str
    start_s: float
    end_s: float
    lines: tuple[Line, ...]
    bands: tuple[Band, ...]
    shown: Callable[[float], str]
    may_be_logarithmic: bool = False

    @property
    def summary(self) -> str:
        """Each line in words: its middle, lowest and highest value."""
        return " ".join(_in_words(line, self.shown) for line in self.lines) or "Nothing was measured."


def draw(panel: Panel, *, width: float, height: float = 170.0) -> Markup:
    """The panel as SVG."""
    across = _across(panel.start_s, panel.end_s, width=width)
    values = [value for line in panel.lines for _, value in line.points if value is not None]
    up = value_scale(values, start=height - _BOTTOM, end=_TOP, may_be_logarithmic=panel.may_be_logarithmic)
    parts = [
        *(_band(band, across=across, height=height - _TOP - _BOTTOM) for band in _merged(panel.bands)),
        *_value_axis(up, shown=panel.shown, width=width),
        *_time_axis(across, y=height - _BOTTOM),
        *(piece for line in reversed(panel.lines) for piece in _line(line, across=across, up=up)),
    ]
    logarithmic = " The scale of values is logarithmic." if up.logarithmic else ""
    return drawing(
        parts,
        width=width,
        height=height,
        class_="chart",
        title=panel.title,
        summary=panel.summary + logarithmic,
    )


def draw_lanes(bands: tuple[Band, ...], *, start_s: float, end_s: float, width: float) -> Markup:
    """One lane a window, named, above the panels and on the same scale of time."""
    across = _across(start_s, end_s, width=width)
    parts = [piece for row, band in enumerate(bands) for piece in _lane(band, row=row, across=across)]
    windows = "; ".join(f"{band.name} from {clock(band.start_s)} to {clock(band.end_s)}" for band in bands)
    return drawing(
        parts,
        width=width,
        height=_LANE * len(bands) + 4,
        class_="chart lanes",
        title="Windows of injected faults",
        summary=windows,
    )


def clock(seconds: float, *, longest_s: float = 0.0) -> str:
    """An instant of the run; minutes and seconds where the longest one on the same scale needs them.

    >>> clock(7), clock(0.25), clock(95), clock(3723), clock(7, longest_s=95)
    ('7 s', '0.25 s', '1:35', '1:02:03', '0:07')
    """
    if max(abs(seconds), longest_s) < 90:
        return f"{seconds:.6g} s".replace("-", "\N{MINUS SIGN}")
    whole = round(abs(seconds))
    hours, rest = divmod(whole, 3600)
    shown = f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"
    return ("\N{MINUS SIGN}" if seconds < 0 else "") + shown


def _across(start_s: float, end_s: float, *, width: float) -> Scale:
    return time_scale(start_s, end_s, start=_LEFT, end=width - _RIGHT, parts=int(width // 75))


def _merged(bands: tuple[Band, ...]) -> list[Band]:
    """Windows that overlap as one, so that no stretch is shaded twice."""
    merged: list[Band] = []
    for band in sorted(bands, key=lambda band: band.start_s):
        if merged and band.start_s <= merged[-1].end_s:
            last = merged.pop()
            merged.append(replace(last, end_s=max(last.end_s, band.end_s)))
        else:
            merged.append(band)
    return merged


def _band(band: Band, *, across: Scale, height: float) -> Markup:
    left, right = across.at(band.start_s), across.at(band.end_s)
    return element("rect", x=left, y=_TOP, width=max(right - left, 1.0), height=height, class_="band")


def _lane(band: Band, *, row: int, across: Scale) -> list[Markup]:
    left, right = across.at(band.start_s), across.at(band.end_s)
    top = row * _LANE + 2
    x, anchor = _lane_name_place(band.name, left=left, right=right, across=across)
    name = element("text", band.name, x=x, y=top + _LANE - 7, text_anchor=anchor)
    bar = element("rect", x=left, y=top, width=max(right - left, 2.0), height=_LANE - 3, class_="lane", rx=2)
    return [bar, name]


def _lane_name_place(name: str, *, left: float, right: float, across: Scale) -> tuple[float, str]:
    """Inside the bar if it has the room, otherwise beside it."""
    needed = len(name) * _LETTER + 10
    if right - left >= needed or right - across.start < needed > across.end - right:
        return left + 5, "start"
    return (right + 5, "start") if across.end - right >= needed else (left - 5, "end")


def _value_axis(up: Scale, *, shown: Callable[[float], str], width: float) -> list[Markup]:
    parts = []
    for tick in up.ticks:
        y = up.at(tick)
        parts.append(element("line", x1=_LEFT, x2=width - _RIGHT, y1=y, y2=y, class_="grid"))
        parts.append(element("text", shown(tick), x=_LEFT - 8, y=y + 4, text_anchor="end"))
    return parts


def _time_axis(across: Scale, *, y: float) -> list[Markup]:
    parts = [element("line", x1=across.start, x2=across.end, y1=y, y2=y, class_="axis")]
    for tick in across.ticks:
        x = across.at(tick)
        parts.append(element("line", x1=x, x2=x, y1=y, y2=y + 4, class_="axis"))
        at_edge = x > across.end - 16
        anchor = "end" if at_edge else "middle"
        shown = clock(round(tick, 6), longest_s=across.high)
        parts.append(element("text", shown, x=across.end if at_edge else x, y=y + 18, text_anchor=anchor))
    return parts


def _line(line: Line, *, across: Scale, up: Scale) -> list[Markup]:
    pieces = []
    for stretch in _stretches(line.points):
        places = [(across.at(x), up.at(value)) for x, value in stretch]
        if len(places) == 1:
            pieces.append(
                element("circle", cx=places[0][0], cy=places[0][1], r=2, class_=f"dot {line.style}")
            )
        else:
            path = "L".join(f"{number(x)} {number(y)}" for x, y in places)
            pieces.append(element("path", d=f"M{path}", class_=f"line {line.style}"))
    return pieces


def _stretches(points: tuple[tuple[float, float | None], ...]) -> list[list[tuple[float, float]]]:
    """The parts of a line between which something is missing."""
    stretches: list[list[tuple[float, float]]] = [[]]
    for x, value in points:
        if value is None:
            stretches.append([])
        else:
            stretches[-1].append((x, value))
    return [stretch for stretch in stretches if stretch]


def _in_words(line: Line, shown: Callable[[float], str]) -> str:
    values = sorted(value for _, value in line.points if value is not None)
    if not values:
        return f"{line.name}: nothing was measured."
    middle = values[len(values) // 2]
    return f"{line.name}: typically {shown(middle)}, from {shown(values[0])} to {shown(values[-1])}."
