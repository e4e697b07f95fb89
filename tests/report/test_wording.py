"""Numbers are written in one way, whatever their size."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from report.wording import ABSENT, by_name, count, duration, of_whole, rate, share, signed, significant, size


@pytest.mark.parametrize(
    ("ns", "shown"),
    [
        (0, "0 s"),
        (999, "999 ns"),
        (1_000, "1 µs"),
        (1_500_000, "1.5 ms"),
        (-2_000_000, "−2 ms"),
        (89_900_000_000, "89.9 s"),
        (90_000_000_000, "1 min 30 s"),
        (7_200_000_000_000, "2 h"),
        (90_061_000_000_000, "1 d 1 h"),
        (None, ABSENT),
    ],
)
def test_durations(ns: int | None, shown: str) -> None:
    assert duration(ns) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1e-9, "1.00e−09"),
        (1e20, "1.00e+20"),
        (999.9, "1,000"),
        (0.1 + 0.2, "0.3"),
        (-1234567.0, "−1,234,567"),
    ],
)
def test_three_digits_mean_something(value: float, shown: str) -> None:
    assert significant(value) == shown


def test_a_number_that_is_not_there_is_never_nought() -> None:
    assert {count(None), share(None), size(None), rate(None), significant(None), of_whole(1, 0)} == {ABSENT}
    assert by_name("lag_p99_ms", None) == ("lag p99", ABSENT)
    assert signed(ABSENT) == ABSENT


def test_units_come_from_names() -> None:
    assert by_name("rss_bytes", 2000) == ("rss", "2 kB")
    assert by_name("eta_s", 1.5) == ("eta", "1.5 s")
    assert by_name("rate_per_s", 20) == ("rate", "20/s")
    assert by_name("ok", True) == ("ok", "yes")
    assert by_name("ratio", 0.25) == ("ratio", "0.25")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_finite_number_can_be_written(value: float) -> None:
    for shown in (significant(value), size(value), share(value / 1e3), signed(significant(value))):
        assert "nan" not in shown
        assert "inf" not in shown


@given(st.integers(-(2**62), 2**62))
def test_every_duration_can_be_written(ns: int) -> None:
    assert duration(ns).removeprefix("−")[0].isdigit()
