"""One criterion's result: every number that led to its status, and the sentence that says it.

Knows the keys of `results[]` in verdict.json; refuses to decide. `estimate`, `lower` and `upper` are
candidate − baseline in the metric's own direction (for a quantile, the ratio candidate / baseline); `lower`
and `upper` are the fixed-n interval for one look; `gate_lower` and `gate_upper` are the bounds that the
status follows, and for shares they hold at any moment of looking. Written by `judge.rule` and
`judge.quantile_rule`.
"""

import math
from dataclasses import dataclass, fields

from judge.status import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A number that could not be had is None. `pairs_needed` are further pairs, for a HOLD."""

    id: str
    metric: str
    role: str
    test: str
    statistic: str
    direction: str
    against: str
    scenario: str
    decides: bool
    status: Status
    sentence: str
    n: int = 0
    slice: None = None
    estimate: float | None = None
    baseline: float | None = None
    candidate: float | None = None
    lower: float | None = None
    upper: float | None = None
    gate_lower: float | None = None
    gate_upper: float | None = None
    margin: float | None = None
    log_e_pass: float | None = None
    log_e_fail: float | None = None
    mid_p: float | None = None
    better: int | None = None
    worse: int | None = None
    discordant: int | None = None
    cap: float | None = None
    cap_lower: float | None = None
    cap_upper: float | None = None
    pairs_needed: int | None = None

    def as_json(self) -> dict[str, object]:
        """As a JSON object; what is not finite is null."""
        found = {field.name: getattr(self, field.name) for field in fields(self)}
        return {key: _plain(value) for key, value in found.items()}


def _plain(value: object) -> object:
    if isinstance(value, Status):
        return value.value
    return None if isinstance(value, float) and not math.isfinite(value) else value
