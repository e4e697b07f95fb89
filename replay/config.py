"""What one replay is told: trace, target, profile, limits. Every default of the engine is written here.

Knows names, types and ranges, and which settings exclude each other; refuses to open files or sockets. Read
from JSON by `__main__.py`, built in code by the application.
"""

from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from recording.documents import Model
from recording.exchange import Role

Arrival = Literal["constant", "poisson", "recorded"]


class ReplayConfig(Model):
    """One replay. Times of the run are ns on the run's clock; `start_at_ns` None means at once.

    `realtime` asks for prompt wake-ups and does without them where the system does not grant them.
    """

    trace: Path
    to: str
    profile: str | None = None
    arrival: Arrival | None = None
    speed: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    duration_s: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    seed: int = Field(default=0, ge=0)
    max_in_flight: int = Field(default=1024, ge=1)
    timeout_s: float = Field(default=30.0, gt=0, allow_inf_nan=False)
    host: Literal["recorded", "target"] = "recorded"
    due_header: bool = False
    realtime: bool = True
    clock: Path | None = None
    start_at_ns: int | None = None
    record: Path | None = None
    writer: str = Field(default="exchanges-0", pattern=r"^[a-z]+-\d+$")
    target: str = Field(default="client", min_length=1)
    role: Role = Role.CLIENT
    keep_body_bytes: int = Field(default=65_536, ge=0)
    prepared_bytes: int = Field(default=64 << 20, ge=1)
    stop_grace_s: float = Field(default=1.0, ge=0, allow_inf_nan=False)

    @field_validator("to")
    @classmethod
    def _is_an_http_address(cls, to: str) -> str:
        try:
            parts = urlsplit(to)
            port = parts.port
        except ValueError as error:
            raise ValueError(f"{to!r} is not a URL: {error}") from None
        if parts.scheme != "http" or not parts.hostname or port == 0:
            raise ValueError(f"{to!r} is not of the form http://HOST[:PORT]")
        if parts.path not in {"", "/"} or parts.query or parts.username:
            raise ValueError(f"{to!r} has more than a host and a port; paths come from the trace")
        return to

    @model_validator(mode="after")
    def _speed_belongs_to_the_recorded_profile(self) -> Self:
        if self.profile is not None and self.speed != 1:
            raise ValueError("speed is for the trace's own arrivals: write `recorded at 10x` in the profile")
        if self.profile is None and self.arrival == "poisson":
            raise ValueError("arrival 'poisson' needs a profile; `recorded` gives it the trace's own rate")
        return self

    @property
    def address(self) -> tuple[str, int]:
        """Host and port to connect to."""
        parts = urlsplit(self.to)
        return parts.hostname or "", parts.port or 80

    @property
    def authority(self) -> bytes:
        """The target as a Host field names it."""
        return urlsplit(self.to).netloc.encode("idna" if not self.to.isascii() else "ascii")
