"""The arrival processes there are: how single arrivals fall around a profile's rate.

Each is a pure function of a profile and a seed, on whole arrays: ascending nanoseconds from the profile's
start. Added by writing its file beside `constant.py` and its name into `ARRIVALS`.
"""

from collections.abc import Mapping
from typing import Protocol

from loadprofiles.arrivals.constant import constant_arrivals
from loadprofiles.arrivals.poisson import poisson_arrivals
from loadprofiles.arrivals.recorded import recorded_arrivals
from loadprofiles.profile import Nanoseconds, Profile, ProfileError, total


class ArrivalProcess(Protocol):
    """From a profile and a seed to arrivals, ascending ns from the profile's start."""

    def __call__(self, profile: Profile, *, seed: int) -> Nanoseconds: ...


ARRIVALS: Mapping[str, ArrivalProcess] = {
    "constant": constant_arrivals,
    "poisson": poisson_arrivals,
    "recorded": recorded_arrivals,
}

MOST_ARRIVALS = 100_000_000  # 800 MB of instants; a profile beyond it is a slip of the pen


def arrivals(profile: Profile, *, process: str, seed: int) -> Nanoseconds:
    """The arrivals of `process` around `profile`: the one door for callers that have names."""
    draw = ARRIVALS.get(process)
    if draw is None:
        raise ProfileError(f"{process!r} is not an arrival process: there are {', '.join(ARRIVALS)}")
    if (expected := total(profile)) > MOST_ARRIVALS:
        raise ProfileError(f"{str(profile)!r} asks for {expected:.3g} arrivals, more than {MOST_ARRIVALS:,}")
    return draw(profile, seed=seed)
