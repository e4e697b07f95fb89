"""The judge's tests of the measurement itself, run before any criterion is believed.

Knows where each test takes its numbers from, and gathers every reason for INVALID; refuses to know criteria's
results. Called by `judge.verdict`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow.compute as pc

from judge.completeness import Completeness, LabelJoin, completeness, label_join
from judge.criteria import Criteria
from judge.exchanges import open_exchanges
from judge.fidelity import SHED, Fidelity, fidelity
from judge.measurement import Measurement
from judge.soundness import completeness_problems, event_problems, fidelity_problems, label_problems
from recording.exchange import dropped
from recording.run_folder import RunFolder

Manifest = Mapping[str, Any]  # Any: JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTests:
    """What each test found, and why the measurement cannot be trusted, if it cannot."""

    fidelity: Fidelity | None
    completeness: Completeness
    label_join: LabelJoin
    problems: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """The `self_tests` of verdict.json."""
        return {
            "fidelity": self.fidelity.as_json() if self.fidelity else None,
            "completeness": self.completeness.as_json(),
            "label_join": self.label_join.as_json(),
        }


def run_self_tests(
    folder: RunFolder, measured: Measurement, *, criteria: Criteria, manifest: Manifest
) -> SelfTests:
    """Run them all."""
    sent = fidelity_of_run(folder)
    pairs = completeness(
        measured.kinds,
        baseline=measured.arms.baseline,
        candidate=measured.arms.candidate,
        allowed_share=1.0 - criteria.min_completeness,
    )
    labels = label_join(measured.kinds)
    problems = (
        *event_problems(manifest.get("events") or []),
        *measured.arms.problems,
        *_row_problems(measured),
        *completeness_problems(pairs, criteria),
        *label_problems(labels, criteria),
        *_engine_problems(manifest, sent),
        *fidelity_problems(sent, criteria.fidelity),
    )
    return SelfTests(fidelity=sent, completeness=pairs, label_join=labels, problems=problems)


def fidelity_of_run(folder: RunFolder) -> Fidelity | None:
    """From the replay engine's own rows; None where no engine was at work."""
    if not folder.exchange_files("client"):
        return None
    with open_exchanges(folder.path, kind="client") as rows:
        instants = rows.arrow(rows.table.select("due_ns", "sent_ns", "outcome"))
    shed = pc.equal(instants.column("outcome"), dropped("shed"))
    sent_ns = pc.if_else(shed, SHED, instants.column("sent_ns"))
    return fidelity(due_ns=instants.column("due_ns").to_numpy(), sent_ns=sent_ns.to_numpy())


def _engine_problems(manifest: Manifest, sent: Fidelity | None) -> Iterator[str]:
    if manifest.get("profile") and sent is None:
        yield "the replay engine left no rows (client/*.parquet): nothing shows that it kept time"


def _row_problems(measured: Measurement) -> Iterator[str]:
    if not measured.kinds.pairs.size:
        yield f"no rows of {measured.arms.baseline!r} and {measured.arms.candidate!r} at all"
    if measured.duplicate is not None:
        yield (
            f"request {measured.duplicate!r} has more than one row of a target: were two runs mixed, or "
            "ids used twice?"
        )
