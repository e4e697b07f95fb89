"""The report for a terminal: verdict, reasons, one sentence a criterion, what is missing. Under 80 lines.

Knows lines and how many of them a person reads; refuses to compute facts and to colour (the command line
may). What does not fit is counted, never dropped silently; criteria that did not pass come first, and a
reason that is a criterion's own sentence is said once, there.
"""

import textwrap
from collections.abc import Iterable, Mapping
from pathlib import Path

from judge.status import Status
from report.facts import RunFacts, Traffic, gather
from report.glossary import VERDICTS
from report.identities import identities_of
from report.page_parts import title_of
from report.verdict_file import VerdictFacts, verdict_from
from report.wording import count, duration, of_whole

WIDTH = 100
_REASON_LINES, _RESULT_LINES, _TARGET_LINES, _SUM_LINES, _GAP_LINES = 12, 36, 8, 6, 8
_WORST_FIRST = ("INVALID", "FAIL", "HOLD", "PASS", "INFO")


def as_text(folder: Path) -> str:
    """The report of the run in `folder`."""
    return render(gather(folder))


def render(facts: RunFacts) -> str:
    """The same from facts."""
    broken = [identity for identity in identities_of(facts) if not identity.holds]
    sections = (
        [f"{title_of(facts)}"],
        _verdict(facts.verdict),
        _traffic(facts.exchanges),
        _kept(
            [f"! {one.about}: {one.sentence}" for one in broken], _SUM_LINES, what="sums that are not even"
        ),
        _kept([f"- {gap.what} {gap.why}" for gap in facts.missing], _GAP_LINES, what="gaps"),
    )
    return "\n\n".join("\n".join(section) for section in sections if section)


def verdict_text(document: Mapping[str, object]) -> str:
    """The verdict alone, from what the judge returns."""
    return "\n".join(_verdict(verdict_from(document)))


def _verdict(verdict: VerdictFacts) -> list[str]:
    lines = _wrapped(
        f"{verdict.verdict}  {VERDICTS[verdict.verdict]}", indent=" " * (len(verdict.verdict) + 2)
    )
    sentences = {result.sentence for result in verdict.results}
    reasons = [f"- {reason}" for reason in verdict.reasons if reason not in sentences]
    lines += _kept(reasons, _REASON_LINES, what="reasons")
    results = sorted(verdict.results, key=lambda result: _place(result.status))
    said = [f"{result.status:<8}{result.sentence or result.name}" for result in results]
    if said:
        lines += ["", *_kept(said, _RESULT_LINES, what="criteria", indent=" " * 8)]
    if verdict.verdict == Status.HOLD and verdict.pairs_needed:
        eta = f", in about {duration(verdict.eta_s * 1e9)} at this rate" if verdict.eta_s else ""
        lines += ["", f"About {count(verdict.pairs_needed)} more pairs would decide it{eta}."]
    return lines


def _place(status: str) -> int:
    return _WORST_FIRST.index(status) if status in _WORST_FIRST else 0


def _traffic(traffic: Traffic) -> list[str]:
    clean = {(timing.target, timing.role): timing for timing in traffic.timings if not timing.faulted}
    lines = []
    for target in traffic.targets:
        timing = clean.get((target.name, target.role))
        times = (
            f"p50 {duration(timing.latency.p50_ns)}, p99 {duration(timing.latency.p99_ns)}"
            if timing
            else "not timed"
        )
        failed = of_whole(target.failed, target.ok + target.failed)
        lines.append(
            f"{_named(target.name, role=target.role)}: {count(target.requests)} requests, {failed} failed, "
            f"{count(target.dropped)} dropped, {times}"
        )
    return _kept(lines, _TARGET_LINES, what="targets")


def _named(name: str, *, role: str) -> str:
    return name if name == role else f"{role} {name}"


def _kept(lines: Iterable[str], most: int, *, what: str, indent: str = "  ") -> list[str]:
    """As many whole entries as fit into `most` lines, and how many more there are."""
    entries = [_wrapped(line, indent=indent) for line in lines]
    kept: list[str] = []
    for place, entry in enumerate(entries):
        if len(kept) + len(entry) > most - 1 and len(kept) + sum(map(len, entries[place:])) > most:
            return [*kept, f"({len(entries) - place} more {what}; the page has them all)"]
        kept += entry
    return kept


def _wrapped(line: str, *, indent: str) -> list[str]:
    return textwrap.wrap(line, WIDTH, subsequent_indent=indent, break_on_hyphens=False, max_lines=4) or [""]
