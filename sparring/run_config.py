"""The run file: targets, traffic, profile, scenario, criteria. One file is one rehearsal.

Knows keys, defaults and which settings belong together; refuses to start anything. Relative paths count from
the file's own folder. `--set a.b=c` changes a value before the file is checked, so a misspelt path is an
error with the nearest key, as in the file itself.
"""

from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

import yaml
from pydantic import Field, field_validator, model_validator

from recording.documents import Model, load_text, read_text
from recording.errors import InputError
from recording.exchange import Role
from shadow_proxy.config import Deadlines, Limits
from sparring.predictions import PredictionSource

_ROLES_BY_NAME = {"baseline": Role.BASELINE, "candidate": Role.CANDIDATE}
_DEFAULT_PORTS = {"http": 80, "https": 443}


class Readiness(Model):
    """When a target may be sent traffic: `path` answers below 400, or, without a path, its port accepts."""

    path: str | None = None
    timeout_s: float = Field(default=60.0, gt=0)


class Target(Model):
    """One model endpoint: started by `command` and stopped again, or already running at `url`."""

    url: str
    role: Role | None = None
    command: tuple[str, ...] | None = None
    cwd: Path | None = None
    env: dict[str, str] = Field(default_factory=dict)
    ready: Readiness = Readiness()
    metrics: str | None = Field(default=None, description="URL of its Prometheus page, for its resources")
    stop_grace_s: float = Field(default=5.0, ge=0)

    @field_validator("command", mode="before")
    @classmethod
    def _split(cls, command: object) -> object:
        if isinstance(command, str):
            raise ValueError('write the command as a list of words: ["mlserver", "start", "."]')  # noqa: TRY004
        return command

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError(f"{url!r} is not of the form http://HOST:PORT")
        return url

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or _DEFAULT_PORTS[parts.scheme]


class Traffic(Model):
    """What is sent and when: a trace, with its own arrivals (times `speed`) or those of a profile."""

    trace: Path
    profile: str | None = None
    arrival: Literal["constant", "poisson", "recorded"] | None = None
    speed: float = Field(default=1.0, gt=0)
    duration_s: float | None = Field(default=None, gt=0)
    max_in_flight: int = Field(default=1024, ge=1)
    timeout_s: float = Field(default=30.0, gt=0)


class Proxy(Model):
    """The part of the shadow proxy that a rehearsal may set."""

    workers: int = Field(default=1, ge=1)
    mirror: float = Field(default=1.0, ge=0, le=1)
    limits: Limits = Limits()
    deadlines: Deadlines = Deadlines()


class RunConfig(Model):
    """A rehearsal."""

    version: Literal[1]
    name: str
    notes: str = ""
    seed: int = Field(default=0, ge=0)
    targets: dict[str, Target]
    traffic: Traffic
    criteria: Path
    scenario: Path | None = None
    predictions: PredictionSource = PredictionSource()
    proxy: Proxy = Proxy()
    sample_every_s: float = Field(default=1.0, gt=0)

    @model_validator(mode="after")
    def _has_both_arms(self) -> Self:
        roles = [self.role_of(name) for name in self.targets]
        for role in (Role.BASELINE, Role.CANDIDATE):
            if role not in roles:
                raise ValueError(f"targets: no target has the role {role.value!r}")
        if roles.count(Role.BASELINE) > 1:
            raise ValueError("targets: one target is the baseline; give the others the role `reference`")
        return self

    def role_of(self, name: str) -> Role:
        """A target's role: as written, or by its name, or `reference`."""
        return self.targets[name].role or _ROLES_BY_NAME.get(name, Role.REFERENCE)


def load_run(path: Path, *, changes: list[str] | None = None) -> tuple[RunConfig, str]:
    """The run file at `path` with `changes` ("a.b=c") applied, and the text that was checked."""
    text = read_text(path)
    if changes:
        document = yaml.safe_load(text)
        for change in changes:
            _set(document, change)
        text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
    source = f"{path} with --set" if changes else str(path)
    config = load_text(text, RunConfig, source=source)
    return _from_its_folder(config, path.resolve().parent), text


def _set(document: Any, change: str) -> None:  # Any: YAML
    key, equals, value = change.partition("=")
    if not equals or not key:
        raise InputError(f"{change!r} is not of the form a.b=c", place="--set")
    *parents, last = key.split(".")
    for parent in parents:
        if not isinstance(document, dict):
            raise InputError(f"{key!r} goes through {parent!r}, which is not a mapping", place="--set")
        document = document.setdefault(parent, {})
    if not isinstance(document, dict):
        raise InputError(f"{key!r} has no place: its parent is not a mapping", place="--set")
    document[last] = yaml.safe_load(value)


def _from_its_folder(config: RunConfig, folder: Path) -> RunConfig:
    """The same with every path made absolute."""
    targets = {
        name: target.model_copy(update={"cwd": folder / (target.cwd or "")})
        for name, target in config.targets.items()
    }
    traffic = config.traffic.model_copy(update={"trace": folder / config.traffic.trace})
    return config.model_copy(
        update={
            "targets": targets,
            "traffic": traffic,
            "criteria": folder / config.criteria,
            "scenario": folder / config.scenario if config.scenario else None,
        }
    )
