"""A measurement that cannot be trusted is INVALID, whatever its numbers say, and the reason says why."""

from collections.abc import Callable

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from judge.criteria import Criteria
from judge.status import Status
from judge.verdict import judge_folder
from recording.schema import EXCHANGE_SCHEMA
from tests.judge.made_run import MadeRun, Row

ACCURACY = "id: accuracy, metric: accuracy, role: primary, margin: {absolute: 0.05}"
ERRORS = "id: errors, metric: error_rate, margin: {absolute: 0.05}"
Make = Callable[..., Criteria]
MISSING: Row = {"outcome": "missing"}


def dropped(reason: str) -> dict[str, object]:
    return {
        "outcome": f"dropped:{reason}", "sent_ns": -1, "first_byte_ns": -1, "done_ns": -1, "prediction": None,
    }  # fmt: skip


def ended(outcome: str) -> dict[str, object]:
    return {"outcome": outcome, "done_ns": -1, "prediction": None, "status": 0}


def invalid_reasons(run: MadeRun, criteria: Criteria) -> str:
    verdict = judge_folder(run.write(), criteria)
    assert (verdict.verdict, verdict.exit_code) == (Status.INVALID, 5)
    return "\n".join(verdict.reasons)


def test_no_rows_at_all_are_invalid(made_run: MadeRun, criteria: Make) -> None:
    assert "no rows" in invalid_reasons(made_run, criteria(ERRORS))


def test_without_a_baseline_nothing_is_rubber_stamped(made_run: MadeRun, criteria: Make) -> None:
    run = made_run.add(700, baseline=MISSING)
    assert "no target has the role baseline" in invalid_reasons(run, criteria(ERRORS))


def test_without_a_candidate_nothing_passes(made_run: MadeRun, criteria: Make) -> None:
    run = made_run.add(700, candidate=MISSING)
    assert "no target has the role candidate" in invalid_reasons(run, criteria(ERRORS))


def test_a_target_named_in_the_criteria_and_not_in_the_data_is_invalid(
    made_run: MadeRun, criteria: Make
) -> None:
    reasons = invalid_reasons(made_run.add(700), criteria(ERRORS, candidate="v3"))
    assert "no rows of the candidate 'v3' (targets here: 'baseline', 'candidate')" in reasons


def test_accuracy_without_any_label_is_invalid_with_the_fix(made_run: MadeRun, criteria: Make) -> None:
    for row in made_run.add(700).rows:
        row["label"] = None
    assert "give the trace a `label` column" in invalid_reasons(made_run, criteria(ACCURACY))
    assert judge_folder(made_run.path, criteria(ERRORS)).verdict is Status.PASS


def test_labels_of_some_pairs_only_are_invalid_unless_optional(made_run: MadeRun, criteria: Make) -> None:
    for row in made_run.add(900).rows[:200]:
        row["label"] = None
    assert "of pairs have a label" in invalid_reasons(made_run, criteria(ACCURACY))
    verdict = judge_folder(made_run.path, criteria(ACCURACY, labels="optional"))
    assert (verdict.verdict, verdict.results[0].n) == (Status.PASS, 800)


def test_pairs_that_sampling_left_out_are_not_missing(made_run: MadeRun, criteria: Make) -> None:
    run = made_run.add(700).add(2000, candidate=dropped("not_sampled"))
    verdict = judge_folder(run.write(), criteria(ACCURACY))
    assert (verdict.verdict, verdict.pairs["total"]) == (Status.PASS, 700)


@pytest.mark.parametrize("lost", [dropped("queue_full"), ended("refused"), MISSING])
def test_copies_that_were_not_answered_count_against_completeness(
    made_run: MadeRun, criteria: Make, lost: dict[str, object]
) -> None:
    for _ in range(10):
        made_run.add(99).add(1, candidate=lost)
    reasons = invalid_reasons(made_run, criteria(ERRORS))
    assert "only 99.0 % of 1,000 pairs are complete" in reasons


def test_an_arm_that_misses_other_requests_than_the_other_is_invalid(
    made_run: MadeRun, criteria: Make
) -> None:
    for _ in range(14):
        made_run.add(299).add(1, candidate=dropped("queue_full"))
    reasons = invalid_reasons(made_run, criteria(ERRORS))
    assert "14 pairs lack only the candidate, 0 only the baseline" in reasons


def test_losses_that_hit_both_arms_alike_are_not_differential(made_run: MadeRun, criteria: Make) -> None:
    for _ in range(7):
        made_run.add(498).add(1, candidate=dropped("draining")).add(1, baseline=dropped("draining"))
    assert judge_folder(made_run.write(), criteria(ERRORS)).verdict is Status.PASS


@pytest.mark.parametrize("outcome", ["refused", "reset", "timeout"])
@pytest.mark.parametrize("target", ["baseline", "candidate"])
def test_a_target_that_stops_answering_is_named_with_the_second(
    made_run: MadeRun, criteria: Make, outcome: str, target: str
) -> None:
    gone = ended(outcome)
    made_run.add(600)
    if target == "candidate":
        made_run.add(200, candidate=gone)
    else:
        made_run.add(200, baseline=gone)
    reasons = invalid_reasons(made_run, criteria(ACCURACY))
    assert f"target '{target}' stopped answering at second 6.0 of the run" in reasons


def test_a_target_that_answers_with_errors_is_answering(made_run: MadeRun, criteria: Make) -> None:
    run = made_run.add(600).add(200, candidate={"outcome": "http_error", "status": 500})
    verdict = judge_folder(run.write(), criteria(ERRORS))
    assert verdict.verdict is Status.HOLD
    assert "it passed earlier in the run and fails at its end" in verdict.reasons[0]
    assert verdict.pairs_needed is None


def test_a_target_that_never_answered_is_named(made_run: MadeRun, criteria: Make) -> None:
    run = made_run.add(300, candidate=ended("refused"))
    assert "target 'candidate' never answered (300 requests)" in invalid_reasons(run, criteria(ERRORS))


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("target_died", "target 'v2' died at second 12.3 of the run: exit code 137"),
        ("proxy_died", "the proxy died at second 12.3"),
        ("recorder_died", "the recorder died at second 12.3"),
        ("engine_died", "the replay engine died at second 12.3"),
    ],
)
def test_a_death_during_the_run_is_invalid_with_its_moment(
    made_run: MadeRun, criteria: Make, kind: str, words: str
) -> None:
    event = {"at_ns": 12_340_000_000, "kind": kind, "target": "v2", "detail": "exit code 137"}
    made_run.folder.update_manifest(events=[event], interrupted=False)
    assert words in invalid_reasons(made_run.add(700), criteria(ERRORS))


def test_requests_sent_late_or_not_at_all_are_invalid(
    new_run: Callable[[str], MadeRun], criteria: Make
) -> None:
    late = new_run("late").add(700)
    late.client = [{**row, "role": "client", "sent_ns": row["due_ns"] + 50_000_000} for row in late.rows[::2]]  # type: ignore[operator]  # ints
    assert "requests were sent late: lag p99 50.0 ms" in invalid_reasons(late, criteria(ERRORS))
    shed = new_run("shed").add(700)
    shed.client = [{**row, "role": "client"} for row in shed.rows[::2]]
    shed.client[:70] = [{**row, **dropped("shed")} for row in shed.client[:70]]
    assert "70 of 700 requests were not sent" in invalid_reasons(shed, criteria(ERRORS))


def test_bounds_of_fidelity_come_from_the_criteria(made_run: MadeRun, criteria: Make) -> None:
    run = made_run.add(700)
    run.client = [{**row, "role": "client", "sent_ns": row["due_ns"] + 50_000_000} for row in run.rows[::2]]  # type: ignore[operator]  # ints
    verdict = judge_folder(run.write(), criteria(ERRORS, fidelity="{max_lag_p99_ms: 60}"))
    assert verdict.verdict is Status.PASS
    found = verdict.self_tests["fidelity"]
    assert isinstance(found, dict)
    assert found["lag_p99_ms"] == 50.0


def test_a_replay_that_left_no_rows_is_invalid(made_run: MadeRun, criteria: Make) -> None:
    made_run.folder.update_manifest(profile="constant 10/s")
    assert "the replay engine left no rows" in invalid_reasons(made_run.add(700), criteria(ERRORS))


def test_two_rows_of_one_request_and_target_are_refused_by_id(made_run: MadeRun, criteria: Make) -> None:
    run = made_run.add(700)
    run.rows.append(dict(run.rows[41]))
    assert "request 'r000020' has more than one row" in invalid_reasons(run, criteria(ERRORS))


def test_a_fault_that_makes_a_target_unreachable_is_not_a_gap_in_the_sample(
    made_run: MadeRun, criteria: Make
) -> None:
    run = made_run.add(700).add(300, candidate={**ended("refused"), "faults": ["cut"]})
    verdict = judge_folder(run.write(), criteria(ERRORS))
    assert verdict.verdict is Status.PASS
    assert [(r.scenario, r.status) for r in verdict.results] == [
        ("clean", Status.PASS),
        ("faulted", Status.INFO),
    ]


def test_a_margin_under_fault_decides_on_faulted_pairs_alone(
    new_run: Callable[[str], MadeRun], criteria: Make
) -> None:
    line = f"{ERRORS}, margin_under_fault: {{absolute: 0.2}}"
    for name, failing, status in (("well", 20, Status.PASS), ("badly", 250, Status.FAIL)):
        run = new_run(name).add(700)
        for number in range(400):
            outcome = ended("reset") if number % 400 * failing % 400 < failing else {}
            run.add(1, baseline={"faults": ["cut"]}, candidate={**outcome, "faults": ["cut"]})
        verdict = judge_folder(run.write(), criteria(line))
        assert verdict.verdict is status
        assert verdict.results[1].n == 400
        assert "under faults" in verdict.results[1].sentence


def test_a_margin_under_fault_without_any_fault_holds(made_run: MadeRun, criteria: Make) -> None:
    line = f"{ERRORS}, margin_under_fault: {{absolute: 0.2}}"
    verdict = judge_folder(made_run.add(700).write(), criteria(line))
    assert verdict.verdict is Status.HOLD
    assert "no faulted pairs" in verdict.reasons[0]


def test_rows_that_lack_a_value_are_invalid(made_run: MadeRun, criteria: Make) -> None:
    path = made_run.add(700).write() / "exchanges" / "part-0.parquet"
    rows = pq.read_table(path).to_pylist()
    rows[9]["outcome"] = None
    loose = pa.schema([field.with_nullable(True) for field in EXCHANGE_SCHEMA])
    pq.write_table(pa.Table.from_pylist(rows, schema=loose), path)
    verdict = judge_folder(made_run.path, criteria(ERRORS))
    assert verdict.verdict is Status.INVALID
    assert "1 rows lack a value that every row must have" in verdict.reasons[0]


def test_a_run_that_recorded_nothing_is_invalid_with_what_is_known(made_run: MadeRun, criteria: Make) -> None:
    event = {"at_ns": 0, "kind": "target_not_ready", "target": "v2", "detail": "v2 was not ready in 30 s"}
    made_run.folder.update_manifest(events=[event])
    verdict = judge_folder(made_run.path, criteria(ERRORS))
    assert (verdict.verdict, verdict.exit_code, verdict.results) == (Status.INVALID, 5, ())
    assert verdict.reasons[0] == "v2 was not ready in 30 s"
    assert "no exchange was recorded" in verdict.reasons[1]


def test_a_recording_with_losses_is_invalid(made_run: MadeRun, criteria: Make) -> None:
    event = {"kind": "recording_incomplete", "detail": "3 records were not recorded: disk full"}
    made_run.folder.update_manifest(events=[event])
    assert "disk full" in invalid_reasons(made_run.add(700), criteria(ERRORS))
