"""Independent arrivals around the rate: the inhomogeneous Poisson process, by inversion.

Gaps of a Poisson process of rate 1 are exponential with mean 1; their running sums are its points on the
axis of counts, and Λ⁻¹ carries them to the axis of time (Çinlar, *Introduction to Stochastic Processes*,
1975, ch. 4). Unlike thinning it wastes no draw, and a longer profile with the same beginning has the same
first arrivals.
"""

import math

import numpy as np

from loadprofiles.profile import NS_PER_S, Floats, Nanoseconds, Profile, total

_STREAM = (
    1  # of the seed's streams, the one for arrivals: other draws with the same seed are independent of it
)


def poisson_arrivals(profile: Profile, *, seed: int) -> Nanoseconds:
    """Poisson around the profile's rate; the same profile and seed give the same instants."""
    points = _unit_rate_points(total(profile), seed=seed)
    return np.rint(profile.when(points) * NS_PER_S).astype(np.int64)


def _unit_rate_points(end: float, *, seed: int) -> Floats:
    """The points in [0, `end`) of a Poisson process of rate 1."""
    generator = np.random.Generator(np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(_STREAM,))))
    points = np.empty(0)
    last = 0.0
    while last < end:
        ahead = end - last
        gaps = generator.standard_exponential(math.ceil(ahead + 6 * math.sqrt(ahead) + 6))
        points = np.append(points, last + np.cumsum(gaps))
        last = float(points[-1])
    return points[: np.searchsorted(points, end)]
