"""How many pairs a decision needs, before a run from a plan, or after one from its counts.

Definition: a fixed sample of n = (z(1−alpha) + z(power))²·ψ/(Δ + δ)² pairs shows, with that power, that a
candidate which truly differs by Δ is not worse by the margin δ, where ψ is the share of discordant pairs.
The gate that may be watched needs about twice as many at the worst and 0.8 to 1.0 times as many in the
median where Δ ≥ 0. Source: Connor 1987 (Biometrics 43:207-211), simplified by leaving out (Δ + δ)² against
ψ. Called by `judge.rule` for `next.pairs_needed`, and by whoever plans a run.
"""

import math

from scipy.optimize import brentq
from scipy.stats import norm

from judge.mixture_eprocess import log_mixture
from judge.paired import PairedCounts

ANYTIME_FACTOR = 2.0
MAX_PAIRS = 10**9


def pairs_for_margin(
    margin: float, *, discordance: float, difference: float = 0.0, alpha: float = 0.05, power: float = 0.9
) -> int:
    """Pairs in a fixed sample; `ValueError` if the candidate is expected at or beyond the margin.

    >>> pairs_for_margin(0.01, discordance=0.05), pairs_for_margin(0.005, discordance=0.02)
    (4282, 6852)
    """
    room = margin + difference
    if room <= 0.0:
        raise ValueError(f"no number of pairs shows a difference of {difference} to be within {margin}")
    z = float(norm.isf(alpha)) + float(norm.ppf(power))
    return math.ceil(z * z * discordance / room**2)


def pairs_while_watching(
    margin: float, *, discordance: float, difference: float = 0.0, alpha: float = 0.05, power: float = 0.9
) -> int:
    """Pairs after which the gate has decided in nine of ten runs.

    >>> pairs_while_watching(0.01, discordance=0.05)
    8564
    """
    fixed = pairs_for_margin(margin, discordance=discordance, difference=difference, alpha=alpha, power=power)
    return math.ceil(ANYTIME_FACTOR * fixed)


def unpaired_per_arm(margin: float, *, share: float, alpha: float = 0.05, power: float = 0.9) -> int:
    """Requests per arm that the same decision takes without pairing, for comparison.

    >>> unpaired_per_arm(0.01, share=0.9)
    15415
    """
    z = float(norm.isf(alpha)) + float(norm.ppf(power))
    return math.ceil(z * z * 2.0 * share * (1.0 - share) / margin**2)


def pairs_to_decide(counts: PairedCounts, *, margin: float, alpha: float = 0.05) -> int | None:
    """Total pairs at which one of the two processes crosses if shares stay as counted; None beyond 10⁹.

    >>> pairs_to_decide(PairedCounts(both=100), margin=0.01)
    626
    """
    if counts.n == 0:
        return None
    crossings = [
        _crossing(counts.better, counts.worse, counts.equal, margin=margin, alpha=alpha),
        _crossing(counts.worse, counts.better, counts.equal, margin=-margin, alpha=alpha),
    ]
    reached = [factor for factor in crossings if factor is not None]
    return math.ceil(round(min(reached) * counts.n, 6)) if reached else None


def _crossing(better: int, worse: int, equal: int, *, margin: float, alpha: float) -> float | None:
    """The factor by which counts must grow; ln K is convex in it and starts at 0, so it crosses once."""
    threshold = -math.log(alpha)

    def excess(factor: float) -> float:
        scaled = log_mixture(better * factor, worse * factor, equal * factor, margin=margin)
        return float(scaled) - threshold

    largest = MAX_PAIRS / (better + worse + equal)
    if excess(largest) < 0.0:
        return None
    return float(brentq(excess, 0.0, largest, xtol=1e-9, rtol=1e-12))
