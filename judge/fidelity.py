"""Did the engine send what was planned, when it was planned? If not, the run measured the engine.

Definition: lag is sent − due; shed requests were planned and not sent. The rate is (n − 1) over the span of n
instants. CV is the standard deviation of the gaps over their mean (0 even, 1 Poisson); the index of
dispersion is the variance of counts in windows over their mean, at 0.2, 1 and 10 s (1 Poisson), planned
against sent: a generator that bunches or smooths requests shows there and not in its rate. Source: Cox and
Lewis 1966 for the indices; Schroeder, Wierman and Harchol-Balter 2006 for why open arrivals matter. Works
on arrays of instants in ns; knows no files. Called by `judge.verdict` and by the replay's summary.
"""

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

WINDOWS_S = (0.2, 1.0, 10.0)
SHED = -1
_NS_PER_S = 1e9

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fidelity:
    """Planned against sent. A figure that the instants cannot give (one request, one window) is None."""

    planned: int
    sent: int
    shed: int
    shed_share: float
    requested_rate_per_s: float | None
    achieved_rate_per_s: float | None
    lag_p50_ms: float | None
    lag_p90_ms: float | None
    lag_p99_ms: float | None
    lag_max_ms: float | None
    cv_planned: float | None
    cv_sent: float | None
    dispersion_planned: dict[str, float | None]
    dispersion_sent: dict[str, float | None]

    def as_json(self) -> dict[str, object]:
        """The same as a JSON object."""
        return asdict(self)


def fidelity(*, due_ns: Ints, sent_ns: Ints, requested_rate_per_s: float | None = None) -> Fidelity:
    """Compare instants of the same requests; `sent_ns` is -1 where a request was shed.

    Without `requested_rate_per_s` the rate of the due instants is taken.

    >>> due = np.arange(5) * 1_000_000_000
    >>> found = fidelity(due_ns=due, sent_ns=due + 2_000_000)
    >>> found.requested_rate_per_s, found.lag_p99_ms, found.cv_sent
    (1.0, 2.0, 0.0)
    """
    if len(due_ns) != len(sent_ns):
        raise ValueError(f"{len(due_ns)} due instants but {len(sent_ns)} sent instants")
    was_sent = sent_ns != SHED
    due, sent = np.sort(due_ns), np.sort(sent_ns[was_sent])
    lag_ms = np.sort(sent_ns[was_sent] - due_ns[was_sent]) / 1e6
    shed = len(due) - len(sent)
    return Fidelity(
        planned=len(due),
        sent=len(sent),
        shed=shed,
        shed_share=shed / len(due) if len(due) else 0.0,
        requested_rate_per_s=requested_rate_per_s or _rate_per_s(due),
        achieved_rate_per_s=_rate_per_s(sent),
        lag_p50_ms=_quantile(lag_ms, 0.5),
        lag_p90_ms=_quantile(lag_ms, 0.9),
        lag_p99_ms=_quantile(lag_ms, 0.99),
        lag_max_ms=_quantile(lag_ms, 1.0),
        cv_planned=_cv(due),
        cv_sent=_cv(sent),
        dispersion_planned=_dispersions(due),
        dispersion_sent=_dispersions(sent),
    )


def _rate_per_s(instants_ns: Ints) -> float | None:
    span_ns = instants_ns[-1] - instants_ns[0] if len(instants_ns) else 0
    return float((len(instants_ns) - 1) / span_ns * _NS_PER_S) if span_ns > 0 else None


def _quantile(ordered: NDArray[np.float64], level: float) -> float | None:
    """The smallest value with a share of at least `level` at or under it."""
    if not len(ordered):
        return None
    return float(ordered[max(int(np.ceil(round(len(ordered) * level, 9))) - 1, 0)])


def _cv(instants_ns: Ints) -> float | None:
    gaps = np.diff(instants_ns)
    mean = gaps.mean() if len(gaps) else 0.0
    return float(gaps.std() / mean) if mean > 0.0 else None


def _dispersions(instants_ns: Ints) -> dict[str, float | None]:
    return {f"{window_s:g}": _dispersion(instants_ns, window_s=window_s) for window_s in WINDOWS_S}


def _dispersion(instants_ns: Ints, *, window_s: float) -> float | None:
    """Variance over mean of the counts in whole windows; None with fewer than two of them."""
    window_ns = int(window_s * _NS_PER_S)
    whole = int((instants_ns[-1] - instants_ns[0]) // window_ns) if len(instants_ns) else 0
    if whole < 2:
        return None
    index = (instants_ns - instants_ns[0]) // window_ns
    counts = np.bincount(index[index < whole], minlength=whole)
    return float(counts.var(ddof=1) / counts.mean())
