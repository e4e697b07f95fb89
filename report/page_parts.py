"""The page's parts as small tables of text, ready for the template.

Knows which numbers stand in which table and in what order; refuses to know HTML. Called by `html.py`; pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from judge.status import Status
from recording.exchange import Role
from report.criteria import Shown, show
from report.exchange_facts import Target, Timing
from report.facts import RunFacts, Traffic
from report.json_door import Json, flattened, inner, number, objects, text, whole
from report.verdict_file import Result
from report.wording import ABSENT, by_name, count, duration, of_whole, rate, significant

_ROLES = ("primary", "guardrail", "info")
_OUTSIDE = {"accounting", "events", "name", "notes", "engine", "version"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A number to be seen first, with its name and a note."""

    name: str
    value: str
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A head and rows of text; `unknown` stands in its place if there are no rows."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def title_of(facts: RunFacts) -> str:
    """The run's own name, or its folder's."""
    return text(facts.manifest, "name") or facts.name


def notes_of(facts: RunFacts) -> str:
    """What was written down about the candidate before the run."""
    return text(facts.manifest, "notes")


def reasons_of(facts: RunFacts) -> tuple[str, ...]:
    """The judge's reasons; a PASS whose reasons are all of its criteria's sentences is said in one."""
    verdict = facts.verdict
    proven = [result for result in verdict.results if result.sentence in verdict.reasons]
    if verdict.verdict != Status.PASS or len(proven) != len(verdict.reasons):
        return verdict.reasons
    names = ", ".join(result.name for result in proven)
    return (f"All {len(proven)} criteria that decide hold: {names}.",)


def key_figures(facts: RunFacts) -> tuple[Figure, ...]:
    """Pairs, requests and length of the run."""
    pairs = facts.verdict.pairs
    total, complete, labelled = (whole(pairs, key) for key in ("total", "complete", "labelled"))
    requests = max((target.requests for target in facts.exchanges.targets), default=None)
    achieved = number(inner(facts.verdict.self_tests, "fidelity"), "achieved_rate_per_s")
    line = facts.timeline
    return (
        Figure(name="complete pairs", value=count(complete), note=f"of {count(total)}"),
        Figure(name="labelled pairs", value=count(labelled), note=of_whole(labelled or 0, complete or 0)),
        Figure(name="requests", value=count(requests), note=f"{rate(achieved)} on average"),
        Figure(
            name="length",
            value=duration(line.last_ns - line.first_ns if line else None),
            note="of traffic, to the last answer",
        ),
    )


def overall(facts: RunFacts) -> tuple[Shown, ...]:
    """Criteria over all requests: those that decide first."""
    return tuple(map(show, _in_order(result for result in facts.verdict.results if not result.slice)))


def sliced(facts: RunFacts) -> tuple[Shown, ...]:
    """Criteria over slices, by slice."""
    return tuple(map(show, _in_order(result for result in facts.verdict.results if result.slice)))


def _in_order(results: Iterable[Result]) -> list[Result]:
    known = {role: place for place, role in enumerate(_ROLES)}
    return sorted(results, key=lambda result: known.get(result.role, len(_ROLES)))


def outcomes(traffic: Traffic) -> Table:
    """Outcomes by target, with those under injected faults behind a plus sign."""
    names = [target.name for target in traffic.targets]
    found: dict[str, dict[str, str]] = {}
    for ending in traffic.endings:
        shown = count(ending.clean) + (f" + {count(ending.faulted)} under faults" if ending.faulted else "")
        found.setdefault(ending.outcome, {})[ending.target] = shown
    rows = [(outcome, *(counts.get(name, "0") for name in names)) for outcome, counts in found.items()]
    rows.append(("all", *(count(target.requests) for target in traffic.targets)))
    rows.append(("failed, of what was sent", *(_failed(target) for target in traffic.targets)))
    return Table(head=("outcome", *names), rows=tuple(rows) if found else ())


def _failed(target: Target) -> str:
    return of_whole(target.failed, target.ok + target.failed)


def timings(timings: tuple[Timing, ...]) -> Table:
    """Percentiles of latency and service time by target, apart without and under faults."""
    mixed = any(timing.faulted for timing in timings)
    rows = (
        (
            timing.target,
            *((_which(timing),) if mixed else ()),
            count(timing.timed),
            duration(timing.latency.p50_ns),
            duration(timing.latency.p90_ns),
            duration(timing.latency.p99_ns),
            duration(timing.longest_ns),
            duration(timing.service.p50_ns),
            duration(timing.service.p99_ns),
        )
        for timing in timings
    )
    head = ("target", *(("exchanges",) if mixed else ()), "timed", "p50", "p90", "p99", "longest")
    return Table(head=(*head, "service p50", "service p99"), rows=tuple(rows))


def _which(timing: Timing) -> str:
    if timing.role == Role.CLIENT:
        return "all"
    return "under faults" if timing.faulted else "without faults"


def first_tokens(timings: tuple[Timing, ...]) -> Table:
    """Time to the first piece of streamed answers, where any were streamed."""
    rows = tuple(
        (
            timing.target,
            _which(timing),
            duration(timing.first_token.p50_ns),
            duration(timing.first_token.p90_ns),
            duration(timing.first_token.p99_ns),
        )
        for timing in timings
        if timing.first_token.p50_ns is not None
    )
    return Table(head=("target", "exchanges", "p50", "p90", "p99"), rows=rows)


def faults(facts: RunFacts) -> Table:
    """Every fault with its window and exact counts."""
    rows = (
        (
            fault.id,
            fault.type,
            fault.target,
            f"{duration(fault.start_ns)} to {duration(fault.end_ns)}",
            count(fault.matched),
            count(fault.selected),
            count(fault.injected),
            count(fault.skipped_not_applicable),
            count(fault.failed),
        )
        for fault in facts.faults
    )
    head = (
        "fault",
        "type",
        "on",
        "window",
        "matched",
        "selected",
        "copies struck",
        "not applicable",
        "failed",
    )
    return Table(head=head, rows=tuple(rows))


def events(facts: RunFacts) -> Table:
    """What happened to the run itself: processes that died, caps that were breached."""
    rows = (
        (duration(whole(event, "at_ns")), text(event, "kind"), text(event, "target"), text(event, "detail"))
        for event in objects(facts.manifest, "events")
    )
    return Table(head=("when", "what", "who", "detail"), rows=tuple(rows))


def named_numbers(source: Json) -> Table:
    """A JSON object's leaves with their units."""
    rows = tuple(
        by_name(".".join(path), value) for path, value in _leaves(source, path=()) if value is not None
    )
    return Table(head=("", ""), rows=rows)


def _leaves(source: object, *, path: tuple[str, ...]) -> Iterable[tuple[tuple[str, ...], object]]:
    if isinstance(source, dict):
        for key, value in source.items():
            yield from _leaves(value, path=(*path, str(key)))
    elif isinstance(source, list):
        yield path, ", ".join(map(str, source)) or ABSENT
    else:
        yield path, source


def planned_and_sent(facts: RunFacts) -> Table:
    """The load as it was planned beside the load as it was sent, by the judge's measure."""
    found = inner(facts.verdict.self_tests, "fidelity")
    if not found:
        return Table(head=(), rows=())
    rates = (rate(number(found, f"{name}_rate_per_s")) for name in ("requested", "achieved"))
    spreads = (significant(number(found, f"cv_{name}")) for name in ("planned", "sent"))
    planned, sent = inner(found, "dispersion_planned"), inner(found, "dispersion_sent")
    windows = (
        (f"burstiness in windows of {name} s", *(significant(number(one, name)) for one in (planned, sent)))
        for name in planned
    )
    rows = (
        ("requests", count(whole(found, "planned")), count(whole(found, "sent"))),
        ("rate", *rates),
        ("spread of gaps (0 even, 1 random)", *spreads),
        *windows,
    )
    return Table(head=("", "planned", "sent"), rows=rows)


def lags(facts: RunFacts) -> Table:
    """How late requests were sent over the whole run, by the judge's measure."""
    found = inner(facts.verdict.self_tests, "fidelity")
    names = ("p50", "p90", "p99", "max")
    values = [number(found, f"lag_{name}_ms") for name in names]
    shown = tuple(duration(value * 1e6 if value is not None else None) for value in values)
    rows = (("lag", *shown),) if found else ()
    return Table(head=("", *names), rows=rows)


def other_self_tests(facts: RunFacts) -> tuple[tuple[str, Table], ...]:
    """The judge's further tests of the measurement."""
    return tuple(
        (name.replace("_", " "), named_numbers(inner(facts.verdict.self_tests, name)))
        for name in facts.verdict.self_tests
        if name != "fidelity"
    )


def provenance(facts: RunFacts) -> Table:
    """What ran: the manifest's leaves, then the verdict's own digests."""
    manifest = {key: value for key, value in facts.manifest.items() if key not in _OUTSIDE}
    verdict = {
        "verdict.version": facts.verdict.version,
        "verdict.seed": facts.verdict.seed,
        "verdict.criteria_digest": facts.verdict.criteria_digest,
        "verdict.data_digest": facts.verdict.data_digest,
        "verdict.expires": facts.verdict.expires or ABSENT,
    }
    return Table(head=("", ""), rows=(*flattened(manifest), *verdict.items()))
