"""The ratio of two latency quantiles on paired requests, by a Poisson bootstrap.

Definition: the quantile p of n latencies is the smallest one with a share of at least p at or under it; the
ratio is candidate's over baseline's. Each replicate gives every *pair* a weight drawn from Poisson(1), the
same for both arms, and takes both weighted quantiles; the interval is the replicates' percentiles. Source:
Efron and Tibshirani 1993 (percentile interval); Hanley and MacGibbon 2006 (Poisson weights).

How it stays small: a replicate's quantile lies within seven standard errors of the sample's, so pairs are
first counted in a table of 130 × 130 cells cut at order statistics around both quantiles. A sum of k
Poisson(1) weights is Poisson(k), so one draw per cell replaces one draw per pair, exactly. Counts do not
depend on row order, so the same pairs and seed give the same interval bit for bit. A request that failed
has the latency `FAILED_NS`: it cannot look fast. Fixed n: one look, at the end; for a gate that is watched
use a latency budget. Called by `judge.rule`.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FAILED_NS = 2**62
REPLICATES = 1000
MIN_BEYOND = 10
_CUTS = 129
_REACH_SE = 7.0
_BATCH = 1 << 20
_DRAWS = 1 << 21

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class QuantileRatio:
    """Both quantiles in ns (infinite where so many failed) and their ratio with its bounds.

    `lower`, `upper`: two-sided 1 − alpha; `gate_lower`, `gate_upper`: each one-sided 1 − alpha.
    """

    n: int
    baseline_ns: float
    candidate_ns: float
    ratio: float
    lower: float
    upper: float
    gate_lower: float
    gate_upper: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cells:
    baseline_cuts: Ints
    candidate_cuts: Ints
    baseline_cell: Ints
    candidate_cell: Ints
    pairs: Ints


def enough_for(quantile: float, n: int) -> bool:
    """Whether some ten pairs lie beyond the quantile on its thinner side; below that its bounds are unknown.

    >>> enough_for(0.99, 999), enough_for(0.99, 1000)
    (False, True)
    """
    return round(n * min(quantile, 1.0 - quantile), 9) >= MIN_BEYOND


def quantile_ratio(
    baseline_ns: Ints, candidate_ns: Ints, *, quantile: float, alpha: float = 0.05, seed: int = 0
) -> QuantileRatio:
    """Ratio of latency quantiles over pairs (two arrays of equal length, in the same order).

    >>> base = np.arange(1, 2001) * 1000
    >>> found = quantile_ratio(base, base * 2, quantile=0.9)
    >>> found.baseline_ns, found.ratio, round(found.gate_upper, 3)
    (1800000.0, 2.0, 2.0)
    """
    if len(baseline_ns) != len(candidate_ns) or not len(baseline_ns):
        raise ValueError(f"needs pairs, got {len(baseline_ns)} and {len(candidate_ns)} latencies")
    cells = _count_cells(baseline_ns, candidate_ns, quantile=quantile)
    logs = _replicate_logs(cells, quantile=quantile, seed=seed)
    observed_b, observed_c = (_observed(values, quantile) for values in (baseline_ns, candidate_ns))
    return QuantileRatio(
        n=len(baseline_ns),
        baseline_ns=observed_b,
        candidate_ns=observed_c,
        ratio=observed_c / observed_b if math.isfinite(observed_b) and observed_b > 0.0 else math.nan,
        lower=_percentile(logs, alpha / 2.0),
        upper=_percentile(logs, 1.0 - alpha / 2.0),
        gate_lower=_percentile(logs, alpha),
        gate_upper=_percentile(logs, 1.0 - alpha),
    )


def _rank(n: int, quantile: float) -> int:
    return min(max(math.ceil(round(n * quantile, 9)) - 1, 0), n - 1)


def _observed(values_ns: Ints, quantile: float) -> float:
    rank = _rank(len(values_ns), quantile)
    return _as_latency(float(np.partition(values_ns, rank)[rank]))


def _as_latency(value_ns: float) -> float:
    return math.inf if value_ns >= FAILED_NS else value_ns


def _cuts(values_ns: Ints, quantile: float) -> Ints:
    """Order statistics, evenly by rank, in the reach of any replicate's quantile."""
    n, middle = len(values_ns), _rank(len(values_ns), quantile)
    reach = math.ceil(_REACH_SE * math.sqrt(n * quantile * (1.0 - quantile))) + 1
    first, last = max(middle - reach, 0), min(middle + reach, n - 1)
    ranks = np.unique(np.linspace(first, last, min(_CUTS, last - first + 1)).astype(np.int64))
    return np.unique(np.partition(values_ns, ranks)[ranks])


def _count_cells(baseline_ns: Ints, candidate_ns: Ints, *, quantile: float) -> _Cells:
    cuts_b, cuts_c = _cuts(baseline_ns, quantile), _cuts(candidate_ns, quantile)
    width = len(cuts_c) + 1
    counted = np.zeros((len(cuts_b) + 1) * width, np.int64)
    for start in range(0, len(baseline_ns), _BATCH):
        rows = slice(start, start + _BATCH)
        row = np.searchsorted(cuts_b, baseline_ns[rows])
        counted += np.bincount(
            row * width + np.searchsorted(cuts_c, candidate_ns[rows]), minlength=counted.size
        )
    filled = np.flatnonzero(counted)
    return _Cells(
        baseline_cuts=cuts_b,
        candidate_cuts=cuts_c,
        baseline_cell=filled // width,
        candidate_cell=filled % width,
        pairs=counted[filled],
    )


def _replicate_logs(cells: _Cells, *, quantile: float, seed: int) -> Floats:
    """Log ratio of both weighted quantiles in every replicate; NaN where both are infinite."""
    chance = np.random.default_rng(seed)
    at_once = max(1, _DRAWS // len(cells.pairs))
    logs: list[float] = []
    while len(logs) < REPLICATES:
        size = (min(at_once, REPLICATES - len(logs)), len(cells.pairs))
        for weights in chance.poisson(cells.pairs, size=size):
            low = _weighted_log(cells.baseline_cuts, cells.baseline_cell, weights, quantile=quantile)
            high = _weighted_log(cells.candidate_cuts, cells.candidate_cell, weights, quantile=quantile)
            logs.append(high - low if math.isfinite(high) or math.isfinite(low) else math.nan)
    return np.array(logs)


def _weighted_log(cuts: Ints, cell: Ints, weights: Ints, *, quantile: float) -> float:
    totals = np.bincount(cell, weights=weights, minlength=len(cuts) + 1)
    heard = np.cumsum(totals)
    place = int(np.searchsorted(heard, round(quantile * heard[-1], 9)))
    value = _as_latency(float(cuts[min(place, len(cuts) - 1)]))
    return math.log(max(value, 1.0))


def _percentile(logs: Floats, level: float) -> float:
    """Percentile of the ratio, rounded outwards; an undefined replicate speaks against both bounds."""
    upward = level > 0.5
    ordered = np.sort(np.where(np.isnan(logs), math.inf if upward else -math.inf, logs))
    place = (len(ordered) - 1) * level
    log = ordered[math.ceil(place) if upward else math.floor(place)]
    return math.inf if log == math.inf else math.exp(log)
