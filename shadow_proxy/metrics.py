"""The account as Prometheus metrics.

Knows metric names and labels; refuses to know HTTP. Nothing is counted here: each scrape turns the sums of
the cells into families. Labels are names from the configuration, never anything a client sent.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from scenarios.scenario import Scenario
from shadow_proxy.account_document import fault_counts
from shadow_proxy.accounting import (
    ENDINGS,
    SERVICE_BUCKETS,
    SERVICE_UNIT_NS,
    TargetAccount,
)
from shadow_proxy.deadlines import NS_PER_S

_TARGET = ("target", "role")
_TEXTS = {
    "requests": "Requests taken up",
    "client/connections": "Client connections accepted",
    "client/closed": "Client connections closed",
    "client/refused_requests": "Requests refused by the proxy itself: malformed, or over a limit",
    "client/refused_connections": "Client connections refused: over the cap, or while draining",
    "client/shed": "Requests answered 503 because the queue of the primary was full",
    "client/gone": "Clients that left before their answer",
    "client/unserved": "Requests taken up and never sent to the primary",
    "client/unfaulted_too_large": "Requests chosen for a payload fault but too large to hold",
    "journal/records": "Records appended to the journal",
    "journal/dropped": "Records lost to a full disk or the cap on unread bytes",
    "client/looped": "Requests refused because they had come through here too often",
    "access_log/dropped": "Lines lost to a full disk or a slow one",
}


class Counted(Protocol):
    """What was counted: `books.Books`."""

    @property
    def scenario(self) -> Scenario | None:
        """Whose faults are counted."""

    def totals(self) -> Mapping[str, int]:
        """Every cell with its sum."""

    def accounts(self) -> Mapping[str, TargetAccount]:
        """Every target's account."""


class ProxyCollector(Collector):
    """`restarts` is the number of workers that were started again, `shares` are those in force."""

    def __init__(
        self,
        counted: Counted,
        *,
        restarts: Callable[[], int],
        shares: Callable[[], Mapping[str, float]],
    ) -> None:
        self._counted = counted
        self._restarts = restarts
        self._shares = shares

    def collect(self) -> Iterator[Metric]:
        """All families of one reading."""
        totals = self._counted.totals()
        by_target = self._counted.accounts()
        for cell, text in _TEXTS.items():
            name = f"sparring_proxy_{cell.replace('/', '_')}"
            yield CounterMetricFamily(name, text, value=totals[cell])
        yield CounterMetricFamily(
            "sparring_proxy_worker_restarts", "Workers that died", value=self._restarts()
        )
        yield self._share_family()
        yield from _exchange_families(by_target)
        yield self._service(totals, by_target)
        yield self._faults(totals)

    def _share_family(self) -> Metric:
        family = GaugeMetricFamily("sparring_proxy_share", "Shares of requests in force", labels=("of",))
        for name, share in self._shares().items():
            family.add_metric((name,), share)
        return family

    def _service(self, totals: Mapping[str, int], by_target: Mapping[str, TargetAccount]) -> Metric:
        family = HistogramMetricFamily(
            "sparring_proxy_service_seconds", "Service time, from sent to done", labels=_TARGET
        )
        for name, account in by_target.items():
            counts = [totals[f"target/{name}/service/{bucket}"] for bucket in range(SERVICE_BUCKETS)]
            edges = [str(2**bucket * SERVICE_UNIT_NS / NS_PER_S) for bucket in range(SERVICE_BUCKETS - 1)] + [
                "+Inf"
            ]
            below = [(edge, sum(counts[: at + 1])) for at, edge in enumerate(edges)]
            family.add_metric(
                (name, account.role), buckets=below, sum_value=totals[f"target/{name}/service_ns"] / NS_PER_S
            )
        return family

    def _faults(self, totals: Mapping[str, int]) -> Metric:
        family = CounterMetricFamily(
            "sparring_proxy_faults", "Faults by what became of them", labels=("fault", "count")
        )
        for fault, counts in fault_counts(totals, self._counted.scenario).items():
            for count, value in counts.items():
                family.add_metric((fault, count), value)
        return family


def _exchange_families(by_target: Mapping[str, TargetAccount]) -> Iterator[Metric]:
    sent = CounterMetricFamily("sparring_proxy_sent", "Exchanges begun", labels=_TARGET)
    primary = CounterMetricFamily(
        "sparring_proxy_primary", "Begun, and answered to the client", labels=_TARGET
    )
    repeated = CounterMetricFamily("sparring_proxy_repeated", "Sent once more, untaken", labels=_TARGET)
    ejections = CounterMetricFamily("sparring_proxy_ejections", "Times a worker ejected it", labels=_TARGET)
    ejected = GaugeMetricFamily("sparring_proxy_ejected", "Workers that send it no copies", labels=_TARGET)
    ended = CounterMetricFamily("sparring_proxy_ended", "Exchanges ended", labels=(*_TARGET, "outcome"))
    dropped = CounterMetricFamily("sparring_proxy_dropped", "Requests not sent", labels=(*_TARGET, "reason"))
    opened = CounterMetricFamily("sparring_proxy_connections_opened", "Connections made", labels=_TARGET)
    in_flight = GaugeMetricFamily("sparring_proxy_in_flight", "Begun and not ended", labels=_TARGET)
    undecided = GaugeMetricFamily("sparring_proxy_undecided", "Neither begun nor dropped", labels=_TARGET)
    for name, account in by_target.items():
        labels = (name, account.role)
        sent.add_metric(labels, account.sent)
        primary.add_metric(labels, account.primary)
        repeated.add_metric(labels, account.repeated)
        ejections.add_metric(labels, account.ejected)
        ejected.add_metric(labels, account.ejected - account.readmitted)
        opened.add_metric(labels, account.connections_opened)
        in_flight.add_metric(labels, account.in_flight)
        undecided.add_metric(labels, account.undecided)
        for outcome in ENDINGS:
            ended.add_metric((*labels, outcome), account.endings[outcome])
        for reason, count in account.dropped.items():
            dropped.add_metric((*labels, reason), count)
    yield from (sent, primary, ended, dropped, opened, repeated, ejections, ejected, in_flight, undecided)
