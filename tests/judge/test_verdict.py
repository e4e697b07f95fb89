"""From a folder to a verdict: only evidence makes PASS, and every other way out says why."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from judge.criteria import Criteria
from judge.status import Status
from judge.verdict import judge_folder, write_verdict
from tests.judge.made_run import MadeRun, Row

ACCURACY = "id: accuracy, metric: accuracy, role: primary, margin: {absolute: 0.05}"
ERRORS = "id: errors, metric: error_rate, margin: {absolute: 0.05}"
BUDGET = "id: budget, metric: latency_budget, budget_ms: 300, margin: {absolute: 0.005}"
WRONG: Row = {"prediction": "2"}
TIMEOUT: Row = {"outcome": "timeout", "done_ns": -1, "prediction": None}
Make = Callable[..., Criteria]


def test_an_equal_candidate_with_enough_pairs_passes(made_run: MadeRun, criteria: Make) -> None:
    folder = made_run.counts(both=700, better=15, worse=15, neither=20).write()
    verdict = judge_folder(folder, criteria(ACCURACY, ERRORS))
    assert (verdict.verdict, verdict.exit_code) == (Status.PASS, 0)
    assert verdict.pairs == {"total": 750, "complete": 750, "labelled": 750, "faulted": 0}
    assert verdict.results[0].estimate == 0.0
    assert verdict.pairs_needed == 0


def test_a_worse_candidate_fails_and_the_sentence_has_the_bound(made_run: MadeRun, criteria: Make) -> None:
    folder = made_run.counts(both=300, better=5, worse=150, neither=5).write()
    verdict = judge_folder(folder, criteria(ACCURACY, ERRORS))
    assert (verdict.verdict, verdict.exit_code) == (Status.FAIL, 3)
    (reason,) = verdict.reasons
    assert reason.startswith("candidate is at least ")
    assert reason.endswith("points less accurate than baseline (95 %), margin 5.0: fail")


def test_too_little_evidence_holds_and_says_how_many_pairs_are_missing(
    made_run: MadeRun, criteria: Make
) -> None:
    folder = made_run.counts(both=180, better=10, worse=10).write()
    verdict = judge_folder(folder, criteria(ACCURACY.replace("0.05", "0.01")))
    assert (verdict.verdict, verdict.exit_code) == (Status.HOLD, 4)
    assert verdict.pairs_needed is not None
    assert verdict.pairs_needed > 1000
    assert verdict.eta_s == pytest.approx(verdict.pairs_needed * 1.99 / 200, rel=0.01)


def test_fewer_than_min_pairs_hold_however_clear_they_are(made_run: MadeRun, criteria: Make) -> None:
    folder = made_run.counts(worse=60).write()
    verdict = judge_folder(folder, criteria(ACCURACY, min_pairs=100))
    assert verdict.verdict is Status.HOLD
    assert "60 of at least 100 pairs" in verdict.reasons[0]
    assert verdict.pairs_needed == 40


@pytest.mark.parametrize(("pairs", "status"), [(625, Status.HOLD), (626, Status.PASS)])
def test_pairs_that_are_all_equal_pass_only_when_there_are_enough(
    made_run: MadeRun, criteria: Make, pairs: int, status: Status
) -> None:
    folder = made_run.counts(both=pairs).write()
    assert judge_folder(folder, criteria(ACCURACY.replace("0.05", "0.01"))).verdict is status


def test_a_pass_does_not_rest_on_a_handful_of_pairs_that_differ(made_run: MadeRun, criteria: Make) -> None:
    folder = made_run.counts(both=85, better=15).write()
    verdict = judge_folder(folder, criteria(ACCURACY))
    assert verdict.verdict is Status.HOLD
    assert "15 of at least 20 pairs that differ" in verdict.reasons[0]


def test_superiority_needs_the_uplift_that_was_wanted(
    new_run: Callable[[str], MadeRun], criteria: Make
) -> None:
    line = "id: a, metric: accuracy, test: superiority, margin: {absolute: 0.05}"
    cases = {"better": (90, Status.PASS), "equal": (5, Status.FAIL)}
    for name, (better, status) in cases.items():
        folder = new_run(name).counts(both=700, better=better, worse=5).write()
        assert judge_folder(folder, criteria(line)).verdict is status


def test_a_cap_is_held_by_the_exact_bound_and_not_by_the_estimate(
    new_run: Callable[[str], MadeRun], criteria: Make
) -> None:
    line = "id: errors, metric: error_rate, max: 0.02"
    for failed, status in ((0, Status.PASS), (5, Status.HOLD), (40, Status.FAIL)):
        run = new_run(f"failed-{failed}").add(400 - failed)
        folder = run.add(failed, baseline=TIMEOUT, candidate=TIMEOUT).add(20).write()
        assert judge_folder(folder, criteria(line)).verdict is status


def test_a_floor_of_accuracy_is_a_cap_of_wrong_answers(made_run: MadeRun, criteria: Make) -> None:
    folder = made_run.counts(both=300, neither=100).write()
    (result,) = judge_folder(folder, criteria("id: a, metric: accuracy, min: 0.9")).results
    assert result.status is Status.FAIL
    assert "its accuracy is at most" in result.sentence
    assert "floor 90.0 %: fail" in result.sentence


def test_a_timeout_is_wrong_an_error_and_over_every_budget(made_run: MadeRun, criteria: Make) -> None:
    folder = made_run.add(180).add(20, candidate=TIMEOUT).add(200).write()
    verdict = judge_folder(folder, criteria(ACCURACY, ERRORS, BUDGET))
    assert [result.worse for result in verdict.results] == [20, 20, 20]
    assert [result.candidate for result in verdict.results] == [0.95, 0.05, 0.05]
    assert verdict.results[1].estimate == pytest.approx(0.05)


def test_an_answer_without_a_usable_prediction_is_wrong_and_reported(
    made_run: MadeRun, criteria: Make
) -> None:
    for prediction in (None, "NaN", "Infinity", "null"):
        made_run.add(5, candidate={"prediction": prediction})
    verdict = judge_folder(made_run.add(200).write(), criteria(ACCURACY))
    assert verdict.results[0].worse == 20
    joined = verdict.self_tests["label_join"]
    assert isinstance(joined, dict)
    assert joined["candidate_unusable"] == 20


def test_a_prediction_that_equals_a_label_of_nan_is_not_right(made_run: MadeRun, criteria: Make) -> None:
    run = made_run.add(200).add(4, baseline={"prediction": "NaN"}, candidate={"prediction": "NaN"})
    for row in run.rows[-8:]:
        row["label"] = "NaN"
    verdict = judge_folder(run.write(), criteria(ACCURACY, labels="optional"))
    assert verdict.pairs["labelled"] == 200


def test_latency_counts_from_due_and_from_sent_where_due_is_unknown(
    made_run: MadeRun, criteria: Make
) -> None:
    run = made_run.add(300)
    for row in run.rows[::2]:
        row["due_ns"] = -1
    for row in run.rows[1::2]:
        assert isinstance(row["due_ns"], int)
        row["sent_ns"] = row["due_ns"] + 400_000_000
        row["done_ns"] = row["due_ns"] + 401_000_000
    verdict = judge_folder(run.write(), criteria(BUDGET))
    assert (verdict.results[0].baseline, verdict.results[0].candidate) == (0.0, 1.0)


def test_a_rare_large_slowdown_is_found(made_run: MadeRun, criteria: Make) -> None:
    """1.5 % of requests take 400 ms more, which averages and rank tests do not see."""
    for _ in range(45):
        made_run.add(65).add(1, candidate={"done_ns": made_run.rows[-1]["due_ns"] + 600_000_000})  # type: ignore[operator]  # an int
    verdict = judge_folder(made_run.write(), criteria(BUDGET))
    assert verdict.verdict is Status.FAIL


def test_ten_requests_never_make_a_pass(made_run: MadeRun, criteria: Make) -> None:
    slow = {"first_byte_ns": 10**12, "done_ns": 10**12}
    folder = made_run.add(7, candidate=slow).add(3).write()
    assert judge_folder(folder, criteria(BUDGET)).verdict in (Status.HOLD, Status.FAIL)


def test_an_effect_that_changes_sign_during_the_run_holds(made_run: MadeRun, criteria: Make) -> None:
    folder = made_run.add(120, candidate=WRONG).add(3000, baseline=WRONG).write()
    verdict = judge_folder(folder, criteria(ACCURACY))
    assert verdict.verdict is Status.HOLD
    assert "not stationary" in verdict.reasons[0]


def test_a_latency_quantile_is_judged_by_the_ratio(new_run: Callable[[str], MadeRun], criteria: Make) -> None:
    line = "id: p90, metric: latency_quantile, quantile: 0.9, margin: {relative: 0.1}"
    for name, factor, status in (("same", 1.0, Status.PASS), ("slow", 1.5, Status.FAIL)):
        run = new_run(name).add(400)
        for number, row in enumerate(run.rows):
            assert isinstance(row["due_ns"], int)
            slower = factor if row["role"] == "candidate" else 1.0
            row["done_ns"] = row["due_ns"] + int((1e7 + number // 2 * 1e4) * slower)
        verdict = judge_folder(run.write(), criteria(line))
        assert verdict.verdict is status
        assert verdict.results[0].estimate == pytest.approx(factor)


def test_a_quantile_beyond_the_data_holds(made_run: MadeRun, criteria: Make) -> None:
    line = "id: p99, metric: latency_quantile, quantile: 0.99, margin: {relative: 0.1}"
    verdict = judge_folder(made_run.add(400).write(), criteria(line))
    assert verdict.verdict is Status.HOLD
    assert verdict.pairs_needed == 600


def test_a_computation_that_fails_is_invalid_and_never_a_pass(made_run: MadeRun, criteria: Make) -> None:
    run = made_run.add(700)
    run.rows[3]["done_ns"] = -1
    verdict = judge_folder(run.write(), criteria(ERRORS, BUDGET))
    assert [result.status for result in verdict.results] == [Status.PASS, Status.INVALID]
    assert (verdict.verdict, verdict.exit_code) == (Status.INVALID, 5)
    assert "1 answers of 'candidate' have no instants" in verdict.reasons[0]


def test_an_info_criterion_never_decides(made_run: MadeRun, criteria: Make) -> None:
    info = ACCURACY.replace("primary", "info")
    verdict = judge_folder(made_run.counts(both=300, worse=300).write(), criteria(info, ERRORS))
    assert [result.status for result in verdict.results] == [Status.INFO, Status.PASS]
    assert verdict.verdict is Status.PASS


def test_an_interrupted_run_holds_at_best_and_still_fails(
    new_run: Callable[[str], MadeRun], criteria: Make
) -> None:
    for name, worse, status in (("good", 0, Status.HOLD), ("bad", 300, Status.FAIL)):
        run = new_run(name).counts(both=700, worse=worse)
        run.folder.update_manifest(interrupted=True)
        verdict = judge_folder(run.write(), criteria(ACCURACY))
        assert verdict.verdict is status
        assert "interrupted" in verdict.reasons[0]


def test_what_is_written_is_what_was_decided(made_run: MadeRun, criteria: Make) -> None:
    made_run.folder.update_manifest(started="2026-03-01T10:00:00.000+00:00", duration_ns=60 * 10**9)
    folder = made_run.counts(both=700).write()
    verdict = judge_folder(folder, criteria(ACCURACY, BUDGET), seed=7)
    path = write_verdict(folder, verdict)
    written = json.loads(path.read_text())
    assert written == verdict.to_json()
    assert list(written) == [
        "version", "verdict", "reasons", "criteria_digest", "data_digest", "seed", "pairs", "self_tests",
        "results", "next", "expires",
    ]  # fmt: skip
    assert written["seed"] == 7
    assert written["expires"] == "2026-03-15T10:01:00+00:00"


def test_a_folder_without_a_manifest_never_expires(made_run: MadeRun, criteria: Make) -> None:
    assert judge_folder(str(made_run.add(700).write()), criteria(ERRORS)).expires is None


def test_numbers_that_are_not_finite_are_null_in_the_file(made_run: MadeRun, criteria: Make) -> None:
    line = "id: p50, metric: latency_quantile, quantile: 0.5, margin: {relative: 0.1}"
    run = made_run.add(100).add(200, baseline=TIMEOUT, candidate=TIMEOUT).add(20)
    written = json.dumps(judge_folder(run.write(), criteria(line)).to_json(), allow_nan=False)
    assert '"status": "HOLD"' in written


def test_the_path_may_be_relative_text(
    made_run: MadeRun, criteria: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = made_run.add(700).write()
    monkeypatch.chdir(folder.parent)
    assert judge_folder(Path(folder.name), criteria(ERRORS)).verdict is Status.PASS
