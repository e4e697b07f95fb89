"""A folder and criteria in, a verdict with reasons out.

Knows the order of work: open, choose the arms, count once, test the measurement, judge each criterion,
combine. Refuses to know formulas and rows. Nothing but evidence makes PASS: an unsound measurement is
INVALID whatever the numbers say, a failed computation is INVALID, too little data HOLDs, and an interrupted
run is HOLD at best. The same rows, criteria and seed give the same verdict bit for bit, however rows are
ordered and cut into files. Called by the command line and at the end of a run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from judge.arms import choose_arms
from judge.criteria import Criteria
from judge.exchanges import data_digest, open_exchanges
from judge.judging import judge_criteria
from judge.measurement import Measurement, measure
from judge.result import Result
from judge.self_tests import run_self_tests
from judge.soundness import event_problems
from judge.status import EXIT_CODES, Status, combine
from recording.errors import InputError
from recording.run_folder import RunFolder, write_json

VERDICT_VERSION = 1
Manifest = Mapping[str, Any]  # Any: JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was decided, why, and from what. `expires` is None where no manifest says when the run was."""

    verdict: Status
    reasons: tuple[str, ...]
    criteria_digest: str
    data_digest: str
    seed: int
    pairs: dict[str, int]
    self_tests: dict[str, object]
    results: tuple[Result, ...]
    pairs_needed: int | None
    eta_s: float | None
    expires: str | None

    @property
    def exit_code(self) -> int:
        """0 PASS, 3 FAIL, 4 HOLD, 5 INVALID."""
        return EXIT_CODES[self.verdict]

    def to_json(self) -> dict[str, Any]:  # Any: JSON
        """The object that verdict.json holds."""
        return {
            "version": VERDICT_VERSION,
            "verdict": self.verdict.value,
            "reasons": list(self.reasons),
            "criteria_digest": self.criteria_digest,
            "data_digest": self.data_digest,
            "seed": self.seed,
            "pairs": self.pairs,
            "self_tests": self.self_tests,
            "results": [result.as_json() for result in self.results],
            "next": {"pairs_needed": self.pairs_needed, "eta_s": self.eta_s},
            "expires": self.expires,
        }


def judge_folder(path: Path | str, criteria: Criteria, *, engine: str = "duckdb", seed: int = 0) -> Verdict:
    """Judge a run, or any folder with exchanges/*.parquet; `InputError` if its files cannot be used."""
    folder = RunFolder(Path(path))
    manifest = folder.read_manifest()
    if manifest and not folder.exchange_files():
        return _nothing_recorded(manifest, criteria, seed=seed, place=str(folder.manifest))
    with open_exchanges(folder.path, engine=engine) as exchanges:
        targets = exchanges.targets()
        arms = choose_arms(targets, criteria, place=str(folder.path))
        measured = measure(exchanges, arms, budgets_ns=criteria.budgets_ns)
        tests = run_self_tests(folder, measured, criteria=criteria, manifest=manifest)
        results = judge_criteria(measured, criteria, seed=seed)
    status, reasons = conclude(results, tests.problems, interrupted=bool(manifest.get("interrupted")))
    pairs_needed, eta_s = _next(results, span_s=measured.span_s)
    return Verdict(
        verdict=status,
        reasons=reasons,
        criteria_digest=criteria.digest(),
        data_digest=data_digest(targets),
        seed=seed,
        pairs=_pairs(measured),
        self_tests=tests.as_json(),
        results=results,
        pairs_needed=pairs_needed,
        eta_s=eta_s,
        expires=_expiry(manifest, criteria, place=str(folder.manifest)),
    )


def _nothing_recorded(manifest: Manifest, criteria: Criteria, *, seed: int, place: str) -> Verdict:
    """A run that ended before its first exchange: INVALID, with what the manifest knows of the reason."""
    events = event_problems(manifest.get("events") or [])
    return Verdict(
        verdict=Status.INVALID,
        reasons=(*events, "no exchange was recorded, so there is nothing to judge"),
        criteria_digest=criteria.digest(),
        data_digest="",
        seed=seed,
        pairs={"total": 0, "complete": 0, "labelled": 0, "faulted": 0},
        self_tests={},
        results=(),
        pairs_needed=None,
        eta_s=None,
        expires=_expiry(manifest, criteria, place=place),
    )


def conclude(
    results: Sequence[Result], problems: Sequence[str], *, interrupted: bool
) -> tuple[Status, tuple[str, ...]]:
    """The verdict and its reasons: problems of the measurement first, else the criteria that decided."""
    deciding = [result for result in results if result.decides]
    if problems:
        return Status.INVALID, tuple(problems)
    status = combine(result.status for result in deciding)
    reasons = tuple(result.sentence for result in deciding if result.status is status)
    if interrupted and status is Status.PASS:
        return Status.HOLD, ("the run was interrupted, so HOLD is the best it can get", *reasons)
    return status, (("the run was interrupted", *reasons) if interrupted else reasons)


def write_verdict(folder: Path | str, verdict: Verdict) -> Path:
    """Write verdict.json into `folder`, whole or not at all."""
    path = RunFolder(Path(folder)).verdict
    write_json(path, verdict.to_json())
    return path


def _pairs(measured: Measurement) -> dict[str, int]:
    kinds = measured.kinds
    return {
        "total": kinds.total(kinds.meant),
        "complete": kinds.total(kinds.complete),
        "labelled": kinds.total(kinds.complete & kinds.labelled),
        "faulted": kinds.total(kinds.complete & kinds.scenario(faulted=True)),
    }


def _next(results: Sequence[Result], *, span_s: float) -> tuple[int | None, float | None]:
    """Further pairs and seconds, at this run's rate, until the slowest HOLD is decided."""
    holding = [result for result in results if result.decides and result.status is Status.HOLD]
    needed = [(result.pairs_needed, result.n) for result in holding]
    if any(pairs is None for pairs, _ in needed):
        return None, None
    times = [pairs * span_s / n for pairs, n in needed if pairs is not None and n]
    eta_s = round(max(times), 1) if times and len(times) == len(needed) else None
    return max((pairs for pairs, _ in needed if pairs is not None), default=0), eta_s


def _expiry(manifest: Manifest, criteria: Criteria, *, place: str) -> str | None:
    """From the run's own end, so that judging it again says the same."""
    started = manifest.get("started")
    if started is None:
        return None
    try:
        end = datetime.fromisoformat(str(started)) + timedelta(
            microseconds=int(manifest.get("duration_ns") or 0) / 1000
        )
    except ValueError as error:
        raise InputError(f"`started` is not a date and time: {error}", place=place) from None
    return (end + timedelta(days=criteria.valid_days)).isoformat(timespec="seconds")
