"""A trace comes back as it was written, and foreign or cut files are refused by name."""

from pathlib import Path

import pytest

from recording.errors import InputError
from recording.exchange import Request
from recording.trace import TraceWriter, iter_requests, read_trace, trace_facts

REQUESTS = [
    Request(
        id="a",
        at_ns=0,
        method="POST",
        path="/p?x=%zz",
        headers=(("X-D", "1"), ("x-d", "2\xff")),
        body=b"\0\xff",
        session="s",
        label='{"y":1}',
        slices={"region": "EU"},
    ),
    Request(id="b", at_ns=0, method="GET", path="/"),
    Request(
        id="c",
        at_ns=5,
        method="GET",
        path="/",
        status=200,
        response_headers=(("A", "b"),),
        response_body=b"x",
        duration_ns=7,
    ),
]


def written(path: Path) -> Path:
    with TraceWriter(path, origin="test", importer="none") as writer:
        writer.extend(REQUESTS)
    return path


def test_requests_come_back_in_order_with_every_field(tmp_path: Path) -> None:
    """Header order and case, raw bytes, labels, slices, recorded answers."""
    assert list(iter_requests(written(tmp_path / "t.parquet"))) == REQUESTS


def test_the_metadata_says_what_the_trace_is(tmp_path: Path) -> None:
    """Counts, duration, origin and a digest of the content."""
    facts = trace_facts(written(tmp_path / "t.parquet"))
    assert (facts.requests, facts.duration_ns, facts.labelled, facts.origin) == (3, 5, 1, "test")
    assert facts.digest == trace_facts(written(tmp_path / "again.parquet")).digest


def test_time_does_not_go_backwards(tmp_path: Path) -> None:
    """And nothing is left behind by the attempt."""
    with (
        pytest.raises(InputError, match="sort by time"),
        TraceWriter(tmp_path / "t.parquet", origin="test") as writer,
    ):
        writer.extend(reversed(REQUESTS))
    assert list(tmp_path.iterdir()) == []


def test_cut_and_foreign_files_are_refused_by_name(tmp_path: Path) -> None:
    """A truncated Parquet, another tool's Parquet, text, nothing at all."""
    whole = written(tmp_path / "t.parquet").read_bytes()
    (tmp_path / "cut.parquet").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.parquet").write_text("id,at_ns\n")
    for name, words in (
        ("cut", "not a whole Parquet"),
        ("text", "not a whole Parquet"),
        ("none", "no such file"),
    ):
        with pytest.raises(InputError, match=words) as caught:
            list(read_trace(tmp_path / f"{name}.parquet"))
        assert name in str(caught.value)
