"""JSON of another program is picked from without trusting its types."""

from pathlib import Path

import pytest

from recording.errors import InputError
from report.json_door import flattened, inner, number, objects, read_object, text, texts, whole


def test_a_missing_file_is_named_with_the_fix(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"verdict\.json: no such file \(judge it\)"):
        read_object(tmp_path / "verdict.json", fix="judge it")


@pytest.mark.parametrize("content", ["{", "[]", "3", "", '{"a": 1} x'])
def test_what_is_not_an_object_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "verdict.json"
    path.write_text(content)
    with pytest.raises(InputError, match="is not"):
        read_object(path, fix="judge it")


def test_bytes_that_are_not_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "verdict.json"
    path.write_bytes(b"\xff\xfe{}")
    with pytest.raises(InputError, match="is not JSON"):
        read_object(path, fix="judge it")


def test_a_folder_in_the_files_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_object(tmp_path, fix="judge it")


def test_a_value_of_another_type_is_absent() -> None:
    source = {"t": [1], "n": "1", "b": True, "i": 1.5, "o": [], "l": {}}
    assert text(source, "t", default="none") == "none"
    assert number(source, "n") is None
    assert number(source, "b") is None
    assert whole(source, "b") is None
    assert whole(source, "i") is None
    assert inner(source, "o") == {}
    assert texts(source, "l") == ()
    assert objects(source, "l") == ()


def test_whole_numbers_keep_every_digit() -> None:
    assert whole({"ns": 2**62 + 1}, "ns") == 2**62 + 1
    assert whole({"ns": 3.0}, "ns") == 3


def test_leaves_are_named_by_their_path() -> None:
    source = {"a": {"b": [1, "x"]}, "c": None, "d": [{"e": 1}], "f": True}
    assert flattened(source) == (("a.b", "1, x"), ("c", "null"), ("d", '[{"e": 1}]'), ("f", "true"))
