"""The criteria file: what it takes, what it refuses, and with which words."""

from collections.abc import Callable
from pathlib import Path

import pytest

from judge.criteria import Criteria, load_criteria
from recording.documents import load_text
from recording.errors import InputError

FIVE_LINES = """\
version: 1
criteria:
  - {id: accuracy, metric: accuracy, role: primary, margin: {absolute: 0.01}}
  - {id: errors, metric: error_rate, margin: {absolute: 0.005}, max: 0.02}
  - {id: budget, metric: latency_budget, budget_ms: 300, margin: {absolute: 0.005}}
"""
Make = Callable[..., Criteria]


def test_five_lines_are_a_useful_file(tmp_path: Path) -> None:
    path = tmp_path / "criteria.yaml"
    path.write_text(FIVE_LINES)
    criteria = load_criteria(path)
    assert [each.decides for each in criteria.criteria] == [True, True, True]
    assert (criteria.alpha, criteria.min_discordant, criteria.min_completeness) == (0.05, 20, 0.995)
    assert criteria.needs_labels
    assert criteria.budgets_ns == (300_000_000,)


def test_a_misspelt_key_is_named_with_its_line_and_the_nearest_key() -> None:
    with pytest.raises(InputError) as refused:
        load_text(FIVE_LINES.replace("max:", "maks:"), Criteria, source="criteria.yaml")
    assert "criteria.yaml:4" in str(refused.value)
    assert "did you mean 'max'" in str(refused.value)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("id: a, metric: accuracy", "nothing to hold"),
        ("id: a, metric: accuracy, margin: {relative: 0.1}", "is `absolute`"),
        ("id: a, metric: latency_quantile, quantile: 0.9, margin: {absolute: 0.1}", "is `relative`"),
        ("id: a, metric: latency_quantile, margin: {relative: 0.1}", "needs `quantile`"),
        ("id: a, metric: latency_budget, margin: {absolute: 0.1}", "needs `budget_ms`"),
        ("id: a, metric: accuracy, margin: {absolute: 0.1}, max: 0.1", "has no `max`"),
        ("id: a, metric: error_rate, margin: {absolute: 0.1}, budget_ms: 5", "has no `budget_ms`"),
        ("id: a, metric: accuracy, margin: {source: guess}", "either `absolute` or `relative`"),
        ("id: a, metric: accuracy, margin: {absolute: 0}", "greater than 0"),
        ("id: a, metric: accuracy, margin: {absolute: 1.5}", "less than 1"),
        ("id: a, metric: speed, margin: {absolute: 0.1}", "'accuracy'"),
        ("id: a, metric: accuracy, role: info", "nothing would decide"),
    ],
)
def test_what_makes_no_sense_is_refused(criteria: Make, line: str, words: str) -> None:
    with pytest.raises(InputError, match="test:") as refused:
        criteria(line)
    assert words in str(refused.value)


def test_an_id_stands_once_and_the_list_is_not_empty(criteria: Make) -> None:
    line = "id: a, metric: accuracy, margin: {absolute: 0.1}"
    with pytest.raises(InputError, match="stands twice"):
        criteria(line, line)
    with pytest.raises(InputError, match="is empty"):
        load_text("version: 1\ncriteria: []", Criteria, source="test")


def test_another_version_is_refused() -> None:
    with pytest.raises(InputError, match="version"):
        load_text(FIVE_LINES.replace("version: 1", "version: 2"), Criteria, source="test")


def test_a_superiority_criterion_needs_no_margin(criteria: Make) -> None:
    (line,) = criteria("id: a, metric: accuracy, test: superiority").criteria
    assert line.decides


def test_the_digest_is_of_the_meaning_not_of_the_text() -> None:
    reordered = FIVE_LINES.replace("version: 1\n", "# a comment\nalpha: 0.05\nversion: 1\n")
    changed = FIVE_LINES.replace("0.02", "0.03")
    first, same, other = (
        load_text(text, Criteria, source="x").digest() for text in (FIVE_LINES, reordered, changed)
    )
    assert first == same != other
    assert first.startswith("sha256:")


def test_the_schema_names_every_key() -> None:
    schema = Criteria.model_json_schema()
    assert set(schema["required"]) == {"version", "criteria"}
    assert "fidelity" in schema["properties"]
    assert schema["additionalProperties"] is False
