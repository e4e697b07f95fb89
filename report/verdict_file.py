"""What the judge wrote, as records.

Knows the keys of `verdict.json`; refuses to decide anything again: statuses, bounds and sentences are the
judge's and are passed on as they are. Read by every form of the report.
"""

from dataclasses import dataclass
from pathlib import Path

from judge.status import EXIT_CODES, Status
from recording.errors import InputError
from report.json_door import Json, inner, number, objects, read_object, text, texts, whole
from report.safe_text import printable_json

_FIX = "make it with `sparring judge {folder}`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One criterion against one baseline, in one slice and scenario; None where the judge has no number.

    `lower` and `upper` are the interval for one look; `gate_lower` and `gate_upper` are those that decide.
    """

    id: str
    metric: str
    role: str
    test: str
    direction: str
    against: str
    slice: str
    scenario: str
    status: str
    sentence: str
    n: int | None
    discordant: int | None
    estimate: float | None
    baseline: float | None
    candidate: float | None
    lower: float | None
    upper: float | None
    gate_lower: float | None
    gate_upper: float | None
    margin: float | None
    cap: float | None

    @property
    def name(self) -> str:
        """The criterion with what tells it from its siblings: `accuracy (region=eu, faulted)`."""
        marks = ", ".join(part for part in (self.slice, self.scenario) if part and part != "clean")
        return f"{self.id} ({marks})" if marks else self.id


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictFacts:
    """The verdict with its reasons, its results and the judge's own tests."""

    verdict: str
    reasons: tuple[str, ...]
    results: tuple[Result, ...]
    pairs: Json
    self_tests: Json
    pairs_needed: int | None
    eta_s: float | None
    expires: str
    version: str
    seed: str
    criteria_digest: str
    data_digest: str


def read_verdict(path: Path) -> VerdictFacts:
    """The verdict in `path`; `InputError` if it is missing or is not one of ours."""
    document = read_object(path, fix=_FIX.format(folder=path.parent))
    return verdict_from(document, place=str(path))


def verdict_from(source: Json, *, place: str = "verdict") -> VerdictFacts:
    """The same from a JSON object; `place` names it in messages."""
    document = printable_json(source)
    if not isinstance(document, dict) or text(document, "verdict") not in EXIT_CODES:
        known = ", ".join(EXIT_CODES)
        raise InputError(f"its verdict is none of {known}", place=place, fix="judge the run again")
    following = inner(document, "next")
    return VerdictFacts(
        verdict=text(document, "verdict"),
        reasons=texts(document, "reasons"),
        results=tuple(map(_result, objects(document, "results"))),
        pairs=inner(document, "pairs"),
        self_tests=inner(document, "self_tests"),
        pairs_needed=whole(following, "pairs_needed"),
        eta_s=number(following, "eta_s"),
        expires=text(document, "expires"),
        version=text(document, "version"),
        seed=text(document, "seed"),
        criteria_digest=text(document, "criteria_digest"),
        data_digest=text(document, "data_digest"),
    )


def _result(source: Json) -> Result:
    return Result(
        id=text(source, "id", default="(no name)"),
        metric=text(source, "metric"),
        role=text(source, "role"),
        test=text(source, "test"),
        direction=text(source, "direction"),
        against=text(source, "against"),
        slice=_slice(source),
        scenario=text(source, "scenario"),
        status=text(source, "status", default=Status.INVALID),
        sentence=text(source, "sentence"),
        n=whole(source, "n"),
        discordant=whole(source, "discordant"),
        estimate=number(source, "estimate"),
        baseline=number(source, "baseline"),
        candidate=number(source, "candidate"),
        lower=number(source, "lower"),
        upper=number(source, "upper"),
        gate_lower=number(source, "gate_lower"),
        gate_upper=number(source, "gate_upper"),
        margin=number(source, "margin"),
        cap=number(source, "cap"),
    )


def _slice(source: Json) -> str:
    pairs = inner(source, "slice")
    return ", ".join(f"{key}={value}" for key, value in pairs.items()) or text(source, "slice")
