"""The judge's words come through as they are, and nothing else counts as a verdict."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from recording.errors import InputError
from report.verdict_file import read_verdict, verdict_from

Document = dict[str, object]


def test_a_folder_that_was_not_judged_says_how_to_judge_it(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        read_verdict(tmp_path / "verdict.json")
    assert str(tmp_path / "verdict.json") in str(refused.value)
    assert f"sparring judge {tmp_path}" in str(refused.value)


@pytest.mark.parametrize("verdict", ["pass", "GREEN", "", None, ["PASS"]])
def test_an_unknown_verdict_is_refused(verdict: object) -> None:
    with pytest.raises(InputError, match="none of PASS, FAIL, HOLD, INVALID"):
        verdict_from({"verdict": verdict})


def test_a_result_without_a_status_is_not_taken_for_a_pass() -> None:
    (found,) = verdict_from({"verdict": "PASS", "results": [{"id": "accuracy"}]}).results
    assert found.status == "INVALID"


def test_numbers_and_sentences_are_kept(judged: Callable[..., Document]) -> None:
    facts = verdict_from(json.loads(json.dumps(judged())))
    accuracy = facts.results[0]
    assert (accuracy.estimate, accuracy.gate_lower, accuracy.gate_upper) == (0.004, -0.0062, 0.0144)
    assert facts.reasons[0] == "latency_budget: undecided after 3,000 pairs"
    assert (facts.pairs_needed, facts.eta_s) == (2400, 48.0)


def test_a_slice_is_named_whether_it_is_a_text_or_a_mapping() -> None:
    results = [{"id": "a", "slice": {"region": "eu", "tier": 1}}, {"id": "a", "slice": "region=us"}]
    named = verdict_from({"verdict": "HOLD", "results": results}).results
    assert [result.name for result in named] == ["a (region=eu, tier=1)", "a (region=us)"]


def test_control_characters_never_come_through() -> None:
    assert "\x1b" not in verdict_from({"verdict": "HOLD", "reasons": ["\x1b[2J"]}).reasons[0]
