"""What a terminal shows: the verdict first, fewer than 80 lines, nothing that steers it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from recording.errors import InputError
from report.text import WIDTH, as_text, verdict_text

Make = Callable[..., dict[str, object]]


def test_the_verdict_is_said_before_reasons_and_reasons_before_criteria(untouched_run: Path) -> None:
    lines = as_text(untouched_run).splitlines()
    assert lines[0] == "ranker v8"
    assert lines[2] == "HOLD  There is not enough evidence yet to say either."
    assert lines[3].startswith("- latency_budget")


def test_what_did_not_pass_is_said_first(untouched_run: Path) -> None:
    text = as_text(untouched_run)
    places = [text.index(f"\n{status}") for status in ("INVALID", "FAIL", "HOLD  ", "PASS", "INFO")]
    assert places[0] < places[1] < places[3] < places[4]


def test_a_reason_that_is_a_criterions_sentence_is_said_once(
    bare_folder: Path, judged: Make, one_result: Make
) -> None:
    document = judged(reasons=["it is worse"], results=[one_result(sentence="it is worse", status="FAIL")])
    (bare_folder / "verdict.json").write_text(json.dumps(document))
    assert as_text(bare_folder).count("it is worse") == 1


def test_what_is_missing_is_said_last(bare_folder: Path) -> None:
    last = as_text(bare_folder).split("\n\n")[-1]
    assert "- exchanges/*.parquet is not there" in last
    assert "- manifest.json is not there" in last


def test_sums_that_are_not_even_are_said(run_folder: Path) -> None:
    (run_folder / "exchanges/exchanges-1-000001.parquet").unlink()
    assert "! stable: 300 requests ≠ 150 rows" in as_text(run_folder)


def test_however_much_there_is_to_say_it_fits(bare_folder: Path, judged: Make, one_result: Make) -> None:
    many = [one_result(id=f"c{number}", sentence="word " * 200) for number in range(300)]
    document = judged(reasons=["reason " * 90] * 50, results=many)
    (bare_folder / "verdict.json").write_text(json.dumps(document))
    lines = as_text(bare_folder).splitlines()
    assert len(lines) < 80
    assert max(map(len, lines)) <= WIDTH
    assert any("more criteria; the page has them all" in line for line in lines)
    assert any("more reasons" in line for line in lines)


def test_nothing_steers_the_terminal(bare_folder: Path, judged: Make) -> None:
    (bare_folder / "verdict.json").write_text(json.dumps(judged(reasons=["\x1b[2J\x9b0m\r"])))
    assert not {"\x1b", "\x9b", "\r"} & set(as_text(bare_folder))


def test_a_verdict_alone_can_be_said(judged: Make) -> None:
    assert verdict_text(judged()).startswith("HOLD  ")


@pytest.mark.parametrize("verdict", ["PASS", "FAIL", "INVALID"])
def test_more_pairs_are_asked_for_only_where_they_would_decide(judged: Make, verdict: str) -> None:
    assert "more pairs" in verdict_text(judged())
    assert "more pairs" not in verdict_text(judged(verdict=verdict))


def test_what_is_not_a_verdict_is_refused() -> None:
    with pytest.raises(InputError, match="none of PASS"):
        verdict_text({})
