"""Text and profile say the same, and what cannot be read is named."""

import contextlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadprofiles.notation import parse_profile
from loadprofiles.profile import Profile, ProfileError
from loadprofiles.shapes.constant import Constant
from loadprofiles.shapes.pause import Pause
from loadprofiles.shapes.ramp import Ramp
from loadprofiles.shapes.recorded import Recorded
from loadprofiles.shapes.sequence import Sequence

positive = st.floats(min_value=1e-6, max_value=1e9)
whole = st.integers(min_value=1, max_value=10**6).map(float)
numbers = st.one_of(positive, whole)
OFFSETS = np.array([0, 7, 7, 1_000_000_007], dtype=np.int64)

single: st.SearchStrategy[Profile] = st.one_of(
    st.builds(Constant, rate=numbers, duration_s=numbers),
    st.builds(Ramp, from_rate=numbers, to_rate=numbers, duration_s=numbers),
    st.builds(Pause, duration_s=numbers),
    st.builds(Recorded, offsets_ns=st.just(OFFSETS), speed=numbers),
)
profiles: st.SearchStrategy[Profile] = st.one_of(
    single, st.builds(Sequence, parts=st.lists(single, min_size=2, max_size=4).map(tuple))
)


@given(profile=profiles)
def test_what_is_written_reads_back_as_an_equal_profile(profile: Profile) -> None:
    assert parse_profile(str(profile), offsets_ns=OFFSETS) == profile


@pytest.mark.parametrize(
    ("text", "profile"),
    [
        ("constant 50/s for 30s", Constant(rate=50, duration_s=30)),
        ("  Constant 90/min  for 1h30m ", Constant(rate=1.5, duration_s=5400)),
        ("ramp 10/s to 200/s over 5m", Ramp(from_rate=10, to_rate=200, duration_s=300)),
        ("pause for 250ms", Pause(duration_s=0.25)),
        ("recorded", Recorded(offsets_ns=OFFSETS)),
        ("recorded at 10x", Recorded(offsets_ns=OFFSETS, speed=10)),
        (
            "ramp 0/s to 8/s over 2s,then constant 1e2/s for 1d",
            Sequence(
                parts=(Ramp(from_rate=0, to_rate=8, duration_s=2), Constant(rate=100, duration_s=86400))
            ),
        ),
        (
            "# morning\nramp 0/s to 8/s over 2s\n\nthen pause for 1s,\npause for 2s\n# over\n",
            Sequence(
                parts=(
                    Ramp(from_rate=0, to_rate=8, duration_s=2),
                    Pause(duration_s=1),
                    Pause(duration_s=2),
                )
            ),
        ),
    ],
)
def test_the_notation_as_people_write_it(text: str, profile: Profile) -> None:
    assert parse_profile(text, offsets_ns=OFFSETS) == profile


@pytest.mark.parametrize(
    ("profile", "text"),
    [
        (Constant(rate=0.5, duration_s=90), "constant 0.5/s for 90s"),
        (Constant(rate=50, duration_s=7200), "constant 50/s for 2h"),
        (Ramp(from_rate=1, to_rate=2, duration_s=120), "ramp 1/s to 2/s over 2m"),
        (Recorded(offsets_ns=OFFSETS, speed=0.5), "recorded at 0.5x"),
    ],
)
def test_the_shortest_text_is_written(profile: Profile, text: str) -> None:
    assert str(profile) == text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "an empty profile"),
        ("   # nothing here", "an empty profile"),
        ("konstant 5/s for 3s", "did you mean 'constant'"),
        ("sine 5/s", "'sine' is not a load shape: write one of 'pause for DURATION'"),
        ("constant 5 for 3s", "'5' is not a rate"),
        ("constant 5/y for 3s", "'5/y' is not a rate"),
        ("constant -5/s for 3s", "'-5/s' is not a rate"),
        ("constant 5/s for 3", "'3' is not a duration"),
        ("constant 5/s for 3s4", "'3s4' is not a duration"),
        ("recorded at 5", "'5' is not a speed"),
        ("ramp 1/s to 3/s for 5m", "has 'for' where 'ramp RATE to RATE over DURATION' has 'over'"),
        ("constant 5/s for 3s then pause for 3s", "does not read as 'constant RATE for DURATION'"),
        ("constant 5/s for 3s, then", "'' is not a load shape"),
        ("constant 5/s for 0s", "a duration of 0.0"),
    ],
)
def test_what_cannot_be_read_is_named(text: str, says: str) -> None:
    with pytest.raises(ProfileError) as refusal:
        parse_profile(text, offsets_ns=OFFSETS)
    assert says in str(refusal.value)


def test_recorded_without_a_trace_says_so() -> None:
    with pytest.raises(ProfileError, match="there is none here"):
        parse_profile("recorded")


@given(text=st.text(max_size=60))
def test_any_text_gives_a_profile_or_a_profile_error(text: str) -> None:
    with contextlib.suppress(ProfileError):  # the one error that is allowed
        parse_profile(text, offsets_ns=OFFSETS)
