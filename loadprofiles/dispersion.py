"""How arrivals scatter: three numbers that tell even, Poisson and bursty traffic apart.

Knows instants only. Called by the engine to set what was planned beside what was sent, and by tests of the
arrival processes. Even arrivals have 0, 0; Poisson arrivals 1, 1 and no correlation; anything burstier is
above. Undefined values (too few arrivals, no spread) are NaN, never 0.
"""

import math

import numpy as np

from loadprofiles.profile import Nanoseconds


def gap_cv(at_ns: Nanoseconds) -> float:
    """Coefficient of variation of the gaps: standard deviation ÷ mean."""
    gaps = np.diff(at_ns)
    mean = float(gaps.mean()) if len(gaps) else 0.0
    return float(gaps.std()) / mean if mean > 0 else math.nan


def index_of_dispersion(at_ns: Nanoseconds, *, window_ns: int) -> float:
    """Variance ÷ mean of the counts in consecutive windows; whole windows only."""
    if len(at_ns) == 0:
        return math.nan
    windows = int(at_ns[-1] - at_ns[0]) // window_ns
    if windows < 2:
        return math.nan
    number = (at_ns - at_ns[0]) // window_ns
    counts = np.bincount(number[number < windows], minlength=windows)
    return float(counts.var(ddof=1) / counts.mean())


def gap_autocorrelation(at_ns: Nanoseconds) -> float:
    """Correlation of each gap with the next: above 0 where arrivals come in runs."""
    gaps = np.diff(at_ns).astype(np.float64)
    if len(gaps) < 3:
        return math.nan
    centred = gaps - gaps.mean()
    variance = float(centred @ centred)
    return float(centred[1:] @ centred[:-1]) / variance if variance > 0 else math.nan
