"""A request that is late: held back for a fixed, uniform or lognormal time before it is sent.

Knows distributions. Refuses to wait: it adds to `delay_ns`, and the proxy keeps it. Found through
`library.py`; called by `Timeline`.

The lognormal is WireMock's: median * exp(sigma * N(0, 1)). Over `max` it is drawn again, up to ten times, and
then cut to `max`, so that the tail ends without a heap of mass at its end. Instead of `sigma` it takes a
`mean`, as Hoverfly does: sigma = sqrt(2 ln(mean / median)).
"""

import math
import random
from dataclasses import replace

from pydantic import Field, model_validator

from recording.documents import Model
from scenarios.durations import Duration
from scenarios.fault import Fault, Send

REDRAWS = 10


class Uniform(Model):
    """Any time from `lower` to `upper`."""

    lower_ns: Duration = Field(alias="lower")
    upper_ns: Duration = Field(alias="upper")

    @model_validator(mode="after")
    def _in_order(self) -> "Uniform":
        if self.upper_ns < self.lower_ns:
            raise ValueError("`upper` is less than `lower`")
        return self

    def draw_ns(self, chance: random.Random) -> int:
        """One delay, in ns."""
        return round(chance.uniform(self.lower_ns, self.upper_ns))


class Lognormal(Model):
    """A long tail around `median`; `sigma` or `mean` gives its width, `max` its end."""

    median_ns: Duration = Field(alias="median", gt=0)
    sigma: float | None = Field(None, ge=0, le=10)
    mean_ns: Duration | None = Field(None, alias="mean")
    max_ns: Duration | None = Field(None, alias="max")

    @model_validator(mode="after")
    def _one_width(self) -> "Lognormal":
        if (self.sigma is None) == (self.mean_ns is None):
            raise ValueError("needs `sigma` or `mean`, and not both")
        if self.mean_ns is not None and self.mean_ns < self.median_ns:
            raise ValueError("`mean` is less than `median`, which no lognormal has")
        if self.max_ns is not None and self.max_ns < self.median_ns:
            raise ValueError("`max` is less than `median`, so half of the draws would be cut")
        return self

    @property
    def width(self) -> float:
        """The sigma of the underlying normal, however it was stated."""
        if self.sigma is not None or self.mean_ns is None:
            return self.sigma or 0.0
        return math.sqrt(2 * math.log(self.mean_ns / self.median_ns))

    def draw_ns(self, chance: random.Random) -> int:
        """One delay, in ns; at most `max`."""
        for _ in range(1 + REDRAWS):
            drawn_ns = round(self.median_ns * math.exp(self.width * chance.gauss(0, 1)))
            if self.max_ns is None or drawn_ns <= self.max_ns:
                return drawn_ns
        return self.max_ns or drawn_ns


class Delay(Fault):
    """Exactly one of the fields says how long."""

    fixed_ns: Duration | None = Field(None, alias="fixed")
    uniform: Uniform | None = None
    lognormal: Lognormal | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> "Delay":
        if sum(stated is not None for stated in (self.fixed_ns, self.uniform, self.lognormal)) != 1:
            raise ValueError("needs exactly one of fixed, uniform, lognormal")
        return self

    def draw_ns(self, chance: random.Random) -> int:
        """One delay, in ns."""
        distribution = self.uniform or self.lognormal
        return distribution.draw_ns(chance) if distribution else self.fixed_ns or 0

    def apply(self, send: Send, chance: random.Random) -> Send | None:
        drawn_ns = self.draw_ns(chance)
        return replace(send, delay_ns=send.delay_ns + drawn_ns) if drawn_ns else None
