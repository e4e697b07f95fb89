"""One origin for every process of a run."""

from pathlib import Path

from recording.clock import RunClock


def test_a_moved_origin_is_seen_by_all_who_opened_the_file(tmp_path: Path) -> None:
    """At once, without reading the file again."""
    one = RunClock.create(tmp_path / "clock", origin_ns=0)
    other = RunClock.open(tmp_path / "clock")
    assert other.origin_ns == 0
    one.set_origin(1 << 62)
    assert other.origin_ns == 1 << 62
    assert other.now_ns() < 0


def test_a_clock_of_its_own_starts_now() -> None:
    """And runs forward."""
    clock = RunClock.standalone()
    first = clock.now_ns()
    assert 0 <= first <= clock.now_ns()
