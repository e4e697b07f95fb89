"""A file that a person wrote is read, or the message names file, line and fix."""

from pathlib import Path

import pytest

from recording.documents import Model, load_document, load_text
from recording.errors import InputError


class Inner(Model):
    margin: float = 0.1
    source: str = ""


class Outer(Model):
    version: int
    criteria: list[Inner] = []  # noqa: RUF012 - pydantic copies defaults
    named: dict[str, Inner] = {}  # noqa: RUF012 - pydantic copies defaults


def complaint(text: str) -> str:
    with pytest.raises(InputError) as caught:
        load_text(text, Outer, source="f.yaml")
    return str(caught.value)


def test_a_good_file_is_read() -> None:
    """YAML and its subset JSON."""
    assert load_text("version: 1\ncriteria: [{margin: 2}]", Outer, source="f").criteria[0].margin == 2
    assert load_text('{"version": 1}', Outer, source="f").version == 1


def test_an_unknown_key_is_named_with_line_and_nearest_key() -> None:
    """At any depth: in lists and in mappings."""
    said = complaint("version: 1\ncriteria:\n  - margin: 1\n  - margn: 2\n")
    assert said == "f.yaml:4: unknown key 'criteria.1.margn' (did you mean 'margin'?)"
    assert complaint("version: 1\nnamed:\n  a: {sorce: x}\n").startswith(
        "f.yaml:3: unknown key 'named.a.sorce'"
    )
    assert "did you mean 'source'" in complaint("version: 1\nnamed:\n  a: {sorce: x}\n")
    assert "known here: criteria, named, version" in complaint("version: 1\nzzz: 2\n")


def test_a_missing_key_and_a_wrong_value_are_named() -> None:
    """With the line of the nearest thing that is there."""
    assert complaint("criteria: []\n") == "f.yaml:1: key 'version' is missing (add `version:` there)"
    assert complaint("version: 1\ncriteria:\n  - margin: much\n").startswith("f.yaml:3: criteria.0.margin:")


def test_what_is_not_yaml_is_told_with_the_line() -> None:
    """Syntax, duplicate keys, and a document that is no mapping."""
    assert complaint("version: 1\n  bad: [").startswith("f.yaml:2: is not valid YAML")
    assert "stands twice (first in line 1)" in complaint("version: 1\nversion: 2\n")
    assert "must be a mapping" in complaint("- 1\n")
    assert "must be a mapping" in complaint("")


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    """Missing, a folder, not UTF-8."""
    (tmp_path / "latin").write_bytes(b"name: caf\xe9")
    for name, words in (("none.yaml", "no such file"), ("", "is a folder"), ("latin", "not UTF-8")):
        with pytest.raises(InputError, match=words):
            load_document(tmp_path / name, Outer)
