"""One model endpoint in the proxy's configuration: where it is, how it is spoken to, what is changed for it.

Knows addresses, TLS and rewriting as words; refuses to know how any of it is done (`transport_security.py`,
`rewriting.py`). No secret stands in it: credentials name an environment variable or a file.
"""

import os
import re
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from recording.documents import Model
from recording.errors import InputError
from recording.exchange import Role

_TARGET_ROLES = {Role.BASELINE, Role.CANDIDATE, Role.REFERENCE}
_UNIX = "unix:"
_DEFAULT_PORTS = {"http": 80, "https": 443}
_NAME = r"^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$"
FRAMING = {"connection", "content-length", "expect", "te", "trailer", "transfer-encoding", "upgrade", "via"}


class UpstreamTls(Model):
    """TLS to a target. The certificate is verified unless `verify` says otherwise."""

    verify: bool = True
    ca: Path | None = Field(default=None, description="PEM; the system's authorities if not given")
    certificate: Path | None = Field(
        default=None, description="PEM; the proxy's own, if the target asks for one"
    )
    key: Path | None = None
    server_name: str | None = Field(default=None, description="instead of the url's host")


class HeaderChanges(Model):
    """End-to-end fields that this target gets otherwise than the client sent them."""

    set: dict[str, str] = Field(default_factory=dict)
    remove: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _are_fields(self) -> Self:
        for name in (*self.set, *self.remove):
            if name.lower() in FRAMING:
                raise ValueError(f"{name!r} frames the message and is the proxy's own")
            if not re.fullmatch(_NAME, name):
                raise ValueError(f"{name!r} is not a field name")
        for name, value in self.set.items():
            if not value.isprintable() or not value.isascii():
                raise ValueError(f"the value of {name!r} is not printable ASCII")
        return self


class PathChanges(Model):
    """The target's path: `replace` parts of it (the first of each, literally), then put `prefix` in front."""

    prefix: str = Field(default="", pattern=r"^(/[!$-.0-;=@-Z_a-z~]+)*$")
    replace: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _are_paths(self) -> Self:
        for text in (*self.replace, *self.replace.values()):
            if not re.fullmatch(r"[!$-.0-;=@-Z_a-z~/%]*", text):
                raise ValueError(f"{text!r} cannot stand in a path")
        return self


class Credentials(Model):
    """A field that this target gets instead of the client's: its value is in `env` or in `file`."""

    header: str = Field(default="Authorization", pattern=_NAME)
    env: str | None = None
    file: Path | None = None

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        if self.header.lower() in FRAMING:
            raise ValueError(f"{self.header!r} frames the message and is the proxy's own")
        if (self.env is None) == (self.file is None):
            raise ValueError("give either `env` or `file`")
        return self

    def value(self) -> str:
        """The secret; `InputError` if it is not where it should be."""
        if self.env is not None:
            found = os.environ.get(self.env, "")
            place = f"environment variable {self.env}"
        else:
            assert self.file is not None
            place = str(self.file)
            try:
                found = self.file.read_text("utf-8").strip()
            except OSError as error:
                raise InputError(f"cannot be read: {error.strerror}", place=place) from None
        if not found or not found.isprintable() or not found.isascii():
            raise InputError("holds no credential", place=place, fix="one line of printable ASCII")
        return found


class TargetConfig(Model):
    """One model endpoint. `url` is `http://HOST:PORT`, `https://HOST:PORT` or `unix:/PATH`; paths come from
    the requests.

    What is not said here holds for every target (`limits`, `deadlines`). `host` replaces the client's Host.
    `model` is this target's name for the model: it replaces the segment behind `/models/` in the path and the
    top-level `model` of a JSON body. `adapter` is `MODULE:FUNCTION`, which turns the client's body into this
    target's.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")
    role: Role
    url: str
    tls: UpstreamTls = UpstreamTls()
    host: str | None = Field(default=None, pattern=r"^[A-Za-z0-9._:\[\]-]+$")
    headers: HeaderChanges = HeaderChanges()
    path: PathChanges = PathChanges()
    credentials: Credentials | None = None
    model: str | None = Field(default=None, pattern=r"^[A-Za-z0-9._:@-]+$")
    adapter: str | None = Field(default=None, pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")
    connections: PositiveInt | None = None
    connect_s: PositiveFloat | None = None
    first_byte_s: PositiveFloat | None = None
    total_s: PositiveFloat | None = None

    @model_validator(mode="after")
    def _is_usable(self) -> Self:
        if self.role not in _TARGET_ROLES:
            raise ValueError(f"role {self.role.value!r} is not that of a target")
        if self.url.startswith(_UNIX):
            if not self.url.removeprefix(_UNIX).startswith("/"):
                raise ValueError(f"url {self.url!r} is not of the form unix:/PATH")
            return self
        parts = urlsplit(self.url)
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname or parts.username is not None:
            raise ValueError(
                f"url {self.url!r} is not of the form http://HOST:PORT, https://HOST:PORT or unix:/PATH"
            )
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise ValueError(
                f"url {self.url!r} is not of the form http://HOST:PORT; paths come from requests; see `path:`"
            )
        return self

    @property
    def scheme(self) -> Literal["http", "https", "unix"]:
        """How it is reached."""
        if self.url.startswith(_UNIX):
            return "unix"
        return "https" if urlsplit(self.url).scheme == "https" else "http"

    @property
    def socket_path(self) -> str:
        """Where the target's socket is; empty unless it is one of this machine."""
        return self.url.removeprefix(_UNIX) if self.scheme == "unix" else ""

    @property
    def host_name(self) -> str:
        """The host to connect to."""
        return urlsplit(self.url).hostname or "localhost"

    @property
    def port(self) -> int:
        """The port to connect to; 0 for a socket of this machine."""
        return urlsplit(self.url).port or _DEFAULT_PORTS.get(self.scheme, 0)

    @property
    def authority(self) -> str:
        """What Host says if the client said nothing."""
        if self.host is not None:
            return self.host
        name = f"[{self.host_name}]" if ":" in self.host_name else self.host_name
        return name if self.scheme == "unix" else f"{name}:{self.port}"

    @property
    def rewrites(self) -> bool:
        """Whether this target gets anything otherwise than the client sent it."""
        plain = self.host is None and self.credentials is None and self.model is None and self.adapter is None
        return not plain or self.headers != HeaderChanges() or self.path != PathChanges()
