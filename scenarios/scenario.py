"""The scenario file: what goes wrong, for whom, from when to when.

Knows the file's keys and refuses everything else, with the line and the nearest known key. Refuses to know
requests and clocks. Read by the proxy when it starts, and by the command that checks and draws scenarios.

    version: 1
    name: slow-candidate-with-missing-income
    faults:
      - id: no-income
        type: missing
        target: both
        match: {method: POST, path: "/v1/models/*:predict"}
        probability: 0.2
        window: {from: 30s, to: 90s}
        params: {path: "$.instances[*].income", how: drop_key}
"""

import difflib
import fnmatch
import re
from collections.abc import Collection
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from recording.documents import Model, load_document
from recording.errors import InputError
from scenarios.durations import LONGEST_NS, Duration
from scenarios.fault import ROLES_BY_WORD, Fault, Target
from scenarios.library import AnyFault, fault_name, read_fault
from scenarios.nothing import Nothing

NEVER_NS = LONGEST_NS  # a window without an end

Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]


class Window(Model):
    """From `from_ns` until just before `to_ns`, on the run's clock; without `to` until the end."""

    from_ns: Duration = Field(0, alias="from")
    to_ns: Duration = Field(NEVER_NS, alias="to", validate_default=False)

    @model_validator(mode="after")
    def _in_order(self) -> "Window":
        if self.to_ns <= self.from_ns:
            raise ValueError("`to` must be later than `from`")
        return self


class Match(Model):
    """Which requests are meant: by method (any if none is named) and by the path without its query."""

    method: str | tuple[str, ...] = ()
    path: str = Field("*", description="a glob: * stands for anything, slashes too")

    @cached_property
    def methods(self) -> frozenset[bytes]:
        """The methods as on the wire; empty for any."""
        named = (self.method,) if isinstance(self.method, str) else self.method
        return frozenset(method.upper().encode() for method in named)

    @cached_property
    def pattern(self) -> re.Pattern[bytes]:
        """What the path as on the wire must match in full."""
        return re.compile(fnmatch.translate(self.path).encode(), re.DOTALL)


class Limits(Model):
    """How much harm a fault may do. `max_total` requests in each proxy worker; then it stops being chosen."""

    max_total: int | None = Field(None, ge=0)


class FaultEntry(Model):
    """One fault of the timeline."""

    id: Identifier
    type: str
    target: str = "both"
    match: Match = Match.model_validate({})
    probability: float = Field(1.0, ge=0, le=1)
    window: Window = Window.model_validate({})
    limits: Limits = Limits(max_total=None)
    params: AnyFault = Field(default_factory=dict)  # type: ignore[assignment]  # read below

    @field_validator("type")
    @classmethod
    def _known_type(cls, written: str) -> str:
        return fault_name(written)

    @field_validator("params", mode="before")
    @classmethod
    def _params_of_type(cls, written: object, so_far: ValidationInfo) -> Fault:
        if "type" not in so_far.data:
            return Nothing()  # the unknown type is the error to report
        return read_fault(so_far.data["type"], written)

    @property
    def strikes(self) -> Target:
        """Whom it strikes."""
        return Target(word=self.target)


class Scenario(Model):
    """A named timeline of faults. `seed`, where given, rules over the run's seed."""

    version: Literal[1]
    name: Identifier
    description: str = ""
    seed: int | None = None
    faults: tuple[FaultEntry, ...] = ()

    @field_validator("faults")
    @classmethod
    def _ids_differ(cls, faults: tuple[FaultEntry, ...]) -> tuple[FaultEntry, ...]:
        ids = [fault.id for fault in faults]
        for position, name in enumerate(ids):
            if name in ids[:position]:
                raise _refused(f"the id {name!r} is taken by an earlier fault", (position, "id"), name)
        return faults

    def check_targets(self, names: Collection[str], *, source: str) -> None:
        """Refuse a fault for a target that the run does not have; `names` are the targets' own names."""
        known = [*ROLES_BY_WORD, *names]
        for fault in self.faults:
            if fault.target not in known:
                close = difflib.get_close_matches(fault.target, known, n=1, cutoff=0.5)
                fix = f"did you mean {close[0]!r}?" if close else f"known here: {', '.join(known)}"
                problem = f"fault {fault.id!r} is for an unknown target {fault.target!r}"
                raise InputError(problem, place=source, fix=fix)


def load_scenario(path: Path | str) -> Scenario:
    """Read a scenario file; `InputError` names the line and the fix."""
    return load_document(path, Scenario)


def _refused(message: str, loc: tuple[int | str, ...], written: object) -> ValidationError:
    detail = InitErrorDetails(type=PydanticCustomError("refused", "{message}", {"message": message}), loc=loc,
                              input=written)  # fmt: skip
    return ValidationError.from_exception_data("Scenario", [detail])
