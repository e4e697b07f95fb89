"""The page's tables hold what a reader looks for, in a steady order."""

import json
from collections.abc import Callable
from pathlib import Path

from report import page_parts
from report.facts import gather

Document = dict[str, object]


def test_the_run_is_called_by_its_own_name_or_its_folders(untouched_run: Path, bare_folder: Path) -> None:
    assert page_parts.title_of(gather(untouched_run)) == "ranker v8"
    assert page_parts.title_of(gather(bare_folder)) == "bare"


def test_a_pass_names_its_criteria_once(
    bare_folder: Path, judged: Callable[..., Document], one_result: Callable[..., Document]
) -> None:
    results = [
        one_result(id="a", sentence="a holds"),
        one_result(id="b", scenario="faulted", sentence="b holds"),
    ]
    document = judged(verdict="PASS", results=results, reasons=["a holds", "b holds"])
    (bare_folder / "verdict.json").write_text(json.dumps(document))
    assert page_parts.reasons_of(gather(bare_folder)) == ("All 2 criteria that decide hold: a, b (faulted).",)


def test_any_other_reason_is_said_as_it_is(bare_folder: Path, judged: Callable[..., Document]) -> None:
    (bare_folder / "verdict.json").write_text(json.dumps(judged(verdict="PASS", reasons=["because"])))
    assert page_parts.reasons_of(gather(bare_folder)) == ("because",)


def test_criteria_that_decide_come_before_those_that_inform(untouched_run: Path) -> None:
    shown = page_parts.overall(gather(untouched_run))
    assert [one.result.role for one in shown] == ["primary", "guardrail", "guardrail", "info", "info"]
    assert [one.result.slice for one in page_parts.sliced(gather(untouched_run))] == ["region=eu"]


def test_outcomes_tell_faulted_exchanges_apart(untouched_run: Path) -> None:
    table = page_parts.outcomes(gather(untouched_run).exchanges)
    assert table.head == ("outcome", "stable", "smaller", "stable-b")
    by_name = {row[0]: row[1:] for row in table.rows}
    assert by_name["all"] == ("300", "300", "300")
    assert "under faults" in by_name["ok"][0]
    assert by_name["dropped:not_sampled"][0] == "0"


def test_timings_have_a_column_for_faults_only_where_there_were_any(untouched_run: Path) -> None:
    facts = gather(untouched_run)
    assert "exchanges" in page_parts.timings(facts.exchanges.timings).head
    table = page_parts.timings(facts.client.timings)
    assert "exchanges" not in table.head
    assert all(len(row) == len(table.head) for row in table.rows)


def test_events_of_the_run_are_listed(run_folder: Path) -> None:
    path = run_folder / "manifest.json"
    event = {"at_ns": 2_000_000_000, "kind": "target_died", "target": "smaller", "detail": "signal 9"}
    path.write_text(json.dumps(json.loads(path.read_text()) | {"events": [event]}))
    assert page_parts.events(gather(run_folder)).rows == (("2 s", "target_died", "smaller", "signal 9"),)


def test_fidelity_is_shown_with_units_and_other_self_tests_follow(untouched_run: Path) -> None:
    facts = gather(untouched_run)
    assert page_parts.lags(facts).rows == (("lag", "110 µs", "–", "840 µs", "–"),)
    assert ("rate", "50/s", "50/s") in page_parts.planned_and_sent(facts).rows
    assert ("burstiness in windows of 1 s", "1.02", "1.03") in page_parts.planned_and_sent(facts).rows
    assert [name for name, _ in page_parts.other_self_tests(facts)] == ["completeness", "label join"]


def test_digests_and_seeds_are_shown_whole(untouched_run: Path) -> None:
    rows = {row[0]: row[1] for row in page_parts.provenance(gather(untouched_run)).rows}
    assert rows["verdict.criteria_digest"] == "sha256:" + "c1" * 32
    assert rows["seed"] == "7"
    assert "accounting" not in rows
