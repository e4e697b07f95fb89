"""Can the measurement be trusted at all? Each "no" is a reason for INVALID, in words, with the fix.

Knows the bounds in the criteria and the self-tests' numbers; refuses to know criteria's results. What
happened to the run itself (a process that died, an interruption) comes from the manifest. Called by
`judge.verdict`.
"""

from collections.abc import Iterator, Mapping, Sequence

from judge.completeness import DIFFERENTIAL_P, Completeness, LabelJoin, Silence
from judge.criteria import Criteria, FidelityBounds
from judge.fidelity import Fidelity
from judge.sentences import percent

_DEATHS = {
    "target_died": "target",
    "proxy_died": "the proxy",
    "recorder_died": "the recorder",
    "engine_died": "the replay engine",
}


_TOLD = {"target_not_ready", "recording_incomplete"}


def event_problems(events: Sequence[Mapping[str, object]]) -> Iterator[str]:
    """Deaths during the run, each with its second, and losses; other kinds of events are no problem."""
    for event in events:
        kind = str(event.get("kind"))
        if kind in _TOLD:
            yield str(event.get("detail"))
        if kind in _DEATHS:
            name = event.get("target") or ""
            who = f"target {name!r}" if kind == "target_died" else _DEATHS[kind]
            detail = f": {event['detail']}" if event.get("detail") else ""
            yield f"{who} died at second {_second(event.get('at_ns'))} of the run{detail}"


def completeness_problems(found: Completeness, criteria: Criteria) -> Iterator[str]:
    """Missing pairs and arms that fell silent."""
    yield from (_silence_words(silence) for silence in found.silent)
    if found.share is not None and found.share < criteria.min_completeness:
        yield (
            f"only {percent(found.share)} of {found.total:,} pairs are complete, "
            f"{percent(criteria.min_completeness)} needed ({found.candidate_missing:,} lack the candidate, "
            f"{found.baseline_missing:,} the baseline, {found.both_missing:,} both)"
        )
    if _is_differential(found, criteria):
        yield (
            f"the arms miss different requests: {found.candidate_missing:,} pairs lack only the candidate, "
            f"{found.baseline_missing:,} only the baseline (p = {found.differential_p:.1g}), so what is left "
            "is not a fair sample; look at dropped copies and limits of the proxy"
        )


def label_problems(found: LabelJoin, criteria: Criteria) -> Iterator[str]:
    """Labels that accuracy needs and that were not found."""
    if not criteria.needs_labels or not found.complete:
        return
    if not found.labelled:
        yield (
            "accuracy is asked for and no request has a label: give the trace a `label` column, or take the "
            "accuracy criterion out of the criteria"
        )
    elif criteria.labels == "required" and (found.share or 0.0) < criteria.min_label_join:
        yield (
            f"only {percent(found.share or 0.0)} of pairs have a label, {percent(criteria.min_label_join)} "
            "needed: complete the trace's labels, or write `labels: optional` if others are missing at random"
        )


def fidelity_problems(found: Fidelity | None, bounds: FidelityBounds) -> Iterator[str]:
    """Requests sent late, not at all, or more slowly than planned."""
    if found is None:
        return
    if found.lag_p99_ms is not None and found.lag_p99_ms > bounds.max_lag_p99_ms:
        yield (
            f"requests were sent late: lag p99 {found.lag_p99_ms:.1f} ms, at most {bounds.max_lag_p99_ms:g} "
            "allowed; lower the rate or give the replay engine more CPU"
        )
    if found.shed_share > bounds.max_shed_share:
        yield (
            f"{found.shed:,} of {found.planned:,} requests were not sent ({percent(found.shed_share)}, at "
            f"most {percent(bounds.max_shed_share)} allowed); raise `max_in_flight` or lower the rate"
        )
    asked, achieved = found.requested_rate_per_s, found.achieved_rate_per_s
    if asked and achieved is not None and achieved < bounds.min_achieved_share * asked:
        yield (
            f"{asked:.1f} requests/s were planned and {achieved:.1f} sent, at least "
            f"{percent(bounds.min_achieved_share)} needed; lower the rate or give the replay engine more CPU"
        )


def _is_differential(found: Completeness, criteria: Criteria) -> bool:
    excess = abs(found.candidate_missing - found.baseline_missing)
    return found.differential_p < DIFFERENTIAL_P and excess > criteria.max_differential_missing * found.total


def _silence_words(silence: Silence) -> str:
    if silence.never:
        return f"target {silence.target!r} never answered ({silence.unanswered:,} requests)"
    return (
        f"target {silence.target!r} stopped answering at second {silence.since_s:.1f} of the run: "
        f"none of the last {silence.unanswered:,} requests was answered"
    )


def _second(at_ns: object) -> str:
    return f"{at_ns / 1e9:.1f}" if isinstance(at_ns, int | float) else "?"
