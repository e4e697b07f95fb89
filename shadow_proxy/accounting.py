"""What is counted, and the identities that must hold at every instant.

Knows the names of all cells and what they add up to; refuses to know sockets. For every shadow target

    requests = mirrored + dropped{reason} + undecided

and for every target

    sent = ok + error{kind} + timeout + cancelled + in flight.

While a canary runs, each arm answers some requests and is the shadow for the others; then, for both,

    requests = primary + mirrored + dropped{reason} + undecided, and sent = primary + mirrored.

Only cumulative numbers are stored, each bumped once, so that no reader ever sees half of a move: what is in
flight or undecided is the difference of two of them, zero when the proxy is at rest. Rows of a worker that
was killed are settled once: what it had begun is `lost`, what it had not decided is `dropped{lost}`. Workers
count through `TargetTally`; the parent reads the sums; tests ask `problems`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from recording.exchange import Outcome
from shadow_proxy.counters import CounterRow

LOST: Final = "lost"
ENDINGS: Final = (*(outcome.value for outcome in Outcome), LOST)
DROP_REASONS: Final = (
    "not_sampled",
    "unsafe_method",
    "unsafe_route",
    "ejected",
    "not_adaptable",
    "too_large",
    "copy_budget",
    "queue_full",
    "queue_timeout",
    "draining",
    "client_gone",
    "body_incomplete",
    LOST,
)
# The k-th bucket holds service times below 2**k units and not in one before; the last holds the rest.
SERVICE_BUCKETS: Final = 28
SERVICE_UNIT_BITS: Final = 10
SERVICE_UNIT_NS: Final = 1 << SERVICE_UNIT_BITS
CLIENT_CELLS: Final = (
    "requests",
    "client/connections",
    "client/closed",
    "client/refused_requests",
    "client/refused_connections",
    "client/shed",
    "client/gone",
    "client/unserved",
    "client/unfaulted_too_large",
    "client/looped",
)
JOURNAL_CELLS: Final = ("journal/records", "journal/dropped", "access_log/dropped")
FAULT_CELLS: Final = (
    "matched",
    "skipped_window",
    "skipped_probability",
    "skipped_limit",
    "selected",
    "applied",
    "injected",
    "skipped_not_applicable",
    "failed",
)


def layout(*, targets: Iterable[str], faults: Iterable[str] = ()) -> tuple[str, ...]:
    """The names of all cells, what starts before what ends."""
    names = [*CLIENT_CELLS, *JOURNAL_CELLS]
    for target in targets:
        cells = (
            "primary",
            "mirrored",
            *ENDINGS,
            *(f"dropped/{reason}" for reason in DROP_REASONS),
            "opened",
            "repeated",
            "ejected",
            "readmitted",
            "service_ns",
        )
        names += [f"target/{target}/{cell}" for cell in cells]
        names += [f"target/{target}/service/{bucket}" for bucket in range(SERVICE_BUCKETS)]
    names += [f"fault/{fault}/{cell}" for fault in faults for cell in FAULT_CELLS]
    return tuple(names)


class TargetTally:
    """Where one target's exchanges are counted, in one worker."""

    __slots__ = (
        "_dropped",
        "_ejected",
        "_endings",
        "_mirrored",
        "_opened",
        "_primary",
        "_readmitted",
        "_repeated",
        "_row",
        "_service",
        "_service_ns",
    )

    def __init__(self, row: CounterRow, *, target: str) -> None:
        self._row = row
        self._primary = row.at(f"target/{target}/primary")
        self._mirrored = row.at(f"target/{target}/mirrored")
        self._repeated = row.at(f"target/{target}/repeated")
        self._ejected = row.at(f"target/{target}/ejected")
        self._readmitted = row.at(f"target/{target}/readmitted")
        self._opened = row.at(f"target/{target}/opened")
        self._service_ns = row.at(f"target/{target}/service_ns")
        self._service = row.at(f"target/{target}/service/0")
        self._endings = {ending: row.at(f"target/{target}/{ending}") for ending in ENDINGS}
        self._dropped = {reason: row.at(f"target/{target}/dropped/{reason}") for reason in DROP_REASONS}

    def began_primary(self) -> None:
        """An exchange was begun whose answer the client gets."""
        self._row.add(self._primary)

    def began_copy(self) -> None:
        """A request was mirrored."""
        self._row.add(self._mirrored)

    def ended(self, outcome: str, *, service_ns: int) -> None:
        """It ended so, after that long."""
        row = self._row
        row.add(self._endings[outcome])
        row.add(self._service_ns, service_ns)
        bucket = (service_ns >> SERVICE_UNIT_BITS).bit_length()
        row.add(self._service + (bucket if bucket < SERVICE_BUCKETS else SERVICE_BUCKETS - 1))

    def dropped(self, reason: str) -> None:
        """A request that this target does not get."""
        self._row.add(self._dropped[reason])

    def opened(self) -> None:
        """A connection was established."""
        self._row.add(self._opened)

    def in_flight(self) -> int:
        """Begun and not ended, by the counts alone."""
        cells = self._row.cells
        begun = cells[self._primary] + cells[self._mirrored]
        return begun - sum(cells[at] for at in self._endings.values())

    def repeated(self) -> None:
        """A request was sent once more, since the connection had been closed before it was taken."""
        self._row.add(self._repeated)

    def breaker_changed(self, *, ejected: bool) -> None:
        """A worker has ejected or readmitted this shadow."""
        self._row.add(self._ejected if ejected else self._readmitted)


_SUMS: Final = (
    "requests",
    "sent",
    "primary",
    "mirrored",
    "in_flight",
    "undecided",
    "connections_opened",
    "repeated",
    "ejected",
    "readmitted",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetAccount:
    """One target's numbers, added up over all workers."""

    role: str
    requests: int
    sent: int
    primary: int
    mirrored: int
    endings: Mapping[str, int]
    dropped: Mapping[str, int]
    in_flight: int
    undecided: int
    connections_opened: int
    repeated: int
    ejected: int
    readmitted: int

    def problems(self, name: str) -> list[str]:
        """The identities that do not hold, in words."""
        found = []
        if self.in_flight < 0:
            found.append(f"{name}: {self.sent} sent, {sum(self.endings.values())} ended")
        if self.undecided < 0:
            found.append(f"{name}: {self.requests} requests, {self.sent} sent, dropped {dict(self.dropped)}")
        return found


def target_account(totals: Mapping[str, int], *, target: str, role: str) -> TargetAccount:
    """The account of one target from the sums of all cells."""

    def cell(name: str) -> int:
        return totals[f"target/{target}/{name}"]

    endings = {ending: cell(ending) for ending in ENDINGS}
    dropped = {reason: cell(f"dropped/{reason}") for reason in DROP_REASONS}
    primary, mirrored = cell("primary"), cell("mirrored")
    sent = primary + mirrored
    return TargetAccount(
        role=role,
        requests=totals["requests"],
        sent=sent,
        primary=primary,
        mirrored=mirrored,
        endings=endings,
        dropped=dropped,
        in_flight=sent - sum(endings.values()),
        undecided=totals["requests"] - sent - sum(dropped.values()),
        connections_opened=cell("opened"),
        repeated=cell("repeated"),
        ejected=cell("ejected"),
        readmitted=cell("readmitted"),
    )


def merged(one: TargetAccount, other: TargetAccount) -> TargetAccount:
    """The account of a target over two configurations, each of which had it."""
    numbers = {name: getattr(one, name) + getattr(other, name) for name in _SUMS}
    return TargetAccount(
        role=other.role,
        endings={name: count + other.endings[name] for name, count in one.endings.items()},
        dropped={name: count + other.dropped[name] for name, count in one.dropped.items()},
        **numbers,
    )


def settle(row: CounterRow, *, targets: Iterable[str]) -> None:
    """Close the account of a worker that is dead: what it left open was lost."""
    values = row.values()
    for target in targets:
        account = target_account(values, target=target, role="")
        row.cells[row.at(f"target/{target}/{LOST}")] += account.in_flight
        row.cells[row.at(f"target/{target}/dropped/{LOST}")] += account.undecided
        row.cells[row.at(f"target/{target}/readmitted")] += account.ejected - account.readmitted
    row.cells[row.at("client/closed")] = row.cells[row.at("client/connections")]
