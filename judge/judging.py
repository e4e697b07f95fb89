"""Every criterion in every scenario that the data holds: clean pairs, and pairs that met a fault.

Knows which rule judges which metric, and that a computation which fails decides INVALID and nothing else;
refuses to combine. Under faults only criteria with a `margin_under_fault` decide; the others are told for
information. Called by `judge.verdict`.
"""

from collections.abc import Callable, Iterator

from judge.criteria import Criteria, Criterion, Metric
from judge.measurement import Measurement
from judge.pairs import Mark
from judge.quantile_rule import judge_quantile
from judge.result import Result
from judge.rule import Question, identity, judge_share
from judge.status import Status

Judge = Callable[[Question, Measurement], Result]


def judge_criteria(measured: Measurement, criteria: Criteria, *, seed: int) -> tuple[Result, ...]:
    """Results in the order of the criteria, clean before faulted."""
    return tuple(
        _judge(question, measured)
        for criterion in criteria.criteria
        for question in _questions(criterion, criteria, measured=measured, seed=seed)
    )


def _questions(
    criterion: Criterion, criteria: Criteria, *, measured: Measurement, seed: int
) -> Iterator[Question]:
    kinds = measured.kinds
    was_faulted = bool(kinds.total(kinds.complete & kinds.scenario(faulted=True)))
    for faulted, margin in ((False, criterion.margin), (True, criterion.margin_under_fault)):
        if not faulted or was_faulted or margin is not None:
            yield Question(
                criterion=criterion,
                criteria=criteria,
                baseline=measured.arms.baseline,
                candidate=measured.arms.candidate,
                faulted=faulted,
                margin=margin,
                seed=seed,
            )


def _judge(question: Question, measured: Measurement) -> Result:
    try:
        return _JUDGES[question.criterion.metric](question, measured)
    except (ArithmeticError, ValueError) as error:
        sentence = f"{question.criterion.id} could not be computed: {error}"
        return Result(**identity(question), status=Status.INVALID, sentence=sentence)


def _share(question: Question, measured: Measurement) -> Result:
    return judge_share(question, measured.kinds, budgets_ns=measured.budgets_ns)


def _budget(question: Question, measured: Measurement) -> Result:
    _refuse_untimed(question, measured)
    return _share(question, measured)


def _quantile(question: Question, measured: Measurement) -> Result:
    _refuse_untimed(question, measured)
    baseline_ns, candidate_ns = measured.latencies(faulted=question.faulted)
    return judge_quantile(question, baseline_ns=baseline_ns, candidate_ns=candidate_ns)


_JUDGES: dict[Metric, Judge] = {
    Metric.ACCURACY: _share,
    Metric.ERROR_RATE: _share,
    Metric.LATENCY_BUDGET: _budget,
    Metric.LATENCY_QUANTILE: _quantile,
}


def _refuse_untimed(question: Question, measured: Measurement) -> None:
    kinds = measured.kinds
    among = kinds.complete & kinds.scenario(faulted=question.faulted)
    for name, arm in ((question.baseline, kinds.baseline), (question.candidate, kinds.candidate)):
        untimed = kinds.marked(Mark.UNTIMED, arm=arm, among=among)
        if untimed:
            raise ValueError(f"{untimed:,} answers of {name!r} have no instants that make a latency")
