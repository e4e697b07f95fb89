"""Durations in scenario files."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scenarios.durations import LONGEST_NS, duration_ns


@pytest.mark.parametrize(
    ("written", "ns"),
    [
        ("30s", 30_000_000_000),
        ("250ms", 250_000_000),
        ("1m30s", 90_000_000_000),
        ("1m 30.5s", 90_500_000_000),
        ("2h", 7_200_000_000_000),
        ("10us", 10_000),
        ("7ns", 7),
        (2.5, 2_500_000_000),
        (0, 0),
    ],
)
def test_units_add_up_and_a_bare_number_counts_seconds(written: object, ns: int) -> None:
    assert duration_ns(written) == ns


@pytest.mark.parametrize(
    "written",
    [
        "",
        "30",
        "s",
        "30x",
        "30s later",
        "-3s",
        "1e3s",
        -1,
        True,
        None,
        [],
        float("nan"),
        float("inf"),
        "9e99h",
    ],
)
def test_anything_else_is_refused_with_an_example(written: object) -> None:
    with pytest.raises(ValueError, match="write 30s"):
        duration_ns(written)


def test_a_duration_longer_than_the_clock_can_count_is_refused() -> None:
    with pytest.raises(ValueError, match="not a duration"):
        duration_ns("99999999h")
    assert duration_ns("80000h") < LONGEST_NS


@given(st.integers(0, 10**6), st.sampled_from(["ns", "us", "ms", "s", "m", "h"]))
def test_whole_numbers_of_a_unit_are_exact(count: int, unit: str) -> None:
    sizes = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}
    assert duration_ns(f"{count}{unit}") == count * sizes[unit]
