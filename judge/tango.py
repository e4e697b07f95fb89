"""Tango's score interval for the difference of two paired shares.

Definition: the differences δ with |T(δ)| ≤ z, where T(δ) = (n10 − n01 − nδ) / √(n(2q + δ(1−δ))) and q is the
maximum-likelihood estimate of the share of baseline-only pairs under that δ.
Source: Tango 1998 (Statistics in Medicine 17:891-908). Coverage at nominal 95 % between 94.9 and 98.8 %
over six settings; never of width zero, also when all pairs are equal. Fixed n: for one look, at the end.
Called by `judge.rule`, for the report.
"""

import math

from scipy.optimize import brentq
from scipy.stats import norm

from judge.paired import PairedCounts

_EDGE = 1.0 - 1e-12


def tango_interval(counts: PairedCounts, *, alpha: float = 0.05) -> tuple[float, float]:
    """Two-sided 1 − alpha interval of candidate − baseline; (−1, 1) without pairs.

    >>> low, high = tango_interval(PairedCounts(better=12, worse=5, both=83))
    >>> round(low, 5), round(high, 5)
    (-0.01186, 0.15742)
    """
    if counts.n == 0:
        return -1.0, 1.0
    z = float(norm.isf(alpha / 2.0))
    return _root(counts, target=z, end=-1.0), _root(counts, target=-z, end=1.0)


def _root(counts: PairedCounts, *, target: float, end: float) -> float:
    """The δ between the estimate and `end` where the score, which falls in δ, is `target`."""
    estimate = min(max(counts.difference, -_EDGE), _EDGE)
    far = end * _EDGE
    if estimate == far or (_score(counts, far) - target) * end > 0.0:
        return end
    near = estimate + end * 1e-13  # the score is 0/0 at the estimate if all pairs are equal
    return float(brentq(lambda delta: _score(counts, delta) - target, near, far, xtol=1e-12))


def _score(counts: PairedCounts, delta: float) -> float:
    distance = counts.better - counts.worse - counts.n * delta
    variance = counts.n * (2.0 * _baseline_only(counts, delta) + delta * (1.0 - delta))
    if variance <= 0.0:
        return math.copysign(math.inf, distance) if distance else 0.0
    return distance / math.sqrt(variance)


def _baseline_only(counts: PairedCounts, delta: float) -> float:
    """Share of baseline-only pairs, by maximum likelihood given the difference `delta`."""
    a = 2.0 * counts.n
    b = -counts.better - counts.worse + (2.0 * counts.n - counts.better + counts.worse) * delta
    c = -counts.worse * delta * (1.0 - delta)
    return (math.sqrt(max(b * b - 4.0 * a * c, 0.0)) - b) / (2.0 * a)
