"""What the proxy is told: targets, share, limits and deadlines, with every default written here and only
here.

Knows names, units and what excludes what; refuses to know how anything is done. Written by people as YAML and
by `sparring` as JSON; read once by the parent and by each worker.
"""

from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from recording.documents import Model
from recording.exchange import Role

_TARGET_ROLES = {Role.BASELINE, Role.CANDIDATE, Role.REFERENCE}


class TargetConfig(Model):
    """One model endpoint. `url` is `http://HOST:PORT`; paths come from the requests."""

    name: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")
    role: Role
    url: str

    @model_validator(mode="after")
    def _is_usable(self) -> Self:
        if self.role not in _TARGET_ROLES:
            raise ValueError(f"role {self.role.value!r} is not that of a target")
        parts = urlsplit(self.url)
        if parts.scheme != "http" or not parts.hostname or parts.path.strip("/") or parts.query:
            raise ValueError(f"url {self.url!r} is not of the form http://HOST:PORT")
        return self

    @property
    def host(self) -> str:
        """The host to connect to."""
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        """The port to connect to."""
        return urlsplit(self.url).port or 80


class Limits(Model):
    """Bounds, all per worker process. What goes over one is refused or dropped, and counted."""

    head_bytes: PositiveInt = 64 << 10
    head_fields: PositiveInt = 128
    target_bytes: PositiveInt = 16 << 10
    answer_head_bytes: PositiveInt = 128 << 10
    answer_fields: PositiveInt = 256
    request_body_bytes: PositiveInt = 512 << 20
    copy_bytes: PositiveInt = 8 << 20
    copies_bytes: PositiveInt = 256 << 20
    queued_copies: NonNegativeInt = 1024
    queued_requests: NonNegativeInt = 1024
    primary_connections: PositiveInt = 1024
    shadow_connections: PositiveInt = 256
    client_connections: PositiveInt = 4096
    recorded_answer_bytes: NonNegativeInt = 1 << 20
    journal_unread_bytes: PositiveInt = 4 << 30
    journal_segment_bytes: PositiveInt = 64 << 20


class Deadlines(Model):
    """Absolute deadlines in seconds; none starts again because a byte came."""

    client_idle_s: PositiveFloat = 75.0
    client_head_s: PositiveFloat = 15.0
    client_body_s: PositiveFloat = 120.0
    connect_s: PositiveFloat = 5.0
    first_byte_s: PositiveFloat = 60.0
    total_s: PositiveFloat = 600.0
    pooled_idle_s: PositiveFloat = 4.0
    linger_s: PositiveFloat = 2.0
    drain_s: PositiveFloat = 30.0
    journal_sync_s: PositiveFloat = 0.5
    journal_segment_s: PositiveFloat = 60.0


class ProxyConfig(Model):
    """The whole file. `mirror` is the share of requests that every shadow target gets a copy of."""

    listen: str = "127.0.0.1:8080"
    targets: tuple[TargetConfig, ...]
    mirror: float = Field(default=1.0, ge=0.0, le=1.0)
    seed: int = 0
    salt: str = "sparring"
    workers: PositiveInt = 1
    admin: str | None = None
    scenario: Path | None = None
    record: Path | None = None
    clock: Path | None = None
    due_header: bool = False
    limits: Limits = Limits()
    deadlines: Deadlines = Deadlines()

    @model_validator(mode="after")
    def _targets_make_sense(self) -> Self:
        names = [target.name for target in self.targets]
        if len(set(names)) != len(names):
            raise ValueError("two targets have the same name")
        if sum(target.role is Role.BASELINE for target in self.targets) != 1:
            raise ValueError("exactly one target must have the role baseline; it answers the clients")
        for address in filter(None, (self.listen, self.admin)):
            host_and_port(address)
        return self

    @property
    def primary(self) -> TargetConfig:
        """The target whose answer the client gets."""
        return next(target for target in self.targets if target.role is Role.BASELINE)


def host_and_port(address: str) -> tuple[str, int]:
    """`HOST:PORT` as its parts; port 0 asks the system for a free one.

    >>> host_and_port("[::1]:8080")
    ('::1', 8080)
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"{address!r} is not of the form HOST:PORT")
    return host.strip("[]"), int(port)
