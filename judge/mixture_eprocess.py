"""The gate: a mixture of bets on paired answers, valid at any moment that someone looks.

Definition: let d be +1 for a pair that only the candidate got right, −1 for one that only the baseline got
right, 0 otherwise. Against "the candidate is worse by at least the margin δ" (E[d] ≤ −δ) a gambler who
stakes the share λ of the wealth on every pair has K = Π(1 + λ(d + δ)), which under that hypothesis grows in
expectation for no λ in [0, 1/(1 − δ)). The mean of K over a fixed grid of 24 stakes is again such a
process, so that by Ville's inequality it ever reaches 1/alpha with probability alpha at most, however often
one looks. Against "not worse by the margin" the same with the signs mirrored. Since d has three values, K
depends on three counts alone: order does not matter, counts of parts add up, and the same rows give the
same number.

Source: Waudby-Smith and Ramdas 2024 (JRSS B 86:1-27) for bets; Ville 1939. Simulated at α = .05, ψ = .05, δ
= .01 with continuous looks up to 40,000 pairs: a candidate at the margin passes in 2.5 % of runs; an equal
one needs a median of about 4,000 pairs. Finite-sample exact if each pair's difference has the same
conditional mean bound; users who repeat (clusters) make it too sure. Called by `judge.rule`.
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import logsumexp

from judge.paired import PairedCounts

Floats = NDArray[np.float64]

_STAKES: Floats = np.geomspace(0.005, 0.9, 24)
_EDGE = 1.0 - 1e-9


def log_e_pass(counts: PairedCounts, *, margin: float) -> float:
    """Log evidence against "worse by `margin` or more"; a negative margin asks for an uplift.

    >>> round(log_e_pass(PairedCounts(better=100, worse=100, both=3800), margin=0.01), 5)
    2.31438
    """
    return float(log_mixture(counts.better, counts.worse, counts.equal, margin=margin))


def log_e_fail(counts: PairedCounts, *, margin: float) -> float:
    """Log evidence against "not worse by `margin`".

    >>> round(log_e_fail(PairedCounts(better=10, worse=40, both=450), margin=0.01), 5)
    4.72815
    """
    return float(log_mixture(counts.worse, counts.better, counts.equal, margin=-margin))


def log_mixture(
    better: float | Floats, worse: float | Floats, equal: float | Floats, *, margin: float
) -> Floats:
    """ln K for whole arrays of counts (or scaled counts) at once."""
    if not -1.0 < margin < 1.0:
        raise ValueError(f"a margin must lie between -1 and 1, not {margin}")
    stake = _STAKES / (1.0 - margin)
    logs = (
        np.multiply.outer(np.asarray(better, float), np.log1p(stake * (1.0 + margin)))
        + np.multiply.outer(np.asarray(equal, float), np.log1p(stake * margin))
        + np.multiply.outer(np.asarray(worse, float), np.log1p(-_STAKES))
    )
    mixed: Floats = logsumexp(logs, axis=-1) - math.log(len(_STAKES))
    return mixed


def confidence_sequence(counts: PairedCounts, *, alpha: float = 0.05) -> tuple[float, float]:
    """Bounds of candidate − baseline, each valid at all moments with 1 − alpha, by inversion over the margin.

    >>> low, high = confidence_sequence(PairedCounts(better=100, worse=100, both=3800))
    >>> round(low, 4), round(high, 4)
    (-0.011, 0.011)
    """
    high = _lower(worse=counts.better, better=counts.worse, equal=counts.equal, alpha=alpha)
    return _lower(better=counts.better, worse=counts.worse, equal=counts.equal, alpha=alpha), -high


def _lower(*, better: int, worse: int, equal: int, alpha: float) -> float:
    """Minus the smallest margin that the pass process has proven, -1 if none."""
    threshold = -math.log(alpha)

    def excess(margin: float) -> float:
        return float(log_mixture(better, worse, equal, margin=margin)) - threshold

    if excess(_EDGE) < 0.0:
        return -1.0
    return -float(brentq(excess, -_EDGE, _EDGE, xtol=1e-12))
