"""Field lines, and that the examples in the docstrings hold."""

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

import wire.chunked
import wire.fields
import wire.request_line
from wire.errors import WireError
from wire.fields import (
    FIELD_TABLE,
    HOP_BY_HOP,
    MAX_KNOWN_BYTES,
    MAX_KNOWN_LINES,
    MAX_KNOWN_LINES_A_NAME,
    MAX_KNOWN_NAMES,
    PASS,
    LineSorter,
    field_lines,
    sort_lines,
    split_lines,
)

NAMES = st.text("abcXYZ-_.!", min_size=1, max_size=8).map(str.encode)
VALUES = st.text("abc ,;=\xe9", max_size=12).map(lambda text: text.strip(" ").encode("latin-1"))


def test_the_examples_hold() -> None:
    for module in (wire.fields, wire.chunked, wire.request_line):
        assert doctest.testmod(module).failed == 0


@given(fields=st.lists(st.tuples(NAMES, VALUES)))
def test_lines_split_into_what_they_were_made_of(fields: list[tuple[bytes, bytes]]) -> None:
    assert split_lines(field_lines(fields)) == fields


@given(fields=st.lists(st.tuples(st.sampled_from([*sorted(HOP_BY_HOP), b"x-a", b"x-b", b"Host"]), VALUES)))
def test_no_hop_by_hop_field_is_ever_passed_and_order_is_kept(fields: list[tuple[bytes, bytes]]) -> None:
    lines = field_lines(fields).split(b"\r\n")[:-1]
    passed, _ = sort_lines(lines, FIELD_TABLE)
    names = [name.lower() for name, _ in split_lines(passed)]
    assert not HOP_BY_HOP & set(names)
    wanted = [line for line in lines if line.partition(b":")[0].lower() not in HOP_BY_HOP]
    kept = passed.split(b"\r\n")[:-1]
    assert kept == [line for line in wanted if line in kept]


@given(heads=st.lists(st.lists(st.tuples(NAMES, VALUES), max_size=4), max_size=6))
def test_lines_that_were_read_before_mean_what_they_meant(heads: list[list[tuple[bytes, bytes]]]) -> None:
    table = {**FIELD_TABLE, b"a": PASS, b"x": False}
    seasoned = LineSorter(table)
    for fields in (*heads, *heads):
        lines = field_lines(fields).split(b"\r\n")[:-1]
        assert seasoned.sort(lines, status=400) == LineSorter(table).sort(lines, status=400)


def test_ids_that_never_come_again_do_not_crowd_out_what_does() -> None:
    sorter = LineSorter(FIELD_TABLE)
    for number in range(2 * MAX_KNOWN_LINES):
        sorter.sort([b"Accept: */*", b"X-Request-Id: %d" % number], status=400)
    assert sorter.kept == MAX_KNOWN_LINES_A_NAME + 1


def test_what_is_remembered_is_bounded_however_names_and_values_are_made_up() -> None:
    sorter = LineSorter(FIELD_TABLE)
    for number in range(2 * MAX_KNOWN_NAMES):
        for value in range(20):
            sorter.sort([b"X-%d: %d" % (number, value)], status=400)
            assert sorter.kept <= MAX_KNOWN_LINES
    kept = sorter.kept
    sorter.sort([b"X-Long: " + b"x" * MAX_KNOWN_BYTES], status=400)
    assert sorter.kept == kept


@pytest.mark.parametrize(
    "line", [b"", b"no colon", b": v", b"X : v", b" X: v", b"X: a\rb", b"X: a\nb", b"X: \x7f"]
)
def test_a_line_that_is_no_field_is_refused_every_time_under_the_status_asked_for(line: bytes) -> None:
    sorter = LineSorter(FIELD_TABLE)
    for status in (400, 502):
        with pytest.raises(WireError) as caught:
            sorter.sort([b"X: v", line], status=status)
        assert caught.value.status == status
