"""What the pages say is so."""

import re
from pathlib import Path

import pytest

from judge.criteria import Criteria, Criterion, FidelityBounds, Margin
from recording.documents import Model, load_text

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "criteria.md").read_text("utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_a_criteria_file(example: str) -> None:
    assert load_text(example, Criteria, source="docs/criteria.md").criteria


@pytest.mark.parametrize("model", [Criteria, Criterion, Margin, FidelityBounds])
def test_every_key_is_explained(model: type[Model]) -> None:
    missing = [key for key in model.model_fields if not re.search(rf"`[^`]*\b{key}\b[^`]*`", PAGE)]
    assert not missing


def test_defaults_on_the_page_are_the_defaults() -> None:
    rows = dict(re.findall(r"^\| `([a-z_.]+)` \| `?([\w.]+)`? \|", PAGE, flags=re.MULTILINE))
    for key, default in rows.items():
        model, name = (FidelityBounds, key.partition(".")[2]) if "." in key else (Criteria, key)
        field = model.model_fields.get(name)
        if field is not None and not field.is_required() and default != "empty":
            assert str(field.default).removesuffix(".0") == default.removesuffix(".0")
