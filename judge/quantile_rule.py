"""From paired latencies to a status: the rule for criteria on a latency quantile.

Knows the bootstrap of the ratio and its threshold; refuses to know rows and files. A fixed-n statistic: it
is meant for one look at the end of a run. A quantile with fewer than ten pairs beyond it has no bounds, and
HOLDs. Called by `judge.verdict`.
"""

import math

from judge.bootstrap import Ints, QuantileRatio, enough_for, quantile_ratio
from judge.result import Result
from judge.rule import Question, identity, without_pairs
from judge.sentences import Shown, ratio_sentence
from judge.status import Status

_NS_PER_MS = 1e6


def judge_quantile(question: Question, *, baseline_ns: Ints, candidate_ns: Ints) -> Result:
    """The result of one latency_quantile criterion."""
    quantile = question.criterion.quantile or 0.0
    if not len(baseline_ns):
        return without_pairs(question)
    found = quantile_ratio(
        baseline_ns, candidate_ns, quantile=quantile, alpha=question.criteria.alpha, seed=question.seed
    )
    status, note = _decide(question, found)
    hold = status is Status.HOLD
    return Result(
        **identity(question),
        status=status if question.decides else Status.INFO,
        sentence=_sentence(question, found, status=status, note=note),
        n=found.n,
        estimate=found.ratio,
        baseline=found.baseline_ns / _NS_PER_MS,
        candidate=found.candidate_ns / _NS_PER_MS,
        lower=found.lower,
        upper=found.upper,
        gate_lower=found.gate_lower,
        gate_upper=found.gate_upper,
        pairs_needed=_further_pairs(question, found) if hold else None,
    )


def _limit(question: Question) -> float | None:
    """The ratio that the candidate must stay under."""
    least = question.least_better
    return None if least is None else 1.0 - least


def _decide(question: Question, found: QuantileRatio) -> tuple[Status, str]:
    limit = _limit(question)
    if limit is None:
        return Status.INFO, ""
    if found.n < question.criteria.min_pairs:
        return Status.HOLD, f"{found.n} of at least {question.criteria.min_pairs} pairs"
    if not enough_for(question.criterion.quantile or 0.0, found.n):
        return Status.HOLD, f"{found.n} pairs are too few for that quantile"
    if found.gate_lower > limit:
        return Status.FAIL, ""
    return (Status.PASS, "") if found.gate_upper < limit else (Status.HOLD, "not enough evidence yet")


def _sentence(question: Question, found: QuantileRatio, *, status: Status, note: str) -> str:
    shown = Shown(
        candidate=question.candidate,
        baseline=question.baseline,
        low=found.gate_lower,
        high=found.gate_upper,
        limit=question.margin.size if question.margin else None,
        alpha=question.criteria.alpha,
        status=status,
        note=note,
        superiority=question.superiority,
        faulted=question.faulted,
    )
    return ratio_sentence(question.criterion, shown)


def _further_pairs(question: Question, found: QuantileRatio) -> int | None:
    """Pairs until the interval, which narrows with √n, no longer holds the limit; None if that is unknown."""
    quantile, limit = question.criterion.quantile or 0.0, _limit(question) or 1.0
    least = max(question.criteria.min_pairs, math.ceil(10 / min(quantile, 1.0 - quantile)))
    if found.n < least:
        return least - found.n
    edges = (found.gate_lower, found.ratio, found.gate_upper)
    if not all(math.isfinite(edge) and edge > 0.0 for edge in edges) or found.ratio == limit:
        return None
    edge = found.gate_upper if found.ratio < limit else found.gate_lower
    reach = math.log(edge / found.ratio) / math.log(limit / found.ratio)
    return max(math.ceil(found.n * reach**2), found.n + 1) - found.n
