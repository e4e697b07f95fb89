"""From counts to a status: the rule for criteria on shares (accuracy, errors, latency budget).

Knows the criteria's thresholds and which statistic answers which question; refuses to know rows and files.

The gate runs two mixture e-processes at alpha: one against "worse by the margin" (crossed: PASS), one
against "not worse by the margin" (crossed: FAIL). They are looked at after each of 64 blocks of time; if
the one that holds at the end meets an earlier crossing of the other, the effect changed during the run, and
the answer is HOLD. PASS also needs `min_pairs`, and `min_discordant` discordant pairs unless the equal
pairs alone would pass. An absolute cap is held by the exact binomial bound. With both, the worse answer
counts. Tango's interval and the mid-p value are reported for one look and decide nothing. Called by
`judge.verdict`.
"""

import math
from dataclasses import dataclass
from typing import TypedDict

from judge import clopper_pearson
from judge.criteria import Criteria, Criterion, Margin, Metric, Test
from judge.kinds import ACCURATE, ANSWERED, Goodness, Ints, Kinds
from judge.mcnemar import mid_p
from judge.mixture_eprocess import confidence_sequence, log_e_fail, log_e_pass, log_mixture
from judge.paired import PairedCounts
from judge.pairs import over_budget
from judge.result import Result
from judge.sample_size import pairs_to_decide
from judge.sentences import Shown, cap_sentence, difference_sentence
from judge.status import Status, combine
from judge.tango import tango_interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One criterion in one scenario, and who is compared. `margin` is None where a cap or nothing holds."""

    criterion: Criterion
    criteria: Criteria
    baseline: str
    candidate: str
    faulted: bool
    margin: Margin | None
    seed: int = 0

    @property
    def superiority(self) -> bool:
        """Whether an uplift is wanted; under faults, not to be worse by the margin is enough."""
        return self.criterion.test is Test.SUPERIORITY and not self.faulted

    @property
    def least_better(self) -> float | None:
        """How much better the candidate must at least be: minus the margin, or the wanted uplift."""
        if self.superiority:
            return self.margin.size if self.margin else 0.0
        return -self.margin.size if self.margin else None

    @property
    def cap(self) -> float | None:
        """The most that the candidate's share of bad answers may be, on clean pairs."""
        if self.faulted:
            return None
        return 1.0 - self.criterion.min if self.criterion.min is not None else self.criterion.max

    @property
    def decides(self) -> bool:
        """Whether anything is asked here that the verdict depends on."""
        return self.criterion.decides and (self.least_better is not None or self.cap is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Gate:
    status: Status
    log_e_pass: float | None = None
    log_e_fail: float | None = None
    pairs_needed: int | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cap:
    status: Status
    limit: float | None = None
    lower: float | None = None
    upper: float | None = None


def judge_share(question: Question, kinds: Kinds, *, budgets_ns: tuple[int, ...]) -> Result:
    """The result of one criterion on shares."""
    goodness = _goodness(question.criterion, budgets_ns)
    counts = kinds.paired(goodness, faulted=question.faulted)
    if counts.n == 0:
        return without_pairs(question)
    gate = _gate(question, counts, so_far=kinds.paired_so_far(goodness, faulted=question.faulted))
    cap = _cap(question, counts)
    status = combine((gate.status, cap.status)) if question.decides else Status.INFO
    bounds = confidence_sequence(counts, alpha=question.criteria.alpha)
    sentence = _sentence(question, gate=gate, cap=cap, bounds=bounds)
    return _result(question, counts, gate=gate, cap=cap, bounds=bounds, status=status, sentence=sentence)


def without_pairs(question: Question) -> Result:
    """What is said where there is nothing to judge: nothing, and never PASS."""
    which = "faulted" if question.faulted else "clean"
    what = "labelled pairs" if question.criterion.metric is Metric.ACCURACY else "pairs"
    return Result(
        **identity(question),
        status=Status.HOLD if question.decides else Status.INFO,
        sentence=f"{question.criterion.id}: no {which} {what} to judge by: hold",
        pairs_needed=question.criteria.min_pairs,
    )


class Identity(TypedDict):
    """The keys of a result that come from the criteria."""

    id: str
    metric: str
    role: str
    test: str
    statistic: str
    direction: str
    against: str
    scenario: str
    decides: bool
    margin: float | None


def identity(question: Question) -> Identity:
    """What a result says before anything was counted."""
    criterion = question.criterion
    return Identity(
        id=criterion.id,
        metric=criterion.metric.value,
        role=criterion.role.value,
        test=criterion.test.value,
        statistic=_STATISTICS[criterion.metric].format(quantile=criterion.quantile),
        direction="higher" if criterion.metric is Metric.ACCURACY else "lower",
        against=question.baseline,
        scenario="faulted" if question.faulted else "clean",
        decides=question.decides,
        margin=question.margin.size if question.margin else None,
    )


_NOT_STATIONARY = "not stationary"
_STATISTICS = {
    Metric.ACCURACY: "share",
    Metric.ERROR_RATE: "share",
    Metric.LATENCY_BUDGET: "exceedance",
    Metric.LATENCY_QUANTILE: "quantile({quantile:g})",
}


def _goodness(criterion: Criterion, budgets_ns: tuple[int, ...]) -> Goodness:
    if criterion.metric is Metric.ACCURACY:
        return ACCURATE
    if criterion.metric is Metric.ERROR_RATE:
        return ANSWERED
    return Goodness(bit=over_budget(budgets_ns.index(criterion.budget_ns)), wanted=False)


def _gate(question: Question, counts: PairedCounts, *, so_far: tuple[Ints, Ints, Ints]) -> _Gate:
    """The two processes at the end of the run, and what they were before."""
    least = question.least_better
    if least is None:
        return _Gate(status=Status.INFO)
    threshold = -math.log(question.criteria.alpha)
    for_pass, for_fail = log_e_pass(counts, margin=-least), log_e_fail(counts, margin=-least)
    status, note = _decide(
        question.criteria,
        counts,
        passed=for_pass >= threshold,
        failed=for_fail >= threshold,
        once_passed=_ever(so_far, margin=-least, threshold=threshold),
        once_failed=_ever((so_far[1], so_far[0], so_far[2]), margin=least, threshold=threshold),
    )
    if status is Status.PASS and not _rests_on_enough(question.criteria, counts, margin=-least):
        status = Status.HOLD
        note = f"{counts.discordant} of at least {question.criteria.min_discordant} pairs that differ"
    waiting = status is Status.HOLD and not note.startswith(_NOT_STATIONARY)
    needed = _further_pairs(question.criteria, counts, margin=-least) if waiting else None
    return _Gate(status=status, log_e_pass=for_pass, log_e_fail=for_fail, pairs_needed=needed, note=note)


def _decide(
    criteria: Criteria,
    counts: PairedCounts,
    *,
    passed: bool,
    failed: bool,
    once_passed: bool,
    once_failed: bool,
) -> tuple[Status, str]:
    if counts.n < criteria.min_pairs:
        return Status.HOLD, f"{counts.n} of at least {criteria.min_pairs} pairs"
    if passed and once_failed:
        return Status.HOLD, f"{_NOT_STATIONARY}: it failed earlier in the run and passes at its end"
    if failed and once_passed:
        return Status.HOLD, f"{_NOT_STATIONARY}: it passed earlier in the run and fails at its end"
    if failed:
        return Status.FAIL, ""
    return (Status.PASS, "") if passed else (Status.HOLD, "not enough evidence yet")


def _ever(so_far: tuple[Ints, Ints, Ints], *, margin: float, threshold: float) -> bool:
    better, worse, equal = (counts.astype(float) for counts in so_far)
    return bool((log_mixture(better, worse, equal, margin=margin) >= threshold).any())


def _rests_on_enough(criteria: Criteria, counts: PairedCounts, *, margin: float) -> bool:
    """Enough pairs that differ, or so many equal ones that they alone would pass."""
    if counts.discordant >= criteria.min_discordant:
        return True
    alone = log_e_pass(PairedCounts(both=counts.equal), margin=margin)
    return alone >= -math.log(criteria.alpha)


def _further_pairs(criteria: Criteria, counts: PairedCounts, *, margin: float) -> int | None:
    total = pairs_to_decide(counts, margin=margin, alpha=criteria.alpha)
    if total is None:
        return None
    if 0 < counts.discordant < criteria.min_discordant:
        total = max(total, math.ceil(counts.n * criteria.min_discordant / counts.discordant))
    return max(total, criteria.min_pairs, counts.n + 1) - counts.n


def _cap(question: Question, counts: PairedCounts) -> _Cap:
    """The candidate's share of bad answers against its absolute cap, on clean pairs."""
    limit = question.cap
    if limit is None:
        return _Cap(status=Status.INFO)
    bad, alpha = counts.worse + counts.neither, question.criteria.alpha
    upper = clopper_pearson.upper_bound(bad, counts.n, alpha=alpha)
    lower = clopper_pearson.lower_bound(bad, counts.n, alpha=alpha)
    status = Status.PASS if upper <= limit else Status.FAIL if lower > limit else Status.HOLD
    return _Cap(status=status, limit=limit, lower=lower, upper=upper)


def _sentence(question: Question, *, gate: _Gate, cap: _Cap, bounds: tuple[float, float]) -> str:
    shown = Shown(
        candidate=question.candidate,
        baseline=question.baseline,
        low=bounds[0],
        high=bounds[1],
        limit=question.margin.size if question.margin else None,
        alpha=question.criteria.alpha,
        status=gate.status,
        note=gate.note,
        superiority=question.superiority,
        faulted=question.faulted,
    )
    sentence = difference_sentence(question.criterion, shown)
    if cap.limit is None or cap.upper is None or cap.lower is None:
        return sentence
    bound = cap.lower if cap.status is Status.FAIL else cap.upper
    return f"{sentence}; {cap_sentence(question.criterion, bound=bound, cap=cap.limit, status=cap.status)}"


def _result(
    question: Question,
    counts: PairedCounts,
    *,
    gate: _Gate,
    cap: _Cap,
    bounds: tuple[float, float],
    status: Status,
    sentence: str,
) -> Result:
    higher = question.criterion.metric is Metric.ACCURACY
    lower, upper = _natural(tango_interval(counts, alpha=question.criteria.alpha), higher)
    gate_lower, gate_upper = _natural(bounds, higher)
    return Result(
        **identity(question),
        status=status,
        sentence=sentence,
        n=counts.n,
        estimate=counts.difference if higher else -counts.difference,
        baseline=counts.baseline if higher else (counts.better + counts.neither) / counts.n,
        candidate=counts.candidate if higher else (counts.worse + counts.neither) / counts.n,
        lower=lower,
        upper=upper,
        gate_lower=gate_lower,
        gate_upper=gate_upper,
        log_e_pass=gate.log_e_pass,
        log_e_fail=gate.log_e_fail,
        mid_p=mid_p(counts),
        better=counts.better,
        worse=counts.worse,
        discordant=counts.discordant,
        cap=cap.limit,
        cap_lower=cap.lower,
        cap_upper=cap.upper,
        pairs_needed=gate.pairs_needed,
    )


def _natural(bounds: tuple[float, float], higher: bool) -> tuple[float, float]:
    """Bounds in the metric's own direction: of errors, more is worse."""
    return bounds if higher else (-bounds[1], -bounds[0])
