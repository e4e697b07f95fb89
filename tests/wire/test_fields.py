"""Field lines, and that the examples in the docstrings hold."""

import doctest

from hypothesis import given
from hypothesis import strategies as st

import wire.chunked
import wire.fields
from wire.fields import FIELD_TABLE, HOP_BY_HOP, field_lines, sort_lines, split_lines

NAMES = st.text("abcXYZ-_.!", min_size=1, max_size=8).map(str.encode)
VALUES = st.text("abc ,;=\xe9", max_size=12).map(lambda text: text.strip(" ").encode("latin-1"))


def test_the_examples_hold() -> None:
    for module in (wire.fields, wire.chunked):
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
