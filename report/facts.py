"""Everything a report says of a run, as values, from the files in its folder alone.

Knows which file answers which question and what to say when it is missing; refuses to know how facts are
shown. Every form of the report (text, page, JSON, JUnit) shows these same facts. Only `verdict.json` is
required: without a verdict there is nothing to report.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from recording.errors import InputError
from recording.run_folder import RunFolder
from report.exchange_facts import (
    Ending,
    Series,
    Target,
    Timeline,
    Timing,
    endings_of,
    series_of,
    targets_of,
    timeline_of,
    timings_of,
)
from report.fault_facts import Fault, faults_of
from report.json_door import Json, inner, read_object
from report.resource_facts import TargetUse, resources_of
from report.safe_text import printable
from report.tables import Missing, Tables, open_tables
from report.verdict_file import VerdictFacts, read_verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What one kind of rows says: the targets' exchanges, or the client's own."""

    targets: tuple[Target, ...]
    endings: tuple[Ending, ...]
    timings: tuple[Timing, ...]
    series: tuple[Series, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """One run, ready to be shown; `missing` names what could not be read."""

    name: str
    verdict: VerdictFacts
    manifest: Json
    accounting: Json
    timeline: Timeline | None
    exchanges: Traffic
    client: Traffic
    faults: tuple[Fault, ...]
    resources: tuple[TargetUse, ...]
    missing: tuple[Missing, ...]

    def missing_in(self, *parts: str) -> tuple[Missing, ...]:
        """What is missing of some parts of the report."""
        return tuple(missing for missing in self.missing if missing.part in parts)


def gather(folder: Path) -> RunFacts:
    """The facts of the run in `folder`; `InputError` if it has no verdict that can be read."""
    run = RunFolder(folder)
    verdict = read_verdict(run.verdict)
    with open_tables(run) as tables:
        manifest = _maybe_object(tables, part="manifest", path=run.manifest)
        accounting = inner(manifest, "accounting") or _maybe_object(
            tables, part="accounting", path=run.accounting
        )
        timeline = timeline_of(tables)
        return RunFacts(
            name=printable(folder.resolve().name),
            verdict=verdict,
            manifest=manifest,
            accounting=accounting,
            timeline=timeline,
            exchanges=_traffic(tables, view="exchanges", timeline=timeline),
            client=_traffic(tables, view="client", timeline=timeline),
            faults=faults_of(tables),
            resources=resources_of(tables, timeline=timeline) if timeline else (),
            missing=_gaps(tables.missing, manifest=manifest),
        )


def _traffic(tables: Tables, *, view: str, timeline: Timeline | None) -> Traffic:
    return Traffic(
        targets=targets_of(tables, view=view),
        endings=endings_of(tables, view=view),
        timings=timings_of(tables, view=view),
        series=series_of(tables, view=view, timeline=timeline) if timeline else (),
    )


_ABSENT = {
    "manifest": "is not there: versions, seeds and machine are not known",
    "accounting": "is not there: the proxy's own counts are not known",
}


def _gaps(found: Iterable[Missing], *, manifest: Json) -> tuple[Missing, ...]:
    """What is missing; a run whose manifest says that it had no scenario does not lack its counts."""
    without_scenario = "scenario_digest" in manifest and manifest["scenario_digest"] is None
    return tuple(gap for gap in found if not (gap.part == "faults" and without_scenario))


def _maybe_object(tables: Tables, *, part: str, path: Path) -> Json:
    """The JSON object in `path`, or an empty one and a note that says why."""
    if not path.exists():
        tables.note(part, what=path.name, why=_ABSENT[part])
        return {}
    try:
        return read_object(path, fix="")
    except InputError as error:
        tables.note(part, what=path.name, why=error.problem)
        return {}
