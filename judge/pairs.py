"""Rows to pairs to counts, as Ibis expressions: the one place where data is large.

Knows how a row of an exchange becomes a few bits and a latency, how two rows become a pair, and how pairs
become a small table of counts by kind; refuses to run anything, and knows no statistics. The expressions
say the same to any engine; integers and order-free aggregates only, so that shuffled or re-cut rows give
the same counts.

A pair's kind is the marks of both rows. `dropped:not_sampled` was never meant to be a pair; a row that is
missing or was dropped for another reason has no SENT mark. A prediction is right if it is the label's text
(both are canonical JSON) and a value at all. Latency counts from due, from sent where due is unknown;
whoever did not answer well has the latency FAILED_NS and is over every budget. Called by `judge.verdict`.
"""

from collections.abc import Sequence
from enum import IntFlag

import ibis
import ibis.expr.types as ir

from judge.arms import Arms
from judge.bootstrap import FAILED_NS
from recording.exchange import NEVER, Outcome, dropped

BLOCKS = 64
NOT_SAMPLED = dropped("not_sampled")
_NO_VALUE = ("null", "NaN", "Infinity", "-Infinity", '"NaN"', "")


class Mark(IntFlag):
    """What is known of one arm of a pair; bits from FIRST_BUDGET up mean "over that budget"."""

    PRESENT = 1
    SENT = 2
    UNSAMPLED = 4
    OK = 8
    REFUSED = 16
    FAULTED = 32
    LABELLED = 64
    RIGHT = 128
    UNUSABLE = 256
    UNTIMED = 512
    HEARD = 1024
    FIRST_BUDGET = 2048


def over_budget(place: int) -> int:
    """The bit of the budget at `place` in the list that the rows were marked with."""
    return int(Mark.FIRST_BUDGET) << place


def mark_rows(exchanges: ir.Table, *, arms: Arms, budgets_ns: Sequence[int] = ()) -> ir.Table:
    """Rows of both arms as `id`, `arm` (True: candidate), `marks`, `latency_ns`, `moment_ns`."""
    rows = exchanges.filter(exchanges.target.isin([arms.baseline, arms.candidate]))
    answered = rows.outcome == Outcome.OK.value
    start = ibis.ifelse(rows.due_ns != NEVER, rows.due_ns, rows.sent_ns)
    untimed = answered & ((rows.done_ns == NEVER) | (start == NEVER) | (rows.done_ns < start))
    latency = ibis.ifelse(answered & ~untimed, rows.done_ns - start, FAILED_NS)
    no_value = rows.prediction.isnull() | rows.prediction.isin(_NO_VALUE)
    labelled = rows.label.notnull() & ~rows.label.isin(_NO_VALUE)
    marks = [
        (Mark.SENT, ~rows.outcome.startswith("dropped:")),
        (Mark.UNSAMPLED, rows.outcome == NOT_SAMPLED),
        (Mark.OK, answered),
        (Mark.HEARD, rows.outcome.isin([Outcome.OK.value, Outcome.HTTP_ERROR.value])),
        (Mark.REFUSED, rows.outcome == Outcome.REFUSED.value),
        (Mark.FAULTED, rows.faults.length() > 0),
        (Mark.LABELLED, labelled),
        (Mark.RIGHT, answered & ~no_value & (rows.prediction == rows.label)),
        (Mark.UNUSABLE, answered & no_value),
        (Mark.UNTIMED, untimed),
        *((over_budget(place), latency > budget_ns) for place, budget_ns in enumerate(budgets_ns)),
    ]
    return rows.select(
        id=rows.request_id,
        arm=rows.target == arms.candidate,
        marks=sum((_bit(bit, holds) for bit, holds in marks), ibis.literal(int(Mark.PRESENT), "int32")),
        latency_ns=latency,
        moment_ns=start.nullif(NEVER),
    )


def _bit(bit: int, holds: ir.BooleanValue) -> ir.IntegerValue:
    return ibis.ifelse(holds.fill_null(False), ibis.literal(int(bit), "int32"), ibis.literal(0, "int32"))


def pair_up(rows: ir.Table) -> ir.Table:
    """One row per request: marks, latency and number of rows of each arm; marks are 0 where it has none."""
    candidate, baseline = rows.arm, ~rows.arm
    return rows.group_by("id").agg(
        baseline=rows.marks.max(where=baseline).fill_null(0),
        candidate=rows.marks.max(where=candidate).fill_null(0),
        baseline_ns=rows.latency_ns.max(where=baseline).fill_null(FAILED_NS),
        candidate_ns=rows.latency_ns.max(where=candidate).fill_null(FAILED_NS),
        baseline_rows=rows.count(where=baseline),
        candidate_rows=rows.count(where=candidate),
        moment_ns=rows.moment_ns.max(),
    )


def span(pairs: ir.Table) -> ir.Table:
    """First and last moment of the run, as one row."""
    return pairs.agg(first_ns=pairs.moment_ns.min(), last_ns=pairs.moment_ns.max())


def count_kinds(pairs: ir.Table, *, first_ns: int, last_ns: int) -> ir.Table:
    """Pairs by kind and by block of time (BLOCKS equal parts of the run), with each group's moments."""
    block_ns = (last_ns - first_ns) // BLOCKS + 1
    moment = pairs.moment_ns.fill_null(first_ns)
    grouped = pairs.select(
        "baseline",
        "candidate",
        block=((moment - first_ns) // block_ns).cast("int32"),
        duplicated=(pairs.baseline_rows > 1) | (pairs.candidate_rows > 1),
        moment_ns=moment,
    )
    return grouped.group_by("block", "baseline", "candidate", "duplicated").agg(
        pairs=grouped.count(), first_ns=grouped.moment_ns.min(), last_ns=grouped.moment_ns.max()
    )


def first_duplicate(pairs: ir.Table) -> ir.Table:
    """The smallest request id that has two rows of one arm."""
    twice = pairs.filter((pairs.baseline_rows > 1) | (pairs.candidate_rows > 1))
    return twice.agg(id=twice.id.min())


def latencies(pairs: ir.Table, *, faulted: bool) -> ir.Table:
    """Latencies of both arms of each pair that was sent to both, clean or faulted."""
    both = pairs.baseline & pairs.candidate
    either = pairs.baseline | pairs.candidate
    usable = ((both & int(Mark.SENT)) != 0) & (((either & int(Mark.FAULTED)) != 0) == faulted)
    return pairs.filter(usable).select("baseline_ns", "candidate_ns")
