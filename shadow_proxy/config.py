"""What the proxy is told: where it listens, its targets, shares, routes, records and bounds.

Knows names, units and what excludes what; refuses to know how anything is done. Written by people as YAML and
by `sparring` as JSON; read by the parent, and by each worker, at the start and at every reload. Defaults of
bounds are in `limits.py`, targets in `target_config.py`.
"""

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, NonNegativeInt, PositiveInt, field_validator, model_validator

from recording.documents import Model
from recording.exchange import Role
from recording.redaction import RedactConfig
from shadow_proxy.limits import BreakerConfig, Deadlines, Limits
from shadow_proxy.target_config import FRAMING, TargetConfig

__all__ = ["Deadlines", "Limits", "ProxyConfig", "TargetConfig", "host_and_port"]

UNIX = "unix:"
INHERITED = "fd:"


class ListenerTls(Model):
    """TLS towards clients: the proxy's certificate, and whether clients must bring one."""

    certificate: Path
    key: Path
    client_ca: Path | None = Field(
        default=None, description="PEM; clients must then show a certificate of it"
    )


class Sticky(Model):
    """What keeps a client on one arm: a request's header, a field of its JSON body, or the client's address.

    A request without it is assigned by its own id.
    """

    by: Literal["request", "header", "json", "client"] = "request"
    name: str = Field(default="", description="the header's name, or the field's path: user.id")

    @model_validator(mode="after")
    def _is_named(self) -> Self:
        if (self.by in {"header", "json"}) != bool(self.name):
            raise ValueError(f"`by: {self.by}` {'needs' if not self.name else 'takes no'} `name`")
        return self


class CanaryConfig(Model):
    """The share of requests that the candidate answers; the baseline then gets the copy."""

    share: float = Field(default=0.0, ge=0.0, le=1.0)
    to: str | None = Field(default=None, description="a candidate's name; the first one if not given")
    sticky: Sticky = Sticky()


class Route(Model):
    """Paths (`*` stands for anything) and methods whose copies are treated otherwise; the first counts."""

    path: str = Field(pattern=r"^[/*]")
    methods: tuple[str, ...] = ()
    unsafe: bool = Field(default=False, description="never mirrored")
    shadow_safe: bool = Field(default=False, description="mirrored whatever the method")

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if self.unsafe == self.shadow_safe:
            raise ValueError("a route is marked either `unsafe: true` or `shadow_safe: true`")
        return self


class ProxyConfig(Model):
    """The whole file. `mirror` is the share of requests that every shadow target gets a copy of."""

    version: Literal[1] = 1
    listen: str = "127.0.0.1:8080"
    tls: ListenerTls | None = None
    targets: tuple[TargetConfig, ...]
    mirror: float = Field(default=1.0, ge=0.0, le=1.0)
    canary: CanaryConfig = CanaryConfig()
    routes: tuple[Route, ...] = ()
    mark_copies: str | None = Field(default=None, pattern=r"^[!#$%&'*+\-.^_`|~0-9A-Za-z]+: ?[ -~]+$")
    breaker: BreakerConfig | None = BreakerConfig()
    seed: int = 0
    salt: str = "sparring"
    workers: PositiveInt = 1
    admin: str | None = None
    admin_token_file: Path | None = None
    scenario: Path | None = None
    record: Path | None = None
    redact: RedactConfig = RedactConfig()
    access_log: Path | None = None
    log_format: Literal["text", "json"] = "text"
    clock: Path | None = None
    due_header: bool = False
    max_hops: NonNegativeInt = Field(default=8, description="proxies like this one in a row, by Via")
    limits: Limits = Limits()
    deadlines: Deadlines = Deadlines()

    @field_validator("canary", mode="before")
    @classmethod
    def _share_alone(cls, given: object) -> object:
        return {"share": given} if isinstance(given, int | float) and not isinstance(given, bool) else given

    @model_validator(mode="after")
    def _targets_make_sense(self) -> Self:
        names = [target.name for target in self.targets]
        if len(set(names)) != len(names):
            raise ValueError("two targets have the same name")
        if sum(target.role is Role.BASELINE for target in self.targets) != 1:
            raise ValueError("exactly one target must have the role baseline; it answers the clients")
        check_listen(self.listen)
        if self.admin is not None:
            host_and_port(self.admin)
        return self

    @model_validator(mode="after")
    def _mark_is_harmless(self) -> Self:
        name = (self.mark_copies or "").partition(":")[0]
        if name.lower() in FRAMING:
            raise ValueError(f"mark_copies: {name!r} frames the message and is the proxy's own")
        return self

    @model_validator(mode="after")
    def _canary_can_answer(self) -> Self:
        canary = self.canary_target
        if self.canary.to is not None and (canary is None or canary.name != self.canary.to):
            raise ValueError(f"canary.to: no candidate is called {self.canary.to!r}")
        if self.canary.share and canary is None:
            raise ValueError("canary: there is no candidate to answer")
        if self.canary.share and canary is not None and canary.adapter is not None:
            raise ValueError(
                f"canary: {canary.name!r} needs an adapter, so its answers are not what clients know"
            )
        return self

    @property
    def baseline(self) -> TargetConfig:
        """The target whose answer the client gets, unless the canary's share says otherwise."""
        return next(target for target in self.targets if target.role is Role.BASELINE)

    @property
    def canary_target(self) -> TargetConfig | None:
        """The candidate that may answer clients, if there is one."""
        candidates = [target for target in self.targets if target.role is Role.CANDIDATE]
        wanted = [target for target in candidates if self.canary.to in {None, target.name}]
        return wanted[0] if wanted else None


def check_listen(address: str) -> None:
    """`HOST:PORT`, `unix:/PATH`, or `fd:N` for a socket that is there when the proxy starts."""
    if address.startswith(UNIX) and address.removeprefix(UNIX).startswith("/"):
        return
    if address.startswith(INHERITED) and address.removeprefix(INHERITED).isdigit():
        return
    try:
        host_and_port(address)
    except ValueError:
        raise ValueError(f"{address!r} is not of the form HOST:PORT, unix:/PATH or fd:N") from None


def host_and_port(address: str) -> tuple[str, int]:
    """`HOST:PORT` as its parts; port 0 asks the system for a free one.

    >>> host_and_port("[::1]:8080")
    ('::1', 8080)
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"{address!r} is not of the form HOST:PORT")
    return host.strip("[]"), int(port)
