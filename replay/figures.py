"""What was sent beside what was planned: the engine's own figures, on the way and at the end.

Knows instants and counts only; refuses to judge them (`judge` computes the official ones from the recorded
rows). The names and definitions are the same there: lag is sent − due, and what was shed (sent −1) has
none; a rate is gaps per second between the first and the last arrival, of those planned or of those sent.
Undefined numbers are None.
"""

import math
from collections import Counter

import numpy as np

from loadprofiles.dispersion import gap_cv, index_of_dispersion
from loadprofiles.profile import NS_PER_S, Nanoseconds
from recording.exchange import dropped, was_dropped
from replay.watchdog import Watchdog

_WINDOWS_S = (0.2, 1.0, 10.0)
_QUANTILES = {"lag_p50_ms": 0.5, "lag_p90_ms": 0.9, "lag_p99_ms": 0.99, "lag_max_ms": 1.0}
_NS_PER_MS = 1_000_000
_SHED = dropped("shed")
_NO_SOCKET = dropped("no_socket")

Figure = float | None


def progress_figures(
    *,
    outcomes: Counter[str],
    in_flight: int,
    total: int,
    recent_due_ns: Nanoseconds,
    recent_sent_ns: Nanoseconds,
) -> dict[str, object]:
    """How far a replay is; lag over the arrivals since the last look."""
    dropped = _dropped(outcomes)
    return {
        "sent": outcomes.total() - dropped + in_flight,
        "shed": outcomes[_SHED],
        "total": total,
        "in_flight": in_flight,
        "lag_p99_ms": lags_ms(due_ns=recent_due_ns, sent_ns=recent_sent_ns)["lag_p99_ms"],
    }


def done_figures(
    *,
    outcomes: Counter[str],
    total: int,
    due_ns: Nanoseconds,
    sent_ns: Nanoseconds,
    watchdog: Watchdog,
    starved: int,
) -> dict[str, object]:
    """What became of the arrivals that came due. `limits` names what, in the engine itself, spoiled the
    load."""
    limits = {
        "late_ticks": watchdog.late_ticks if watchdog.limited else 0,
        "messages_not_ready": starved,
        "no_socket": outcomes[_NO_SOCKET],
    }
    return {
        "planned": total,
        "total": total,
        "due": len(due_ns),
        "in_flight": 0,
        "sent": int(np.count_nonzero(sent_ns >= 0)),
        "shed": outcomes[_SHED],
        "outcomes": dict(sorted(outcomes.items())),
        **fidelity(due_ns=due_ns, sent_ns=sent_ns),
        "generator_limited": any(limits.values()),
        "limits": limits,
        "worst_tick_lag_ms": watchdog.worst_lag_ns / _NS_PER_MS,
    }


def fidelity(*, due_ns: Nanoseconds, sent_ns: Nanoseconds) -> dict[str, object]:
    """Rates, lag and scatter of the arrivals that came due; `sent_ns` is -1 for those shed."""
    left = sent_ns[sent_ns >= 0]
    return {
        "requested_rate_per_s": _rate_per_s(due_ns),
        "achieved_rate_per_s": _rate_per_s(left),
        **lags_ms(due_ns=due_ns, sent_ns=sent_ns),
        "cv_planned": _defined(gap_cv(due_ns)),
        "cv_sent": _defined(gap_cv(left)),
        "dispersion_planned": _dispersion(due_ns),
        "dispersion_sent": _dispersion(left),
    }


def lags_ms(*, due_ns: Nanoseconds, sent_ns: Nanoseconds) -> dict[str, Figure]:
    """Quantiles of sent − due over what was sent: the least value with that share at or under it."""
    was_sent = sent_ns >= 0
    lags = (sent_ns[was_sent] - due_ns[was_sent]) / _NS_PER_MS
    if len(lags) == 0:
        return dict.fromkeys(_QUANTILES)
    values = np.quantile(lags, list(_QUANTILES.values()), method="inverted_cdf")
    return dict(zip(_QUANTILES, map(float, values), strict=True))


def _dispersion(at_ns: Nanoseconds) -> dict[str, Figure]:
    """By the length of the windows in seconds."""
    return {
        f"{window_s:g}": _defined(index_of_dispersion(at_ns, window_ns=round(window_s * NS_PER_S)))
        for window_s in _WINDOWS_S
    }


def _dropped(outcomes: Counter[str]) -> int:
    return sum(count for outcome, count in outcomes.items() if was_dropped(outcome))


def _rate_per_s(at_ns: Nanoseconds) -> Figure:
    if len(at_ns) < 2 or at_ns[-1] == at_ns[0]:
        return None
    return float((len(at_ns) - 1) * NS_PER_S / (at_ns[-1] - at_ns[0]))


def _defined(value: float) -> Figure:
    return None if math.isnan(value) else value
