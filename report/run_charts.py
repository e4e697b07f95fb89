"""Which lines over time a report draws, and what they are called.

Knows how to turn a run's buckets into panels (latency, rates, failures, lag, CPU, memory); refuses to know
pixels, which are `charts.py`'s. Called by the page.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from operator import attrgetter

from markupsafe import Markup

from report.charts import NARROW, WIDE, Band, Line, Panel, draw, draw_lanes
from report.exchange_facts import Bucket, Quantiles, Series, Timeline
from report.facts import RunFacts
from report.fault_facts import Fault
from report.resource_facts import TargetUse, Use
from report.wording import duration, rate, share, significant, size

_STYLES = {"baseline": ("baseline",), "candidate": ("candidate",), "client": ("client",)}
_OTHERS = ("reference", "reference second", "reference third")
_NS = 1e9
_LATENCY = {
    "p50_ns": "p50: half of the exchanges took no longer",
    "p90_ns": "p90: nine of ten took no longer",
    "p99_ns": "p99: ninety-nine of a hundred took no longer",
}
_LAG = {
    "p50_ns": "p50 of lag: half of the requests were sent no later than this after they were due",
    "p99_ns": "p99 of lag: ninety-nine of a hundred",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One drawing in both widths with its title."""

    title: str
    wide: Markup
    narrow: Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One entry of the legend."""

    name: str
    role: str
    style: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Charts:
    """All drawings of a run, by part of the report; empty where there is nothing to draw.

    The legend names the lines of latency and traffic, the other one those of resources.
    """

    legend: tuple[Key, ...]
    resources_legend: tuple[Key, ...]
    lanes: Figure | None
    latency: tuple[Figure, ...]
    traffic: tuple[Figure, ...]
    lag: tuple[Figure, ...]
    resources: tuple[Figure, ...]


def charts_of(facts: RunFacts) -> Charts:
    """Every chart that the run's files allow."""
    if facts.timeline is None:
        return Charts(
            legend=(), resources_legend=(), lanes=None, latency=(), traffic=(), lag=(), resources=()
        )
    brush = _Brush(facts, facts.timeline)
    series, client = facts.exchanges.series, facts.client.series
    return Charts(
        legend=brush.legend((one.target, one.role) for one in series),
        resources_legend=brush.legend((one.target, one.role) for one in facts.resources),
        lanes=brush.lanes(),
        latency=brush.quantiles(series, of=lambda bucket: bucket.latency, titles=_LATENCY),
        traffic=brush.figures(
            [
                ("Answered well, per second", brush.rates(series, of=lambda bucket: bucket.ok), rate),
                ("Failed, share of what was sent", brush.lines(series, of=_failed_share), share),
            ]
        ),
        lag=brush.quantiles(client, of=lambda bucket: bucket.lag, titles=_LAG),
        resources=brush.figures(
            [
                ("CPU, cores busy", brush.uses(facts.resources, of=lambda use: use.cores), significant),
                ("Resident memory", brush.uses(facts.resources, of=lambda use: use.rss_bytes), size),
            ]
        ),
    )


class _Brush:
    """Draws one run's panels: its timeline, its fault windows and its targets' styles are the same in all."""

    def __init__(self, facts: RunFacts, timeline: Timeline) -> None:
        self._timeline = timeline
        self._bands = _windows(facts.faults, timeline)
        self._start_s, self._end_s = timeline.start_ns / _NS, timeline.end_ns / _NS
        names = [(series.target, series.role) for series in (*facts.exchanges.series, *facts.client.series)]
        names += [(use.target, use.role) for use in facts.resources]
        self._styles = _styles(names)

    def legend(self, names: Iterable[tuple[str, str]]) -> tuple[Key, ...]:
        """What the lines of these targets look like."""
        return tuple(Key(name=name, role=role, style=self._styles[name, role]) for name, role in names)

    def lanes(self) -> Figure | None:
        """The named windows of faults."""
        if not self._bands:
            return None
        wide, narrow = (
            draw_lanes(self._bands, start_s=self._start_s, end_s=self._end_s, width=width)
            for width in (WIDE, NARROW)
        )
        return Figure(title="Windows of injected faults", wide=wide, narrow=narrow)

    def quantiles(
        self, series: tuple[Series, ...], *, of: Callable[[Bucket], Quantiles], titles: Mapping[str, str]
    ) -> tuple[Figure, ...]:
        """One panel a percentile, named by the field that holds it."""
        return self.figures(
            [
                (title, self.lines(series, of=_percentile(of, name)), duration)
                for name, title in titles.items()
            ]
        )

    def lines(self, series: Iterable[Series], *, of: Callable[[Bucket], float | None]) -> tuple[Line, ...]:
        """A line a target; a bucket without a value breaks it."""
        return tuple(
            self._line(one.target, one.role, values={bucket.index: of(bucket) for bucket in one.buckets})
            for one in series
        )

    def rates(self, series: tuple[Series, ...], *, of: Callable[[Bucket], int]) -> tuple[Line, ...]:
        """Per second; nought in a bucket without rows. The last bucket, cut by the run's end, is left out."""
        last = max((bucket.index for one in series for bucket in one.buckets), default=0)
        bucket_s = self._timeline.bucket_ns / _NS
        lines = []
        for one in series:
            values: dict[int, float | None] = dict.fromkeys(range(last), 0.0)
            values |= {bucket.index: of(bucket) / bucket_s for bucket in one.buckets if bucket.index < last}
            lines.append(self._line(one.target, one.role, values=values))
        return tuple(lines)

    def uses(self, uses: Iterable[TargetUse], *, of: Callable[[Use], float | None]) -> tuple[Line, ...]:
        """A line a target; sampled less often than buckets pass, so neighbours are joined across gaps."""
        return tuple(
            Line(
                name=one.target,
                style=self._styles[one.target, one.role],
                points=tuple(
                    (self._at(use.index), value) for use in one.buckets if (value := of(use)) is not None
                ),
            )
            for one in uses
        )

    def figures(
        self, panels: list[tuple[str, tuple[Line, ...], Callable[[float], str]]]
    ) -> tuple[Figure, ...]:
        """The panels that have anything in them, drawn wide and narrow."""
        return tuple(
            self._figure(title, lines=lines, shown=shown)
            for title, lines, shown in panels
            if any(value is not None for line in lines for _, value in line.points)
        )

    def _figure(self, title: str, *, lines: tuple[Line, ...], shown: Callable[[float], str]) -> Figure:
        panel = Panel(
            title=title,
            start_s=self._start_s,
            end_s=self._end_s,
            lines=lines,
            bands=self._bands,
            shown=shown,
            may_be_logarithmic=shown is duration,
        )
        return Figure(title=title, wide=draw(panel, width=WIDE), narrow=draw(panel, width=NARROW))

    def _line(self, name: str, role: str, *, values: dict[int, float | None]) -> Line:
        points = tuple((self._at(index), values.get(index)) for index in range(self._timeline.buckets))
        return Line(name=name, style=self._styles[name, role], points=points)

    def _at(self, index: int) -> float:
        return (self._timeline.start_ns + (index + 0.5) * self._timeline.bucket_ns) / _NS


def _percentile(of: Callable[[Bucket], Quantiles], name: str) -> Callable[[Bucket], float | None]:
    picked: Callable[[Quantiles], int | None] = attrgetter(name)
    return lambda bucket: picked(of(bucket))


def _failed_share(bucket: Bucket) -> float | None:
    sent = bucket.ok + bucket.failed
    return bucket.failed / sent if sent else None


def _styles(names: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """A class a target: by role, and by turns among several of one role."""
    styles: dict[tuple[str, str], str] = {}
    used: dict[str, int] = {}
    for name, role in names:
        if (name, role) not in styles:
            choice = _STYLES.get(role, _OTHERS)
            styles[name, role] = choice[used.get(role, 0) % len(choice)]
            used[role] = used.get(role, 0) + 1
    return styles


def _windows(faults: Iterable[Fault], timeline: Timeline) -> tuple[Band, ...]:
    """One band a fault, over all targets it has, cut to the time in which there were requests."""
    spans: dict[str, tuple[int, int]] = {}
    for fault in faults:
        end = fault.end_ns if fault.end_ns > fault.start_ns else timeline.end_ns
        low, high = spans.get(fault.id, (fault.start_ns, end))
        spans[fault.id] = (min(low, fault.start_ns), max(high, end))
    return tuple(
        Band(
            name=name,
            start_s=max(low, timeline.start_ns) / _NS,
            end_s=min(high, timeline.end_ns) / _NS,
        )
        for name, (low, high) in spans.items()
        if low < timeline.end_ns and high > timeline.start_ns
    )
