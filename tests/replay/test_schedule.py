"""Trace, profile and seed make one plan, and the same plan every time."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadprofiles.shapes.recorded import Recorded
from recording.errors import InputError
from replay.config import ReplayConfig
from replay.schedule import plan, round_id

OFFSETS = np.array([0, 1_000_000_000, 1_500_000_000], dtype=np.int64)  # period 2.25 s


def config(**settings: Any) -> ReplayConfig:  # Any: settings as a test writes them, checked by the model
    return ReplayConfig(trace=Path("trace.parquet"), to="http://localhost:1", **settings)


def due_s(**settings: Any) -> list[float]:  # Any: as above
    return [float(at) for at in plan(config(**settings), OFFSETS).due_ns / 1e9]


def test_without_a_profile_the_trace_is_replayed_as_it_was() -> None:
    schedule = plan(config(), OFFSETS)
    assert list(schedule.due_ns) == list(OFFSETS)
    assert (schedule.profile, schedule.arrival) == ("recorded", "recorded")


def test_speed_divides_the_recorded_offsets() -> None:
    assert due_s(speed=10) == [0, 0.1, 0.15]
    assert due_s(profile="recorded at 10x") == [0, 0.1, 0.15]


def test_a_duration_cuts_the_trace_or_repeats_it() -> None:
    assert due_s(duration_s=1.2) == [0, 1]
    assert due_s(duration_s=5) == [0, 1, 1.5, 2.25, 3.25, 3.75, 4.5]
    assert due_s(duration_s=0.3, speed=10) == [0, 0.1, 0.15, 0.225]


def test_a_profile_replaces_the_recorded_offsets() -> None:
    assert due_s(profile="constant 2/s for 2s", arrival="constant") == [0, 0.5, 1, 1.5]
    assert due_s(profile="constant 2/s for 2s", arrival="constant", duration_s=0.6) == [0, 0.5]
    assert plan(config(profile="constant 50/s for 2s"), OFFSETS).arrival == "poisson"


@given(seed=st.integers(min_value=0, max_value=2**63), duration_s=st.floats(min_value=0.5, max_value=20))
def test_the_same_settings_give_the_same_plan(seed: int, duration_s: float) -> None:
    settings = config(profile="constant 50/s for 20s", seed=seed, duration_s=duration_s)
    first, second = plan(settings, OFFSETS), plan(settings, OFFSETS)
    assert first.digest == second.digest
    assert np.all(np.diff(first.due_ns) >= 0)
    assert np.all(first.due_ns < duration_s * 1e9)


offset_lists = st.lists(st.integers(0, 10**10), min_size=1, max_size=30).map(sorted)


@given(offsets=offset_lists, rounds=st.integers(1, 5))
def test_a_repeated_trace_ascends_and_begins_with_the_trace(offsets: list[int], rounds: int) -> None:
    offsets_ns = np.array(offsets, dtype=np.int64)
    duration_s = rounds * Recorded(offsets_ns=offsets_ns).duration_s
    due_ns = plan(config(duration_s=duration_s), offsets_ns).due_ns
    assert np.all(np.diff(due_ns) >= 0)
    assert list(due_ns[: len(offsets)]) == offsets[: len(due_ns)]
    assert abs(len(due_ns) - rounds * len(offsets)) <= len(offsets)


def test_a_repetition_beyond_reason_is_refused() -> None:
    with pytest.raises(InputError, match="more than 100,000,000"):
        plan(config(duration_s=1e6), np.arange(10))


def test_the_seed_changes_the_plan() -> None:
    plans = {plan(config(profile="constant 50/s for 2s", seed=seed), OFFSETS).digest for seed in range(20)}
    assert len(plans) == 20


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"profile": "wobble 3/s"}, "profile: 'wobble' is not a load shape"),
        ({"profile": "constant 1/s for 3s", "arrival": "recorded"}, "need the profile 'recorded'"),
        ({"profile": "pause for 3s"}, "'pause for 3s' has no arrivals"),
        ({"profile": "constant 1e9/s for 1h"}, "asks for 3.6e+12 arrivals"),
    ],
)
def test_a_plan_that_cannot_be_made_is_the_users_to_change(settings: dict[str, str], says: str) -> None:
    with pytest.raises(InputError) as refusal:
        plan(config(**settings), OFFSETS)
    assert says in str(refusal.value)


def test_each_pass_over_the_trace_has_ids_of_its_own() -> None:
    assert [round_id(b"a", number) for number in (1, 2, 11)] == [b"a", b"a~2", b"a~11"]
