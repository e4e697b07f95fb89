"""Paths to features."""

import pytest

from scenarios.json_path import Index, Key, parse_path


def test_each_kind_of_step_is_read() -> None:
    assert parse_path("$.inputs[0].data[*]['card age'].x-y") == (
        Key(name="inputs"),
        Index(position=0),
        Key(name="data"),
        Index(position=None),
        Key(name="card age"),
        Key(name="x-y"),
    )


@pytest.mark.parametrize("path", ["", "$", "income", ".income", "$income", "$.", "$..a", "$.a[", "$.a[-1]",
                                  "$.a[1:2]", "$.a[?(@.b)]", "$['']", "$.a b"])  # fmt: skip
def test_anything_else_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="is not a path"):
        parse_path(path)


def test_a_star_takes_any_element_but_no_member() -> None:
    assert Index(position=None).takes(Index(position=7))
    assert not Index(position=None).takes(Key(name="a"))
    assert not Index(position=1).takes(Index(position=2))
