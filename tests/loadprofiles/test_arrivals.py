"""The arrival processes: exact where nothing is left to chance, within stated bands where something is.

The bands hold for these fixed seeds and are some four standard errors wide, so that a process of another kind
falls out of them: even gaps where there should be exponential ones, one seed used by several workers.
"""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from loadprofiles.arrivals import ARRIVALS, MOST_ARRIVALS, arrivals
from loadprofiles.dispersion import gap_autocorrelation, gap_cv, index_of_dispersion
from loadprofiles.notation import parse_profile
from loadprofiles.profile import NS_PER_S, Nanoseconds, Profile, ProfileError, total
from loadprofiles.shapes.constant import Constant
from loadprofiles.shapes.ramp import Ramp
from loadprofiles.shapes.recorded import Recorded
from loadprofiles.shapes.sequence import Sequence
from loadprofiles.stripes import merge, stripe

SEEDS = [1, 2, 3]
rates = st.floats(min_value=0.01, max_value=500)
durations = st.floats(min_value=0.01, max_value=20)


def ramp_then_constant(low: float, high: float, duration_s: float) -> Profile:
    ramp = Ramp(from_rate=low, to_rate=high, duration_s=duration_s)
    return Sequence(parts=(ramp, Constant(rate=high, duration_s=duration_s)))


profiles: st.SearchStrategy[Profile] = st.one_of(
    st.builds(Constant, rate=rates, duration_s=durations),
    st.builds(ramp_then_constant, rates, rates, durations),
)


def poisson(text: str, *, seed: int) -> Nanoseconds:
    return arrivals(parse_profile(text), process="poisson", seed=seed)


@given(profile=profiles, process=st.sampled_from(["constant", "poisson"]), seed=st.integers(0, 2**32))
def test_arrivals_ascend_within_the_profile_and_repeat_with_the_seed(
    profile: Profile, process: str, seed: int
) -> None:
    due_ns = arrivals(profile, process=process, seed=seed)
    assert due_ns.dtype == np.int64
    assert np.all(np.diff(due_ns) >= 0)
    assert len(due_ns) == 0 or (due_ns[0] >= 0 and due_ns[-1] <= round(profile.duration_s * NS_PER_S))
    assert np.array_equal(due_ns, arrivals(profile, process=process, seed=seed))


@given(profile=profiles)
def test_constant_arrival_i_falls_where_the_integral_is_i(profile: Profile) -> None:
    due_ns = arrivals(profile, process="constant", seed=0)
    assert len(due_ns) == math.ceil(total(profile) * (1 - 1e-9))
    assert profile.expected(due_ns / NS_PER_S) == pytest.approx(np.arange(len(due_ns)), abs=1e-5)


def test_constant_arrivals_at_a_constant_rate_are_exact() -> None:
    due_ns = arrivals(parse_profile("constant 50/s for 30s"), process="constant", seed=9)
    assert np.array_equal(due_ns, np.arange(1500) * 20_000_000)


def test_constant_arrivals_over_a_recording_are_the_recording() -> None:
    recording = Recorded(offsets_ns=np.array([0, 3, 3, 10_000_000_019], dtype=np.int64))
    assert list(arrivals(recording, process="constant", seed=0)) == list(recording.offsets_ns)


def test_recorded_arrivals_are_the_offsets_at_their_speed() -> None:
    offsets_ns = np.array([0, 3, 2**60 + 1], dtype=np.int64)
    assert list(arrivals(Recorded(offsets_ns=offsets_ns), process="recorded", seed=0)) == list(offsets_ns)
    faster = Recorded(offsets_ns=np.array([0, 10, 25]), speed=10)
    assert list(arrivals(faster, process="recorded", seed=0)) == [0, 1, 2]


def test_twenty_thousand_arrivals_do_not_drift() -> None:
    due_ns = arrivals(parse_profile("constant 19997/s for 1s"), process="constant", seed=0)
    assert due_ns[-1] == round(19_996 / 19_997 * NS_PER_S)


@pytest.mark.parametrize("seed", SEEDS)
def test_poisson_counts_are_poisson(seed: int) -> None:
    expected = 100_000
    count = len(poisson("constant 1000/s for 100s", seed=seed))
    assert abs(count - expected) < 4 * math.sqrt(expected)


@pytest.mark.parametrize("seed", SEEDS)
def test_poisson_gaps_scatter_as_poisson_gaps_do(seed: int) -> None:
    due_ns = poisson("constant 50/s for 400s", seed=seed)
    assert gap_cv(due_ns) == pytest.approx(1, abs=0.03)
    assert abs(gap_autocorrelation(due_ns)) < 4 / math.sqrt(len(due_ns))
    for window_s, band in [(0.2, 0.13), (1.0, 0.29), (10.0, 0.9)]:
        assert index_of_dispersion(due_ns, window_ns=round(window_s * NS_PER_S)) == pytest.approx(1, abs=band)


@pytest.mark.parametrize(
    "text", ["constant 50/s for 40s", "ramp 0/s to 200/s over 15s, then constant 20/s for 25s"]
)
def test_poisson_arrivals_are_exponential_and_follow_the_rate(text: str) -> None:
    """Over many seeds the p-values of a true hypothesis are uniform."""
    profile = parse_profile(text)
    gaps, places = [], []
    for seed in range(100):
        counts = profile.expected(arrivals(profile, process="poisson", seed=seed) / NS_PER_S)
        gaps.append(stats.kstest(np.diff(counts), "expon").pvalue)
        places.append(stats.kstest(counts / total(profile), "uniform").pvalue)
    assert stats.kstest(gaps, "uniform").pvalue > 0.01
    assert stats.kstest(places, "uniform").pvalue > 0.01


def test_the_bands_catch_workers_that_share_a_seed() -> None:
    """Four workers with one seed, each at a quarter of the rate: right gaps one by one, wrong together."""
    one = poisson("constant 12.5/s for 400s", seed=1)
    together = np.sort(np.concatenate([one, one + 1, one + 2, one + 3]))
    assert index_of_dispersion(together, window_ns=NS_PER_S) > 3


def test_different_seeds_give_different_arrivals_and_a_longer_profile_begins_alike() -> None:
    short = poisson("constant 100/s for 10s", seed=5)
    assert not np.array_equal(short[:50], poisson("constant 100/s for 10s", seed=6)[:50])
    assert np.array_equal(short, poisson("constant 100/s for 20s", seed=5)[: len(short)])


def test_the_same_seed_gives_the_arrivals_that_it_always_gave() -> None:
    assert list(poisson("constant 1000/s for 100s", seed=3)[:4]) == [79_077, 747_492, 1_685_008, 2_621_356]


@pytest.mark.parametrize("process", ["constant", "poisson"])
def test_a_million_arrivals_come_from_one_vectorised_draw(process: str) -> None:
    profile = parse_profile("ramp 0/s to 2000/s over 1000s")
    assert len(arrivals(profile, process=process, seed=1)) == pytest.approx(1_000_000, abs=4_000)


@given(profile=profiles, seed=st.integers(0, 1000), workers=st.integers(1, 9))
def test_the_stripes_of_a_schedule_merge_into_it(profile: Profile, seed: int, workers: int) -> None:
    due_ns = arrivals(profile, process="poisson", seed=seed)
    stripes = [stripe(due_ns, worker=worker, workers=workers) for worker in range(workers)]
    assert sum(map(len, stripes)) == len(due_ns)
    assert np.array_equal(merge(stripes), due_ns)


@pytest.mark.parametrize("worker", [-1, 4])
def test_a_worker_outside_the_count_is_refused(worker: int) -> None:
    with pytest.raises(ProfileError, match="counted from 0 to 3"):
        stripe(np.arange(3), worker=worker, workers=4)


def test_unknown_processes_absurd_counts_and_wrong_pairs_are_refused() -> None:
    profile = parse_profile("constant 1/s for 1s")
    with pytest.raises(ProfileError, match="'gamma' is not an arrival process"):
        arrivals(profile, process="gamma", seed=0)
    with pytest.raises(ProfileError, match="need the profile 'recorded'"):
        arrivals(profile, process="recorded", seed=0)
    with pytest.raises(ProfileError, match=f"more than {MOST_ARRIVALS:,}"):
        arrivals(parse_profile("constant 1e9/s for 10s"), process="constant", seed=0)


def test_a_silent_profile_has_no_arrivals() -> None:
    for process in ("constant", "poisson"):
        assert len(ARRIVALS[process](parse_profile("pause for 1s"), seed=0)) == 0
