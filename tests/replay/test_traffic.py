"""Messages come in the order of the trace, pass after pass, whether the trace fits into memory or not."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import replace
from pathlib import Path
from typing import ParamSpec, TypeVar

import numpy as np
import pyarrow.parquet as pq
import pytest

from recording.errors import InputError
from recording.exchange import Request
from recording.trace import TraceWriter, iter_requests
from replay.message import HostField, Message
from replay.traffic import Rows, Traffic, Unsendable, read_offsets

HOST = HostField(authority=b"h")
P = ParamSpec("P")
T = TypeVar("T")


class AtOnce(Executor):
    """Runs what it is given on the spot."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class NeverDone(Future[T]):
    """Looks unfinished until somebody insists on the result."""

    def done(self) -> bool:
        return False


class Late(Executor):
    """A thread that has not got round to it yet."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = NeverDone()
        future.set_result(fn(*args, **kwargs))
        return future


def request(number: int, *, path: str = "/p") -> Request:
    return Request(id=f"r{number}", at_ns=number * 10, method="POST", path=path, body=b"%d" % number)


def trace(folder: Path, requests: list[Request]) -> Path:
    path = folder / "trace.parquet"
    with TraceWriter(path, origin="test") as writer:
        writer.extend(requests)
    return path


def traffic(path: Path, *, requests: int, prepared_bytes: int, thread: Executor | None = None) -> Traffic:
    rows = Rows.of_trace(path, thread=thread or AtOnce())
    return Traffic(rows, requests=requests, host=HOST, prepared_bytes=prepared_bytes)


def taken(source: Traffic, count: int) -> list[tuple[bytes, bytes]]:
    found = []
    for _ in range(count):
        request_id, prepared = source.take()
        assert isinstance(prepared, Message)
        found.append((request_id, prepared.body))
        source.build_ahead()
    return found


@pytest.mark.parametrize(("prepared_bytes", "whole"), [(1 << 20, True), (2000, False), (1, False)])
def test_every_pass_has_every_request_in_order_under_its_own_id(
    tmp_path: Path, prepared_bytes: int, whole: bool
) -> None:
    path = trace(tmp_path, [request(number) for number in range(50)])
    source = traffic(path, requests=50, prepared_bytes=prepared_bytes)
    assert source.is_whole is whole
    expected = [
        (b"r%d%b" % (number, suffix), b"%d" % number)
        for suffix in (b"", b"~2", b"~3")
        for number in range(50)
    ]
    assert taken(source, 150) == expected


def test_what_is_built_ahead_stays_within_the_bound(tmp_path: Path) -> None:
    path = trace(tmp_path, [request(number) for number in range(200)])
    source = traffic(path, requests=200, prepared_bytes=10_000)
    for _ in range(1000):
        source.build_ahead()
    assert 10_000 <= source.ready_bytes < 10_000 + 8 * 400
    taken(source, 500)
    assert source.ready_bytes < 10_000 + 8 * 400


def test_building_ahead_never_waits_for_the_file_and_an_arrival_that_must_is_counted(tmp_path: Path) -> None:
    path = trace(tmp_path, [request(number) for number in range(20)])
    source = traffic(path, requests=20, prepared_bytes=1, thread=Late())
    taken(source, 20)
    assert source.starved == 0
    source.build_ahead()
    assert source.take()[0] == b"r0~2"
    assert source.starved == 1


def test_a_request_that_cannot_be_sent_takes_its_place_with_the_reason(tmp_path: Path) -> None:
    path = trace(tmp_path, [request(0), request(1, path="/a b"), request(2)])
    source = traffic(path, requests=3, prepared_bytes=1 << 20)
    source.take()
    request_id, prepared = source.take()
    assert isinstance(prepared, Unsendable)
    assert (request_id, "path '/a b'" in prepared.reason) == (b"r1", True)


def test_a_request_whose_body_the_recording_cut_is_not_sent(tmp_path: Path) -> None:
    path = trace(tmp_path, [request(0), replace(request(1), body=b"ab", body_bytes=9), request(2)])
    source = traffic(path, requests=3, prepared_bytes=1 << 20)
    sent = [source.take()[1] for _ in range(3)]
    assert [isinstance(one, Unsendable) for one in sent] == [False, True, False]
    assert isinstance(sent[1], Unsendable)
    assert sent[1].reason == "the recording kept 2 of its body's 9 bytes"


def test_a_trace_of_the_first_version_is_sent_whole(tmp_path: Path) -> None:
    """It has no columns for what was cut."""
    new = trace(tmp_path, [request(0)])
    old = tmp_path / "old.parquet"
    pq.write_table(pq.read_table(new).drop_columns(["body_bytes", "body_sha256"]), old)
    source = traffic(old, requests=1, prepared_bytes=1 << 20)
    assert source.take()[0] == b"r0"
    assert [one.body_bytes for one in iter_requests(old)] == [None]


def test_offsets_are_those_of_the_trace(tmp_path: Path) -> None:
    path = trace(tmp_path, [request(number) for number in range(20_000)])
    assert np.array_equal(read_offsets(path), np.arange(20_000) * 10)


def test_an_empty_trace_and_a_foreign_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a trace without requests"):
        read_offsets(trace(tmp_path, []))
    foreign = tmp_path / "foreign.parquet"
    foreign.write_bytes(b"PAR1 not really")
    with pytest.raises(InputError, match=r"foreign\.parquet"):
        read_offsets(foreign)
