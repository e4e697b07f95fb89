"""The shapes there are: one file each, one table for all.

A shape is added by writing its file beside `pause.py` and its form into `FORMS`; `docs/profiles.md` goes
through it step by step.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from loadprofiles.profile import Nanoseconds, Profile, ProfileError
from loadprofiles.shapes.constant import Constant
from loadprofiles.shapes.pause import Pause
from loadprofiles.shapes.ramp import Ramp
from loadprofiles.shapes.recorded import Recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """How a shape is written, and how it is made from the numbers in it and the trace's offsets (if any).

    In `words`, RATE, DURATION and SPEED stand for a number with its unit; every other word stands for itself.
    """

    words: str
    make: Callable[[list[float], Nanoseconds | None], Profile]


def _recorded(speed: float, *, offsets_ns: Nanoseconds | None) -> Recorded:
    if offsets_ns is None:
        raise ProfileError("'recorded' takes its arrivals from a trace, and there is none here")
    return Recorded(offsets_ns=offsets_ns, speed=speed)


FORMS: Mapping[str, tuple[Form, ...]] = {
    "pause": (Form(words="pause for DURATION", make=lambda n, _: Pause(duration_s=n[0])),),
    "constant": (
        Form(words="constant RATE for DURATION", make=lambda n, _: Constant(rate=n[0], duration_s=n[1])),
    ),
    "ramp": (
        Form(
            words="ramp RATE to RATE over DURATION",
            make=lambda n, _: Ramp(from_rate=n[0], to_rate=n[1], duration_s=n[2]),
        ),
    ),
    "recorded": (
        Form(words="recorded", make=lambda _, offsets_ns: _recorded(1.0, offsets_ns=offsets_ns)),
        Form(words="recorded at SPEED", make=lambda n, offsets_ns: _recorded(n[0], offsets_ns=offsets_ns)),
    ),
}
