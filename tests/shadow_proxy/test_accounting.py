"""Shared cells add up over workers, and what a dead worker left open is settled once."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from shadow_proxy.accounting import DROP_REASONS, ENDINGS, LOST, TargetTally, layout, settle, target_account
from shadow_proxy.counters import CounterFile, CounterRow

NAMES = layout(targets=["base", "cand"], faults=["f1"])
EVENTS = st.lists(
    st.one_of(
        st.sampled_from(["request", "sent"]),
        st.sampled_from([f"end:{ending}" for ending in ENDINGS]),
        st.sampled_from([f"drop:{reason}" for reason in DROP_REASONS]),
    )
)


def play(row: CounterRow, events: list[str]) -> None:
    """Only what can happen: nothing ends that was not sent, nothing is sent or dropped without a request."""
    tally = TargetTally(row, target="cand")
    for event in events:
        account = target_account(row.values(), target="cand", role="candidate")
        kind, _, what = event.partition(":")
        if kind == "request":
            row.cells[row.at("requests")] += 1
        elif kind == "sent" and account.undecided:
            tally.began_copy()
        elif kind == "drop" and account.undecided:
            tally.dropped(what)
        elif kind == "end" and account.in_flight:
            tally.ended(what, service_ns=1000)


@given(events=EVENTS)
def test_the_identities_hold_after_every_history(events: list[str]) -> None:
    row = CounterRow.private(NAMES)
    play(row, events)
    account = target_account(row.values(), target="cand", role="candidate")
    assert account.requests == account.mirrored + sum(account.dropped.values()) + account.undecided
    assert account.sent == sum(account.endings.values()) + account.in_flight
    assert account.problems("cand") == []
    assert account.in_flight == TargetTally(row, target="cand").in_flight()


@given(events=EVENTS)
def test_settling_closes_every_account_and_twice_changes_nothing(events: list[str]) -> None:
    row = CounterRow.private(NAMES)
    play(row, events)
    before = target_account(row.values(), target="cand", role="candidate")
    settle(row, targets=["base", "cand"])
    settled = row.values()
    after = target_account(settled, target="cand", role="candidate")
    assert after.in_flight == after.undecided == 0
    assert after.endings[LOST] == before.endings[LOST] + before.in_flight
    assert after.dropped[LOST] == before.dropped[LOST] + before.undecided
    settle(row, targets=["base", "cand"])
    assert row.values() == settled


def test_workers_add_up_through_the_file_and_survive_their_mapping(tmp_path: Path) -> None:
    mine = CounterFile(tmp_path / "counters", names=NAMES, rows=3)
    for number in range(3):
        theirs = CounterFile(tmp_path / "counters", names=NAMES, rows=3)
        row = theirs.row(number)
        row.cells[row.at("requests")] += number + 1
        del row, theirs
    assert mine.totals()["requests"] == 6
    assert sum(mine.totals().values()) == 6


def test_a_sum_that_does_not_add_up_is_a_problem_in_words() -> None:
    row = CounterRow.private(NAMES)
    row.cells[row.at("target/cand/ok")] += 1
    account = target_account(row.values(), target="cand", role="candidate")
    assert account.problems("cand") == ["cand: 0 sent, 1 ended"]


def test_service_times_fall_into_their_buckets() -> None:
    row = CounterRow.private(NAMES)
    tally = TargetTally(row, target="cand")
    for service_ns in (0, 1023, 1024, 2047, 2048, 1 << 60):
        tally.ended("ok", service_ns=service_ns)
    counts = [row.values()[f"target/cand/service/{bucket}"] for bucket in range(28)]
    assert counts[:3] == [2, 2, 1]
    assert counts[27] == 1
    assert sum(counts) == row.values()["target/cand/ok"]
