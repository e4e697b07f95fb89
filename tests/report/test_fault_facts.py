"""Faults come through with their windows and exact counts, in order of their beginning."""

from pathlib import Path

from report.facts import gather

S = 1_000_000_000


def test_faults_keep_every_count(untouched_run: Path) -> None:
    first, second = gather(untouched_run).faults
    assert (first.id, first.type, first.target) == ("slow-features", "delay", "all")
    assert (first.start_ns, first.end_ns) == (4 * S, 6 * S)
    skipped = first.skipped_window + first.skipped_probability + first.skipped_limit
    assert first.matched == skipped + first.selected
    assert first.selected == first.injected + first.skipped_not_applicable + first.failed
    assert second.start_ns == first.end_ns
