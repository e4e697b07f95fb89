"""What comes from outside cannot steer a terminal, turn a line around or break an encoding."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from report.safe_text import REPLACEMENT, printable, printable_json


@pytest.mark.parametrize(
    "hostile", ["\x1b[2J", "\x00", "\x7f", "\x9b31m", "\u202e", "\u2066", "\ud800", "\uffff"]
)
def test_each_unprintable_character_is_replaced(hostile: str) -> None:
    assert printable(f"a{hostile}b").startswith(f"a{REPLACEMENT}")


def test_line_ends_and_tabs_become_blanks() -> None:
    assert printable("a\r\nb\nc\td") == "a b c d"


@given(st.text(st.characters()))
def test_whatever_comes_in_can_be_encoded_and_stays_on_its_line(text: str) -> None:
    shown = printable(text)
    assert shown.encode("utf-8").decode("utf-8") == shown
    assert len(shown.splitlines()) <= 1
    assert printable(shown) == shown


def test_json_loses_numbers_that_are_not_finite_at_any_depth() -> None:
    source = {"a\n": [float("nan"), {"b": float("-inf")}, 1.5, True, None, "\x1b"]}
    assert printable_json(source) == {"a ": [None, {"b": None}, 1.5, True, None, REPLACEMENT]}
