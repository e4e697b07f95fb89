"""The criteria file: what must hold before a candidate may be rolled out, written before the data is seen.

Knows the file's keys, their defaults (each written here and nowhere else) and which keys each metric takes;
refuses to know data and statistics. Called by whoever judges, plans or prints the schema. The digest is the
SHA-256 of the canonical JSON with all defaults filled in, so that comments and order of keys do not change
it.
"""

import hashlib
import json
from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from recording.documents import Model, load_document

Share = Annotated[float, Field(gt=0.0, lt=1.0)]


class Metric(StrEnum):
    """What is measured on a pair. Only accuracy is better when higher."""

    ACCURACY = "accuracy"
    ERROR_RATE = "error_rate"
    LATENCY_BUDGET = "latency_budget"
    LATENCY_QUANTILE = "latency_quantile"


class CriterionRole(StrEnum):
    """Primary and guardrail criteria decide; an info criterion is reported and never decides."""

    PRIMARY = "primary"
    GUARDRAIL = "guardrail"
    INFO = "info"


class Test(StrEnum):
    """What the candidate must show against the baseline."""

    __test__ = False  # pytest would take the name for a test class

    NON_INFERIORITY = "non_inferiority"
    SUPERIORITY = "superiority"


class Margin(Model):
    """How much worse is still acceptable (for superiority: how much better is wanted), and why."""

    absolute: Share | None = Field(
        default=None, description="difference of shares: 0.01 is one percentage point"
    )
    relative: Annotated[float, Field(gt=0.0, lt=10.0)] | None = Field(
        default=None, description="part of the baseline's value, for latency_quantile: 0.1 is ten percent"
    )
    source: str = Field(default="", description="where the number comes from")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.absolute is None) == (self.relative is None):
            raise ValueError("a margin has either `absolute` or `relative`")
        return self

    @property
    def size(self) -> float:
        """The number, of whichever kind."""
        return self.absolute if self.absolute is not None else self.relative or 0.0


# metric -> the kind of margin, and keys that only this metric takes (with those that it must have)
_MARGIN_KIND = {
    Metric.ACCURACY: "absolute",
    Metric.ERROR_RATE: "absolute",
    Metric.LATENCY_BUDGET: "absolute",
    Metric.LATENCY_QUANTILE: "relative",
}
_NEEDED: dict[Metric, tuple[str, ...]] = {
    Metric.ACCURACY: (),
    Metric.ERROR_RATE: (),
    Metric.LATENCY_BUDGET: ("budget_ms",),
    Metric.LATENCY_QUANTILE: ("quantile",),
}
_ALLOWED: dict[Metric, tuple[str, ...]] = {
    Metric.ACCURACY: ("min",),
    Metric.ERROR_RATE: ("max",),
    Metric.LATENCY_BUDGET: ("max", "budget_ms"),
    Metric.LATENCY_QUANTILE: ("quantile",),
}
_SPECIAL = ("budget_ms", "quantile", "max", "min")


class Criterion(Model):
    """One thing that must hold."""

    id: Annotated[str, Field(min_length=1, description="a name, once in the file")]
    metric: Metric
    role: CriterionRole = CriterionRole.GUARDRAIL
    test: Test = Test.NON_INFERIORITY
    margin: Margin | None = None
    margin_under_fault: Margin | None = Field(
        default=None, description="the margin on pairs that met a fault"
    )
    budget_ms: Annotated[float, Field(gt=0.0)] | None = Field(
        default=None,
        description="latency from the due instant; slower, timed out or failed counts as over it",
    )
    quantile: Share | None = Field(default=None, description="0.99 is the p99")
    max: Share | None = Field(default=None, description="absolute cap on the candidate's share")
    min: Share | None = Field(default=None, description="absolute floor of the candidate's accuracy")

    @model_validator(mode="after")
    def _keys_fit_the_metric(self) -> Self:
        for key in _NEEDED[self.metric]:
            if getattr(self, key) is None:
                raise ValueError(f"metric {self.metric} needs `{key}`")
        for key in _SPECIAL:
            if getattr(self, key) is not None and key not in _ALLOWED[self.metric]:
                raise ValueError(f"metric {self.metric} has no `{key}`")
        return self

    @model_validator(mode="after")
    def _margins_fit_the_metric(self) -> Self:
        kind = _MARGIN_KIND[self.metric]
        for key, margin in (("margin", self.margin), ("margin_under_fault", self.margin_under_fault)):
            if margin is not None and getattr(margin, kind) is None:
                raise ValueError(_wrong_kind(self.metric, key))
        return self

    @model_validator(mode="after")
    def _can_decide(self) -> Self:
        demands = (self.margin, self.margin_under_fault, self.max, self.min)
        if self.decides and self.test is Test.NON_INFERIORITY and not any(demands):
            raise ValueError("nothing to hold: give a `margin`, a `max` or `min`, or `role: info`")
        return self

    @property
    def budget_ns(self) -> int:
        """The latency budget in nanoseconds; 0 for other metrics."""
        return round((self.budget_ms or 0.0) * 1e6)

    @property
    def decides(self) -> bool:
        """Whether the verdict depends on it."""
        return self.role is not CriterionRole.INFO


def _wrong_kind(metric: Metric, key: str) -> str:
    if metric is Metric.LATENCY_QUANTILE:
        return f"`{key}` of a latency_quantile is `relative` (0.1: ten percent slower)"
    why = "a part of a baseline near zero would be no margin"
    return f"`{key}` of {metric} is `absolute` (0.01: one point); {why}"


class FidelityBounds(Model):
    """Beyond these the replay engine, not the candidate, was measured: the run is INVALID."""

    max_lag_p99_ms: Annotated[float, Field(gt=0.0)] = 20.0
    max_shed_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.001
    min_achieved_share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.95


class Criteria(Model):
    """The whole file."""

    version: Literal[1]
    aim: str = Field(default="", description="what the rollout is for")
    baseline: str | None = Field(default=None, description="target name; default: the one with role baseline")
    candidate: str | None = Field(
        default=None, description="target name; default: the one with role candidate"
    )
    alpha: Annotated[float, Field(gt=0.0, le=0.5)] = Field(
        default=0.05, description="error rate of each test"
    )
    min_pairs: Annotated[int, Field(ge=1)] = Field(default=100, description="fewer pairs HOLD")
    min_discordant: Annotated[int, Field(ge=0)] = 20
    min_completeness: Annotated[float, Field(gt=0.0, le=1.0)] = 0.995
    max_differential_missing: Annotated[float, Field(ge=0.0, le=1.0)] = Field(
        default=0.0005,
        description="share by which one arm may miss more than the other (also needs p < 0.001)",
    )
    min_label_join: Annotated[float, Field(gt=0.0, le=1.0)] = 0.95
    labels: Literal["required", "optional"] = Field(
        default="required", description="optional: accuracy is judged on whatever share has labels"
    )
    valid_days: Annotated[float, Field(gt=0.0)] = Field(
        default=14.0, description="after that a verdict is stale"
    )
    fidelity: FidelityBounds = FidelityBounds()
    criteria: tuple[Criterion, ...] = Field(json_schema_extra={"minItems": 1})

    @model_validator(mode="after")
    def _ids_are_unique_and_one_decides(self) -> Self:
        if not self.criteria:
            raise ValueError("`criteria` is empty, so nothing would decide")
        twice = [name for name, times in Counter(each.id for each in self.criteria).items() if times > 1]
        if twice:
            raise ValueError(f"criterion id {twice[0]!r} stands twice")
        if not any(each.decides for each in self.criteria):
            raise ValueError("every criterion is `role: info`, so nothing would decide")
        return self

    @property
    def needs_labels(self) -> bool:
        """Whether a deciding criterion compares predictions with labels."""
        return any(each.metric is Metric.ACCURACY and each.decides for each in self.criteria)

    @property
    def budgets_ns(self) -> tuple[int, ...]:
        """Every latency budget in the file, once, ascending."""
        return tuple(sorted({each.budget_ns for each in self.criteria if each.budget_ms is not None}))

    def digest(self) -> str:
        """`sha256:…` over the canonical JSON of all keys, defaults included."""
        canonical = json.dumps(self.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
        return "sha256:" + hashlib.sha256(canonical.encode()).hexdigest()


def load_criteria(path: Path | str) -> Criteria:
    """Read a criteria file; `InputError` names the line and the nearest known key."""
    return load_document(path, Criteria)
