"""Edits in place: the values that are meant change, every other byte stays."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.json_path import Index, Key, Step, parse_path
from scenarios.json_spans import as_json_text, edited, find, removals, replacements

names = st.sampled_from(["a", "b", "income", "é", 'q"uote', "[", ","])
leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=20,
)
steps = st.lists(
    st.builds(lambda name: Key(name=name), names)
    | st.builds(lambda position: Index(position=position), st.none() | st.integers(0, 3)),
    min_size=1,
    max_size=3,
)
layouts = st.sampled_from([{}, {"separators": (",", ":")}, {"indent": 2}, {"ensure_ascii": False}])


def cut(text: str, path: list[Step]) -> str:
    return edited(text, [edit for holder in find(text, path) for edit in removals(holder)])


def put(text: str, path: list[Step], instead: str) -> str:
    return edited(text, [edit for holder in find(text, path) for edit in replacements(holder, instead)])


def without(value: object, path: list[Step]) -> object:
    """The same removal on parsed JSON, written plainly: the oracle."""
    step, *rest = path
    if isinstance(value, dict):
        meant = [key for key in value if step.takes(Key(name=key))]
        return {k: without(v, rest) if k in meant else v for k, v in value.items() if rest or k not in meant}
    if isinstance(value, list):
        at = [position for position in range(len(value)) if step.takes(Index(position=position))]
        return [without(v, rest) if i in at else v for i, v in enumerate(value) if rest or i not in at]
    return value


@given(values, steps, layouts)
def test_a_removal_gives_what_removing_from_the_parsed_value_gives(
    value: object, path: list[Step], layout: dict[str, object]
) -> None:
    text = json.dumps(value, **layout)  # type: ignore[arg-type]  # a layout holds keywords of dumps
    assert json.loads(cut(text, path)) == without(value, path)


@given(values, steps)
def test_a_replacement_by_a_marker_and_back_restores_the_text(value: object, path: list[Step]) -> None:
    text = json.dumps(value)
    holders = find(text, path)
    originals = [text[h.children[hit].value : h.children[hit].end] for h in holders for hit in h.hits]
    marked = put(text, path, '"\x00"')
    assert marked.count("\x00") == len(originals)
    pieces = iter(originals)
    assert re.sub('"\x00"', lambda _: next(pieces), marked) == text


def test_spelling_order_spaces_and_repeated_keys_stay() -> None:
    text = '\n{ "rows" : [ {"x":1.10 , "gone" : 1e400, "k":"\\u00e9", "k" : 9007199254740993} ] }\t'
    after = cut(text, [*parse_path("$.rows[*].gone")])
    assert after == '\n{ "rows" : [ {"x":1.10, "k":"\\u00e9", "k" : 9007199254740993} ] }\t'


@pytest.mark.parametrize(
    ("path", "after"),
    [
        ("$[0]", "[2, 3]"),
        ("$[1]", "[1, 3]"),
        ("$[2]", "[1, 2]"),
        ("$[*]", "[]"),
        ("$[3]", "[1, 2, 3]"),
        ("$.a", "[1, 2, 3]"),
        ("$[0][0]", "[1, 2, 3]"),
    ],
)
def test_an_element_is_removed_with_one_comma(path: str, after: str) -> None:
    assert cut("[1, 2, 3]", [*parse_path(path)]) == after


def test_a_key_that_stands_twice_goes_twice() -> None:
    assert cut('{"a":1,"b":2,"a":3}', [Key(name="a")]) == '{"b":2}'


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\x1f\x8b\x08\x00", b'{"a": "\xff"}', b'\xef\xbb\xbf{"a": 1}', b"[" * 200_000]
)
def test_what_is_not_json_in_utf8_is_no_text(body: bytes) -> None:
    assert as_json_text(body) is None
