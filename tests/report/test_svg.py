"""Drawings hold no markup but their own and no number that a browser could not read."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from report.svg import drawing, element, number


def test_texts_and_attributes_are_escaped() -> None:
    written = element("text", "<script>", x=1, aria_label='"><script>')
    assert "<script>" not in written
    assert "&lt;script&gt;" in written


def test_elements_inside_elements_are_escaped_once() -> None:
    assert element("g", [element("text", "a&b")]) == "<g><text>a&amp;b</text></g>"


def test_a_drawing_says_what_it_shows() -> None:
    drawn = drawing([], width=10, height=5, class_="chart", title="p99", summary="stable: 3 ms")
    assert 'aria-label="p99. stable: 3 ms"' in drawn
    assert "<title>p99</title><desc>stable: 3 ms</desc>" in drawn


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_not_finite_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="no place in a drawing"):
        element("circle", cx=value)


@given(st.floats(-1e6, 1e6))
def test_numbers_are_short_and_near(value: float) -> None:
    shown = number(value)
    assert re.fullmatch(r"-?\d+(\.\d)?", shown)
    assert shown != "-0"
    assert abs(float(shown) - value) <= 0.0500001
