"""The recorder's Prometheus page, made of the live numbers at the moment of a scrape.

Knows names, units and labels of our series; refuses to count anything itself. Labels are targets, roles and
outcomes of a closed list: never a path, a request id or a slice that data made up.
"""

from collections.abc import Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from sparring.recorder.converter import Converter
from sparring.recorder.live import Histogram, LiveNumbers, TargetNumbers
from sparring.recorder.resources import ResourceLog

_TARGET = ["target", "role"]
_CELLS = ("both_right", "baseline_only", "candidate_only", "neither")
_USAGE = (
    ("cpu_s", "sparring_target_cpu_seconds", "CPU time of the target's processes"),
    ("rss_bytes", "sparring_target_resident_memory_bytes", "Resident memory of the target's processes"),
    ("open_files", "sparring_target_open_files", "Open file handles of the target's processes"),
    ("threads", "sparring_target_threads", "Threads of the target's processes"),
)


class RecorderCollector(Collector):
    """What `/metrics` of the recorder says."""

    def __init__(self, *, live: LiveNumbers, converters: Iterable[Converter], resources: ResourceLog) -> None:
        self._live = live
        self._converters = converters
        self._resources = resources

    def collect(self) -> Iterator[Metric]:
        """All families, fresh."""
        targets = list(self._live.targets.values())
        yield from _exchanges(targets)
        yield from _accuracy(targets)
        yield self._pairs()
        yield from self._usage()
        yield from self._journal()

    def _pairs(self) -> Metric:
        family = CounterMetricFamily(
            "sparring_pairs_right", "Clean labelled pairs by which arm was right", labels=["cell"]
        )
        for cell in _CELLS:
            family.add_metric([cell], getattr(self._live.pairs, cell))
        return family

    def _usage(self) -> Iterator[Metric]:
        for field, name, text in _USAGE:
            make = CounterMetricFamily if field == "cpu_s" else GaugeMetricFamily
            family = make(name, text, labels=["target"])
            for target, usage in self._resources.latest.items():
                value = getattr(usage, field)
                if value is not None:
                    family.add_metric([target], value)
            yield family

    def _journal(self) -> Iterator[Metric]:
        converters = list(self._converters)
        unread = sum(converter.unread_bytes() for converter in converters)
        yield GaugeMetricFamily(
            "sparring_journal_unread_bytes", "Journal segments not yet Parquet", value=unread
        )
        yield CounterMetricFamily(
            "sparring_recorder_rows", "Exchange rows converted", value=sum(c.rows_written for c in converters)
        )
        damaged = sum(converter.losses.damaged_bytes for converter in converters)
        yield CounterMetricFamily(
            "sparring_journal_damaged_bytes", "Journal bytes that were damaged", value=damaged
        )
        missing = sum(converter.losses.missing_records for converter in converters)
        yield CounterMetricFamily(
            "sparring_journal_missing_records", "Records missing by number", value=missing
        )
        troubled = any(converter.trouble for converter in converters)
        yield GaugeMetricFamily(
            "sparring_recorder_blocked",
            "1 while Parquet cannot be written (a full disk)",
            value=float(troubled),
        )


def _exchanges(targets: list[TargetNumbers]) -> Iterator[Metric]:
    outcomes = CounterMetricFamily("sparring_exchanges", "Exchanges by outcome", labels=[*_TARGET, "outcome"])
    latency = HistogramMetricFamily(
        "sparring_latency_seconds",
        "From the instant a request was due to its answer's last byte",
        labels=_TARGET,
    )
    service = HistogramMetricFamily(
        "sparring_service_time_seconds", "From sending a request to its answer's last byte", labels=_TARGET
    )
    for target in targets:
        labels = [target.target, target.role]
        for outcome, count in target.outcomes.items():
            outcomes.add_metric([*labels, outcome], count)
        latency.add_metric(labels, _buckets(target.latency), target.latency.sum_s)
        service.add_metric(labels, _buckets(target.service), target.service.sum_s)
    yield from (outcomes, latency, service)


def _accuracy(targets: list[TargetNumbers]) -> Iterator[Metric]:
    labelled = CounterMetricFamily(
        "sparring_labelled", "Clean answers whose request has a label", labels=_TARGET
    )
    right = CounterMetricFamily("sparring_right", "Clean answers that equal the label", labels=_TARGET)
    faulted = CounterMetricFamily("sparring_faulted", "Exchanges that a fault touched", labels=_TARGET)
    for target in targets:
        labels = [target.target, target.role]
        labelled.add_metric(labels, target.labelled)
        right.add_metric(labels, target.right)
        faulted.add_metric(labels, target.faulted)
    yield from (labelled, right, faulted)


def _buckets(histogram: Histogram) -> list[tuple[str, float]]:
    reached, buckets = 0, []
    for bound, count in zip((*histogram.bounds_s, float("inf")), histogram.counts, strict=True):
        reached += count
        buckets.append(("+Inf" if bound == float("inf") else str(bound), float(reached)))
    return buckets
