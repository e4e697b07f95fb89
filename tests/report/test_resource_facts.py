"""CPU and memory over time, from samples that grow."""

from collections.abc import Callable
from pathlib import Path

from report.facts import gather

S = 1_000_000_000


def _sample(second: int, cpu_s: float | None, rss: int = 100) -> dict[str, object]:
    sampled = {"target": "stable", "role": "baseline", "open_files": 3, "threads": 2}
    return sampled | {"at_ns": second * S, "cpu_s": cpu_s, "rss_bytes": rss}


def test_cores_are_cpu_time_over_wall_time(with_samples: Callable[..., Path]) -> None:
    (use,) = gather(with_samples([_sample(0, 1.0), _sample(1, 1.5), _sample(3, 5.5)])).resources
    assert [(bucket.index, bucket.cores) for bucket in use.buckets] == [(0, None), (1, 0.5), (3, 2.0)]


def test_a_new_process_does_not_make_negative_use(with_samples: Callable[..., Path]) -> None:
    (use,) = gather(with_samples([_sample(0, 9.0), _sample(1, 0.1), _sample(2, 0.6)])).resources
    assert [bucket.cores for bucket in use.buckets] == [None, None, 0.5]


def test_a_source_that_does_not_say_has_no_number(with_samples: Callable[..., Path]) -> None:
    (use,) = gather(with_samples([_sample(0, None), _sample(1, None, rss=300)])).resources
    assert [(bucket.cores, bucket.rss_bytes) for bucket in use.buckets] == [(None, 100), (None, 300)]


def test_samples_before_the_start_do_not_count(with_samples: Callable[..., Path]) -> None:
    (use,) = gather(with_samples([_sample(-3600, 0.5), _sample(0, 1.0), _sample(1, 1.5)])).resources
    assert [bucket.cores for bucket in use.buckets] == [None, 0.5]


def test_samples_after_the_traffic_are_left_out(with_samples: Callable[..., Path]) -> None:
    (use,) = gather(with_samples([_sample(1, 1.0), _sample(500, 2.0)])).resources
    assert [bucket.index for bucket in use.buckets] == [1]
