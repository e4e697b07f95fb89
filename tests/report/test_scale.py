"""Every value lands inside the drawing, and ticks stand on round values."""

import math

from hypothesis import given
from hypothesis import strategies as st

from report.scale import round_step, time_scale, value_scale

VALUES = st.lists(st.floats(0, 1e12), max_size=30)


@given(VALUES)
def test_values_stay_between_the_edges_and_keep_their_order(values: list[float]) -> None:
    scale = value_scale(values, start=150.0, end=10.0, may_be_logarithmic=True)
    places = [scale.at(value) for value in sorted(values)]
    assert all(10.0 <= place <= 150.0 for place in places)
    assert places == sorted(places, reverse=True)


@given(VALUES)
def test_there_are_between_two_and_a_dozen_ticks_that_rise(values: list[float]) -> None:
    ticks = value_scale(values, start=150.0, end=10.0, may_be_logarithmic=True).ticks
    assert 1 <= len(ticks) <= 14
    assert list(ticks) == sorted(set(ticks))


def test_values_of_many_sizes_get_a_logarithmic_scale_and_others_begin_at_nought() -> None:
    assert value_scale([1.0, 1000.0], start=100, end=0, may_be_logarithmic=True).logarithmic
    assert not value_scale([1.0, 1000.0], start=100, end=0).logarithmic
    plain = value_scale([10.0, 30.0], start=100, end=0, may_be_logarithmic=True)
    assert not plain.logarithmic
    assert plain.low == 0.0
    assert not value_scale([0.0, 1.0, 1000.0], start=100, end=0, may_be_logarithmic=True).logarithmic


def test_nothing_measured_still_gives_a_scale() -> None:
    scale = value_scale([], start=100, end=0)
    assert (scale.low, scale.high) == (0.0, 1.0)


@given(st.floats(-1e5, 1e5), st.floats(0, 1e6), st.integers(2, 20))
def test_ticks_of_time_lie_in_the_stretch(low: float, span: float, parts: int) -> None:
    scale = time_scale(low, low + span, start=0, end=100, parts=parts)
    assert all(-1e-6 <= scale.at(tick) <= 100 + 1e-6 for tick in scale.ticks)
    assert len(scale.ticks) <= parts + 1


@given(st.floats(1e-9, 1e15), st.integers(1, 10))
def test_a_round_step_is_one_two_or_five_times_a_power_of_ten(span: float, parts: int) -> None:
    step = round_step(span, parts=parts)
    lead = step / 10 ** math.floor(math.log10(step) + 1e-9)
    assert any(math.isclose(lead, known, rel_tol=1e-6) for known in (1, 2, 5, 10))
    assert step * parts >= span * (1 - 1e-6)
