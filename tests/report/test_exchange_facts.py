"""Golden facts from rows written by hand."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from report.exchange_facts import MAX_BUCKETS, Quantiles
from report.facts import RunFacts, gather

MS, S = 1_000_000, 1_000_000_000
Write = Callable[[Sequence[Mapping[str, object]]], Path]
CANDIDATE = {"target": "next", "role": "candidate"}


def test_outcomes_are_counted_once_each(with_rows: Write) -> None:
    folder = with_rows(
        [
            {"outcome": "ok"},
            {"outcome": "ok", "faults": ["slow"]},
            {"outcome": "timeout", "status": 0},
            {"outcome": "refused", "status": 0, "first_byte_ns": -1},
            {"outcome": "dropped:queue_full", "sent_ns": -1, "done_ns": -1},
        ]
    )
    traffic = gather(folder).exchanges
    (target,) = traffic.targets
    assert (target.requests, target.ok, target.failed, target.dropped) == (5, 2, 2, 1)
    endings = [(ending.outcome, ending.clean, ending.faulted) for ending in traffic.endings]
    assert endings == [("ok", 1, 1), ("refused", 1, 0), ("timeout", 1, 0), ("dropped:queue_full", 1, 0)]


def test_latency_counts_from_due_and_from_sent_where_nothing_was_due(with_rows: Write) -> None:
    folder = with_rows(
        [
            {"due_ns": 10 * MS, "sent_ns": 15 * MS, "done_ns": 40 * MS},
            CANDIDATE | {"due_ns": -1, "sent_ns": 15 * MS, "done_ns": 40 * MS},
        ]
    )
    baseline, candidate = gather(folder).exchanges.timings
    assert baseline.latency == Quantiles(p50_ns=30 * MS, p90_ns=30 * MS, p99_ns=30 * MS)
    assert baseline.service.p50_ns == 25 * MS
    assert candidate.latency.p50_ns == 25 * MS


def test_a_refused_connection_is_not_a_fast_answer_and_a_time_out_is_a_slow_one(with_rows: Write) -> None:
    folder = with_rows(
        [
            {"done_ns": 20 * MS},
            {"outcome": "refused", "done_ns": 1},
            {"outcome": "timeout", "done_ns": 5 * S},
            {"outcome": "dropped:queue_full", "sent_ns": -1, "done_ns": -1},
        ]
    )
    (timing,) = gather(folder).exchanges.timings
    assert timing.timed == 2
    assert (timing.latency.p50_ns, timing.longest_ns) == (20 * MS, 5 * S)


def test_percentiles_are_values_that_occurred(with_rows: Write) -> None:
    folder = with_rows([{"done_ns": rank * MS} for rank in range(1, 101)])
    (timing,) = gather(folder).exchanges.timings
    assert timing.latency == Quantiles(p50_ns=50 * MS, p90_ns=90 * MS, p99_ns=99 * MS)


def test_exchanges_under_faults_are_timed_apart(with_rows: Write) -> None:
    folder = with_rows([{"done_ns": 10 * MS}, {"done_ns": 90 * MS, "faults": ["slow"]}])
    found = [(timing.faulted, timing.latency.p50_ns) for timing in gather(folder).exchanges.timings]
    assert found == [(False, 10 * MS), (True, 90 * MS)]


def test_a_request_belongs_to_the_bucket_in_which_it_was_due(with_rows: Write) -> None:
    rows = [{"due_ns": due, "sent_ns": due, "done_ns": due + 10 * S} for due in (0, 9 * S, 9 * S, 100 * S)]
    facts = gather(with_rows(rows))
    assert facts.timeline is not None
    assert facts.timeline.bucket_ns == S
    (series,) = facts.exchanges.series
    assert [(bucket.index, bucket.requests) for bucket in series.buckets] == [(0, 1), (9, 2), (100, 1)]
    assert facts.timeline.buckets == 111


def test_requests_before_the_origin_have_a_bucket(with_rows: Write) -> None:
    facts = gather(with_rows([{"due_ns": -3 * S, "sent_ns": -3 * S, "done_ns": -2 * S}, {}]))
    assert facts.timeline is not None
    assert facts.timeline.start_ns == -3 * S
    assert facts.exchanges.series[0].buckets[0].index == 0


def test_baseline_comes_first_then_candidate_then_references(with_rows: Write) -> None:
    rows = [{"target": "b", "role": "reference"}, CANDIDATE, {"target": "a", "role": "reference"}, {}]
    assert [target.name for target in gather(with_rows(rows)).exchanges.targets] == [
        "stable",
        "next",
        "a",
        "b",
    ]


def test_lag_is_sent_minus_due(with_rows: Write) -> None:
    facts = gather(with_rows([{"due_ns": 5 * MS, "sent_ns": 8 * MS}]))
    assert facts.exchanges.series[0].buckets[0].lag.p99_ns == 3 * MS


def test_first_tokens_are_taken_where_answers_were_streamed(with_rows: Write) -> None:
    (timing,) = gather(with_rows([{"ttft_ns": 4 * MS}, {"ttft_ns": None}])).exchanges.timings
    assert timing.first_token.p90_ns == 4 * MS


def _requests(facts: RunFacts) -> int:
    return sum(bucket.requests for series in facts.exchanges.series for bucket in series.buckets)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 10**13), st.integers(0, 10**12)), min_size=1, max_size=30))
def test_every_row_is_in_exactly_one_bucket(with_rows: Write, rows: list[tuple[int, int]]) -> None:
    facts = gather(with_rows([{"due_ns": due, "sent_ns": due, "done_ns": due + took} for due, took in rows]))
    assert facts.timeline is not None
    assert facts.timeline.buckets <= MAX_BUCKETS
    assert _requests(facts) == len(rows)
    assert all(0 <= bucket.index < facts.timeline.buckets for bucket in facts.exchanges.series[0].buckets)


@pytest.mark.parametrize("cut", [1, 3])
def test_how_rows_are_ordered_and_cut_into_files_does_not_matter(
    cut: int, bare_folder: Path, write_exchanges: Callable[..., None]
) -> None:
    rows = [{"request_id": f"r{number}", "done_ns": (number * 7 % 11 + 1) * MS} for number in range(40)]
    write_exchanges(bare_folder, rows)
    whole = gather(bare_folder)
    for path in (bare_folder / "exchanges").iterdir():
        path.unlink()
    write_exchanges(bare_folder, rows[::-1][:cut], name="a")
    write_exchanges(bare_folder, rows[::-1][cut:], name="b")
    assert gather(bare_folder).exchanges == whole.exchanges
