"""The table of pair kinds: counts of parts are counts of the whole."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from judge.completeness import completeness, label_join
from judge.kinds import ACCURATE, ANSWERED, Kinds
from judge.pairs import BLOCKS, Mark

SCHEMA = pa.schema(
    [
        ("block", pa.int32()),
        ("baseline", pa.int32()),
        ("candidate", pa.int32()),
        ("duplicated", pa.bool_()),
        ("pairs", pa.int64()),
        ("first_ns", pa.int64()),
        ("last_ns", pa.int64()),
    ]
)
GOOD = Mark.PRESENT | Mark.SENT | Mark.OK | Mark.HEARD | Mark.LABELLED | Mark.RIGHT
marks = st.sampled_from(
    [
        0,
        int(Mark.PRESENT),
        int(GOOD),
        int(GOOD & ~Mark.RIGHT),
        int(GOOD | Mark.FAULTED),
        int(Mark.PRESENT | Mark.SENT | Mark.REFUSED | Mark.LABELLED),
        int(Mark.PRESENT | Mark.UNSAMPLED),
    ]
)
counted = st.builds(
    lambda block, b, c, n: {
        "block": block,
        "baseline": b,
        "candidate": c,
        "duplicated": False,
        "pairs": n,
        "first_ns": block * 100,
        "last_ns": block * 100 + 99,
    },
    st.integers(0, BLOCKS - 1),
    marks,
    marks,
    st.integers(1, 50),
)
tables = st.lists(counted, max_size=12).map(lambda rows: pa.Table.from_pylist(rows, schema=SCHEMA))


def everything(kinds: Kinds) -> object:
    return (
        [kinds.paired(good, faulted=f) for good in (ACCURATE, ANSWERED) for f in (False, True)],
        completeness(kinds, baseline="b", candidate="c", allowed_share=0.005),
        label_join(kinds),
        [counts.tolist() for counts in kinds.paired_so_far(ACCURATE)],
    )


@given(tables, tables)
def test_two_workers_counts_merged_are_one_workers(left: pa.Table, right: pa.Table) -> None:
    whole = pa.concat_tables([right, left])
    assert everything(Kinds.of([left, right])) == everything(Kinds.of([whole]))


@given(tables)
def test_every_pair_is_complete_or_missing_or_left_out(table: pa.Table) -> None:
    found = completeness(Kinds.of([table]), baseline="b", candidate="c", allowed_share=0.005)
    missing = found.baseline_missing + found.candidate_missing + found.both_missing
    assert found.complete + missing == found.total
    faulted = sum(
        row["pairs"] for row in table.to_pylist() if (row["baseline"] | row["candidate"]) & Mark.FAULTED
    )
    assert found.total + found.not_sampled + faulted == sum(table.column("pairs").to_pylist())


@given(tables)
def test_counts_so_far_end_with_the_counts_of_the_whole(table: pa.Table) -> None:
    kinds = Kinds.of([table])
    whole = kinds.paired(ANSWERED)
    better, worse, equal = kinds.paired_so_far(ANSWERED)
    assert (better[-1], worse[-1], equal[-1]) == (whole.better, whole.worse, whole.equal)


def test_an_empty_table_has_no_pairs_and_no_share() -> None:
    kinds = Kinds.of([SCHEMA.empty_table()])
    found = completeness(kinds, baseline="b", candidate="c", allowed_share=0.005)
    assert (found.total, found.share, found.silent) == (0, None, ())
    assert label_join(kinds).share is None
    assert kinds.paired(ACCURATE).n == 0


@pytest.mark.parametrize(("lost", "silent"), [(9, 0), (10, 1), (300, 1)])
def test_an_arm_is_silent_after_ten_unanswered_requests(lost: int, silent: int) -> None:
    good, gone = int(GOOD), int(Mark.PRESENT | Mark.SENT)
    rows = [
        {"block": 0, "baseline": good, "candidate": good, "duplicated": False, "pairs": 500,
         "first_ns": 0, "last_ns": 10**9},
        {"block": 5, "baseline": good, "candidate": gone, "duplicated": False, "pairs": lost,
         "first_ns": 2 * 10**9, "last_ns": 3 * 10**9},
    ]  # fmt: skip
    kinds = Kinds.of([pa.Table.from_pylist(rows, schema=SCHEMA)])
    found = completeness(kinds, baseline="b", candidate="c", allowed_share=0.005).silent
    assert len(found) == silent
    assert all((each.target, each.since_s, each.unanswered) == ("c", 1.0, lost) for each in found)
