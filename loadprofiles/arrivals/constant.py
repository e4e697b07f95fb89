"""Arrival i falls where the integral of the rate is i, for i = 0, 1, 2, …: no chance at all."""

import math

import numpy as np

from loadprofiles.profile import NS_PER_S, Nanoseconds, Profile, total

_ROUNDING = 1e-9


def constant_arrivals(profile: Profile, *, seed: int) -> Nanoseconds:
    """Evenly spaced on the axis of counts; `seed` changes nothing."""
    del seed
    count = math.ceil(total(profile) * (1 - _ROUNDING))
    at_s = profile.when(np.arange(count, dtype=np.float64))
    return np.rint(at_s * NS_PER_S).astype(np.int64)
