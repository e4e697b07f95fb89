"""What every shape promises: the integral of its rate, an exact inverse, and the text it was written as."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from loadprofiles.profile import Profile, ProfileError, total
from loadprofiles.shapes.constant import Constant
from loadprofiles.shapes.pause import Pause
from loadprofiles.shapes.ramp import Ramp
from loadprofiles.shapes.recorded import Recorded
from loadprofiles.shapes.sequence import Sequence

rates = st.floats(min_value=0, max_value=1e4).filter(lambda rate: rate == 0 or rate > 1e-3)
durations = st.floats(min_value=1e-2, max_value=1e4)

constants = st.builds(Constant, rate=rates, duration_s=durations)
ramps = st.builds(Ramp, from_rate=rates, to_rate=rates, duration_s=durations)
pauses = st.builds(Pause, duration_s=durations)
offsets = st.lists(st.integers(min_value=0, max_value=10**12), min_size=1, max_size=50).map(
    lambda at: np.array(sorted(at), dtype=np.int64)
)
recordings = st.builds(Recorded, offsets_ns=offsets, speed=st.floats(min_value=0.1, max_value=100))
simple: st.SearchStrategy[Profile] = st.one_of(constants, ramps, pauses)
sequences = st.builds(Sequence, parts=st.lists(simple, min_size=1, max_size=5).map(tuple))
shapes: st.SearchStrategy[Profile] = st.one_of(simple, recordings, sequences)
fractions = st.lists(st.floats(min_value=0, max_value=1), min_size=1, max_size=20).map(sorted)


@given(profile=shapes, fraction=fractions)
def test_the_expected_count_never_falls_and_starts_at_zero(profile: Profile, fraction: list[float]) -> None:
    at_s = np.array(fraction) * profile.duration_s
    expected = profile.expected(at_s)
    assert np.all(np.diff(expected) >= -1e-9 * (1 + expected[-1]))
    assert np.all(expected >= 0)


@given(profile=shapes, fraction=fractions)
def test_the_inverse_of_a_count_has_that_count(profile: Profile, fraction: list[float]) -> None:
    counts = np.array(fraction) * total(profile)
    at_s = profile.when(counts)
    assert np.all((at_s >= 0) & (at_s <= profile.duration_s * (1 + 1e-12)))
    assert np.all(np.diff(at_s) >= -1e-9 * profile.duration_s)
    if not isinstance(profile, Recorded):  # which may have many arrivals at one instant
        assert profile.expected(at_s) == pytest.approx(counts, rel=1e-6, abs=1e-6)


@given(profile=st.one_of(constants, ramps), fraction=st.floats(min_value=0, max_value=1))
def test_the_expected_count_is_the_integral_of_the_rate(profile: Profile, fraction: float) -> None:
    end_s = fraction * profile.duration_s
    integral, _ = quad(lambda at_s: float(profile.rate_per_s(np.array([at_s]))[0]), 0, end_s)
    assert float(profile.expected(np.array([end_s]))[0]) == pytest.approx(integral, rel=1e-6, abs=1e-6)


@given(parts=st.lists(simple, min_size=1, max_size=6))
def test_a_sequence_has_the_counts_and_rates_of_its_parts(parts: list[Profile]) -> None:
    sequence = Sequence(parts=tuple(parts))
    assert total(sequence) == pytest.approx(sum(map(total, parts)))
    start_s = 0.0
    for part in parts:
        middle = np.array([part.duration_s / 2])
        assert sequence.rate_per_s(start_s + middle) == pytest.approx(part.rate_per_s(middle), rel=1e-6)
        start_s += part.duration_s


def test_an_arrival_due_at_the_start_of_a_silence_falls_at_its_end() -> None:
    profile = Sequence(
        parts=(
            Pause(duration_s=3),
            Constant(rate=1, duration_s=2),
            Pause(duration_s=5),
            Constant(rate=1, duration_s=1),
        )
    )
    assert list(profile.when(np.array([0.0, 1.0, 2.0]))) == [3.0, 4.0, 10.0]


def test_a_ramp_down_to_nothing_reaches_its_last_count_at_its_end() -> None:
    assert list(Ramp(from_rate=10, to_rate=0, duration_s=10).when(np.array([0.0, 50.0]))) == [0.0, 10.0]


def test_a_recording_passes_through_its_arrivals_and_ends_one_mean_gap_later() -> None:
    profile = Recorded(offsets_ns=np.array([0, 10**9, 4 * 10**9]), speed=2)
    assert list(profile.when(np.array([0.0, 1.0, 2.0, 3.0]))) == [0.0, 0.5, 2.0, 3.0]
    assert list(profile.rate_per_s(np.array([0.25, 1.0, 2.5]))) == [2.0, pytest.approx(1 / 1.5), 1.0]
    assert profile.duration_s == 3.0


def test_a_recording_of_one_arrival_lasts_a_second() -> None:
    assert Recorded(offsets_ns=np.array([0])).duration_s == 1.0


def test_equal_recordings_are_equal() -> None:
    one = Recorded(offsets_ns=np.array([0, 5]))
    assert one == Recorded(offsets_ns=np.array([0, 5]))
    assert one != Recorded(offsets_ns=np.array([0, 6]))
    assert one != Pause(duration_s=1)


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Constant(rate=-1, duration_s=1), "a rate of -1/s"),
        (lambda: Constant(rate=float("nan"), duration_s=1), "a rate of nan/s"),
        (lambda: Ramp(from_rate=1, to_rate=float("inf"), duration_s=1), "a rate of inf/s"),
        (lambda: Pause(duration_s=0), "a duration of 0"),
        (lambda: Recorded(offsets_ns=np.array([0]), speed=0), "a speed of 0"),
        (lambda: Recorded(offsets_ns=np.array([], dtype=np.int64)), "at least one request"),
        (lambda: Recorded(offsets_ns=np.array([5, 3])), "ascending"),
        (lambda: Recorded(offsets_ns=np.array([-5, 3])), "not negative"),
        (lambda: Sequence(parts=()), "without parts"),
    ],
)
def test_numbers_that_make_no_sense_are_refused(make: object, says: str) -> None:
    assert callable(make)
    with pytest.raises(ProfileError, match=says):
        make()
