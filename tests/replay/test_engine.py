"""The engine against a target that keeps what arrives: what is sent, what is recorded, how it ends.

No test waits for time to pass or compares durations with a threshold: the target answers when the test says
so.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import uvloop

from recording.clock import RunClock
from recording.errors import InputError
from recording.exchange import NEVER, Exchange, Request
from recording.journal_codec import decode_exchange
from recording.journal_reader import JournalReader
from recording.trace import TraceWriter
from replay.config import ReplayConfig
from replay.connection import Flight
from replay.engine import Engine
from replay.message import HostField
from replay.rows import Rows, open_rows
from replay.schedule import plan
from replay.testing import RecordingTarget
from replay.traffic import Rows as TraceRows
from replay.traffic import Traffic, read_offsets

Play = Callable[[RecordingTarget, Engine], Awaitable[None]]


class WatchedRows:
    """Rows that tell how many have been written."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.count = 0
        self.news = asyncio.Event()

    @property
    def dropped(self) -> int:
        return self.rows.dropped

    def write(self, flight: Flight, *, outcome: str, done_ns: int) -> None:
        self.rows.write(flight, outcome=outcome, done_ns=done_ns)
        self.count += 1
        self.news.set()

    def sync(self) -> None:
        self.rows.sync()

    def close(self) -> None:
        self.rows.close()


class Stage:
    """A trace, a target, an engine between them, and afterwards the rows."""

    def __init__(self, folder: Path, requests: list[Request], **settings: Any) -> None:  # Any: settings
        self.folder = folder
        self.settings = settings
        self.target = RecordingTarget()
        self.done: dict[str, Any] = {}  # Any: JSON
        self.lines: list[dict[str, object]] = []
        with TraceWriter(folder / "trace.parquet", origin="test") as writer:
            writer.extend(requests)

    def play(self, during: Play | None = None) -> "Stage":
        """Run the replay, with `during` beside it."""
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(self._play(during))
        return self

    async def _play(self, during: Play | None) -> None:
        async with self.target as target:
            config = ReplayConfig(
                trace=self.folder / "trace.parquet", to=target.url, record=self.folder, **self.settings
            )
            with ThreadPoolExecutor(max_workers=1) as thread:
                engine = self._engine(config, thread)
                async with asyncio.TaskGroup() as tasks:
                    replaying = tasks.create_task(engine.run())
                    if during is not None:
                        tasks.create_task(_as_coroutine(during(target, engine)))
                done = replaying.result()["done"]
                assert isinstance(done, dict)
                self.done = done

    def _engine(self, config: ReplayConfig, thread: ThreadPoolExecutor) -> Engine:
        offsets_ns = read_offsets(config.trace)
        self.rows_open = WatchedRows(
            open_rows(config.record, writer=config.writer, target=config.target, role=config.role)
        )
        self.schedule = plan(config, offsets_ns)
        return Engine(
            config,
            schedule=self.schedule,
            traffic=Traffic(
                TraceRows.of_trace(config.trace, thread=thread),
                requests=len(offsets_ns),
                host=HostField(authority=config.authority, replace=config.host == "target"),
                prepared_bytes=config.prepared_bytes,
            ),
            rows=self.rows_open,
            clock=RunClock.standalone(),
            report=self.lines.append,
        )

    async def written(self, count: int) -> None:
        """Wait until so many rows have been written."""
        while self.rows_open.count < count:
            self.rows_open.news.clear()
            await self.rows_open.news.wait()

    @property
    def rows(self) -> list[Exchange]:
        """The rows in the journal, in the order in which they were written."""
        self.rows_open.close()
        reader = JournalReader(self.folder / "journal" / "exchanges-0")
        poll = reader.poll()
        return [decode_exchange(entry.payload) for entry in poll.entries] if poll else []


async def _as_coroutine(waiting: Awaitable[None]) -> None:
    await waiting


def request(number: int, *, at_ns: int = 0, method: str = "POST", path: str = "/p") -> Request:
    return Request(
        id=f"r{number}", at_ns=at_ns, method=method, path=path,
        headers=(("Host", "shop.example"), ("X-N", str(number))), body=b"body %d" % number,
    )  # fmt: skip


def requests(count: int, *, gap_ns: int = 1000) -> list[Request]:
    return [request(number, at_ns=number * gap_ns) for number in range(count)]


def test_every_request_arrives_byte_for_byte_and_has_one_row(tmp_path: Path) -> None:
    stage = Stage(tmp_path, requests(200)).play()
    expected = {
        b"POST /p HTTP/1.1\r\nHost: shop.example\r\nX-N: %d\r\nContent-Length: %d\r\n"
        b"X-Request-Id: r%d\r\n\r\nbody %d" % (n, len(b"body %d" % n), n, n)
        for n in range(200)
    }
    assert {arrived.raw for arrived in stage.target.arrived} == expected
    assert len(stage.target.arrived) == 200
    rows = stage.rows
    assert sorted(row.request_id for row in rows) == sorted(f"r{n}" for n in range(200))
    assert {(row.target, row.role, row.outcome, row.status) for row in rows} == {
        ("client", "client", "ok", 200)
    }
    assert {(row.response_body, row.response_bytes, row.faults) for row in rows} == {(b"ok", 2, ())}


def test_instants_are_in_order_and_due_is_the_schedule(tmp_path: Path) -> None:
    stage = Stage(tmp_path, requests(50, gap_ns=100_000), start_at_ns=7_000_000).play()
    rows = sorted(stage.rows, key=lambda row: row.due_ns)
    assert [row.due_ns for row in rows] == [7_000_000 + number * 100_000 for number in range(50)]
    for row in rows:
        assert row.due_ns <= row.sent_ns < row.first_byte_ns <= row.done_ns


def test_the_target_is_told_when_each_request_was_due(tmp_path: Path) -> None:
    stage = Stage(tmp_path, requests(5), due_header=True, start_at_ns=1000).play()
    told = {
        arrived.field(b"X-Request-Id"): arrived.field(b"X-Sparring-Due") for arrived in stage.target.arrived
    }
    assert told == {b"r%d" % n: b"%d" % (1000 + n * 1000) for n in range(5)}


def test_a_trace_shorter_than_the_profile_starts_over_under_new_ids(tmp_path: Path) -> None:
    stage = Stage(tmp_path, requests(2), profile="constant 1000/s for 5ms", arrival="constant").play()
    assert sorted(row.request_id for row in stage.rows) == ["r0", "r0~2", "r0~3", "r1", "r1~2"]


def test_a_trace_that_does_not_fit_into_memory_is_sent_whole(tmp_path: Path) -> None:
    stage = Stage(tmp_path, requests(300), prepared_bytes=2000).play()
    bodies = sorted(arrived.body for arrived in stage.target.arrived)
    assert bodies == sorted(b"body %d" % number for number in range(300))


def test_a_frozen_target_costs_latency_from_due_and_sheds_what_has_no_place(tmp_path: Path) -> None:
    """One place, held until everything is due: the first waits, the rest is shed at once and says so."""

    async def freeze(target: RecordingTarget, engine: Engine) -> None:
        del engine
        target.held = True
        await stage.written(9)
        target.release()

    stage = Stage(tmp_path, requests(10, gap_ns=100_000), max_in_flight=1)
    stage.play(freeze)
    rows = sorted(stage.rows, key=lambda row: row.due_ns)
    assert [row.outcome for row in rows] == ["ok"] + ["dropped:shed"] * 9
    assert rows[0].done_ns - rows[0].due_ns >= rows[0].done_ns - rows[0].sent_ns
    assert rows[0].done_ns > rows[-1].due_ns  # it counted the whole freeze
    assert {(row.sent_ns, row.first_byte_ns, row.done_ns) for row in rows[1:]} == {(NEVER, NEVER, NEVER)}
    assert (stage.done["sent"], stage.done["shed"], stage.done["due"]) == (1, 9, 10)
    assert len(stage.target.arrived) == 1


def test_arrivals_while_the_target_is_frozen_are_sent_and_not_postponed(tmp_path: Path) -> None:
    """With places free every request leaves although no answer has come: the loop is open."""

    async def freeze(target: RecordingTarget, engine: Engine) -> None:
        target.held = True
        del engine
        await target.has(30)
        target.release()

    stage = Stage(tmp_path, requests(30, gap_ns=100_000)).play(freeze)
    assert stage.target.connections == 31  # one to see whether anybody listens
    rows = stage.rows
    last_sent_ns = max(row.sent_ns for row in rows)
    assert all(row.first_byte_ns > last_sent_ns for row in rows)


def test_one_place_needs_one_connection(tmp_path: Path) -> None:
    """An idle connection is used again: with one place there is never a reason for a second."""
    stage = Stage(tmp_path, requests(40, gap_ns=2_000_000), max_in_flight=1).play()
    assert len({arrived.connection for arrived in stage.target.arrived}) == 1


@pytest.mark.parametrize(
    ("answer", "outcome", "status"),
    [
        (b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", "http_error", 500),
        (b"nonsense\r\n\r\n", "protocol_error", 0),
        (None, "reset", 0),
    ],
)
def test_every_way_to_end_is_a_row_and_the_replay_goes_on(
    tmp_path: Path, answer: bytes | None, outcome: str, status: int
) -> None:
    stage = Stage(tmp_path, requests(3))
    stage.target.answers = [answer, b"HTTP/1.1 204 No Content\r\n\r\n"]
    rows = stage.play().rows
    assert sorted((row.outcome, row.status) for row in rows) == sorted(
        [(outcome, status), ("ok", 204), ("ok", 204)]
    )
    assert stage.done["outcomes"] == {"ok": 2, outcome: 1}


def test_a_request_without_an_answer_times_out(tmp_path: Path) -> None:
    async def never_answer(target: RecordingTarget, engine: Engine) -> None:
        del engine
        target.held = True
        await target.has(2)

    stage = Stage(tmp_path, requests(2), timeout_s=0.01).play(never_answer)
    for row in stage.rows:
        assert (row.outcome, row.first_byte_ns, row.status) == ("timeout", NEVER, 0)
        assert row.done_ns - row.sent_ns >= 10_000_000


def test_a_stop_keeps_the_rows_and_cancels_what_does_not_end(tmp_path: Path) -> None:
    async def stop(target: RecordingTarget, engine: Engine) -> None:
        target.held = True
        await target.has(2)
        engine.stop()

    hour_ns = 3600_000_000_000
    stage = Stage(tmp_path, [*requests(2), request(2, at_ns=hour_ns)], stop_grace_s=0.01).play(stop)
    assert [row.outcome for row in stage.rows] == ["cancelled", "cancelled"]
    assert stage.done["stopped_early"] is True
    assert (stage.done["planned"], stage.done["due"], stage.done["sent"]) == (3, 2, 2)


def test_a_stop_lets_answers_come_in_that_are_on_their_way(tmp_path: Path) -> None:
    async def stop(target: RecordingTarget, engine: Engine) -> None:
        target.held = True
        await target.has(1)
        engine.stop()
        target.release()

    stage = Stage(tmp_path, [request(0), request(1, at_ns=3600_000_000_000)], stop_grace_s=60).play(stop)
    assert [row.outcome for row in stage.rows] == ["ok"]


def test_a_second_stop_does_not_wait(tmp_path: Path) -> None:
    async def stop_twice(target: RecordingTarget, engine: Engine) -> None:
        target.held = True
        await target.has(1)
        engine.stop()
        engine.stop()

    stage = Stage(tmp_path, requests(1), stop_grace_s=3600).play(stop_twice)
    assert [row.outcome for row in stage.rows] == ["cancelled"]


def test_a_stop_before_the_start_is_an_empty_replay(tmp_path: Path) -> None:
    async def stop(target: RecordingTarget, engine: Engine) -> None:
        del target
        engine.stop()

    stage = Stage(tmp_path, requests(3), start_at_ns=3600_000_000_000).play(stop)
    assert (stage.rows, stage.done["sent"], stage.done["due"]) == ([], 0, 0)


def test_a_recorded_request_that_cannot_be_sent_has_a_row_and_holds_nothing_up(tmp_path: Path) -> None:
    stage = Stage(tmp_path, [request(0), request(1, at_ns=1, path="/a b"), request(2, at_ns=2)]).play()
    outcomes = {row.request_id: row.outcome for row in stage.rows}
    assert outcomes == {"r0": "ok", "r1": "dropped:unsendable", "r2": "ok"}


def test_sent_is_what_ended_and_rows_are_what_came_due(tmp_path: Path) -> None:
    stage = Stage(tmp_path, requests(100, gap_ns=10_000), max_in_flight=3).play()
    outcomes = stage.done["outcomes"]
    assert sum(outcomes.values()) == stage.done["due"] == stage.done["planned"] == 100
    assert stage.done["sent"] + stage.done["shed"] == 100
    assert len(stage.target.arrived) == stage.done["sent"]
    assert stage.done["rows_dropped"] == 0


def test_the_same_seed_sends_the_same_at_the_same_instants(tmp_path: Path) -> None:
    def due(folder: str, seed: int) -> list[tuple[str, int]]:
        (tmp_path / folder).mkdir()
        settings = {"profile": "constant 2000/s for 50ms", "seed": seed, "start_at_ns": 0}
        rows = Stage(tmp_path / folder, requests(7), **settings).play().rows
        return sorted((row.request_id, row.due_ns) for row in rows)

    first = due("a", 5)
    assert first == due("b", 5)
    assert first != due("c", 6)


def test_an_answer_to_head_is_complete_without_its_body(tmp_path: Path) -> None:
    stage = Stage(tmp_path, [Request(id="h", at_ns=0, method="HEAD", path="/", headers=(("Host", "x"),))])
    stage.target.answers = [b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"]
    assert [row.outcome for row in stage.play().rows] == ["ok"]


def test_a_target_where_nobody_listens_is_named_before_anything_is_sent(tmp_path: Path) -> None:
    stage = Stage(tmp_path, requests(1))

    async def scene() -> None:
        async with stage.target as target:
            url = target.url
        config = ReplayConfig(trace=tmp_path / "trace.parquet", to=url)
        with ThreadPoolExecutor(max_workers=1) as thread, pytest.raises(InputError, match="does not answer"):
            await stage._engine(config, thread).run()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(scene())


def test_progress_begins_before_the_first_request(tmp_path: Path) -> None:
    stage = Stage(tmp_path, requests(3)).play()
    first = {"sent": 0, "shed": 0, "total": 3, "in_flight": 0, "lag_p99_ms": None}
    assert stage.lines[0] == {"progress": first}


def test_a_blocked_engine_says_that_it_was_the_limit(tmp_path: Path) -> None:
    async def block(target: RecordingTarget, engine: Engine) -> None:
        target.held = True
        await target.has(1)
        time.sleep(0.1)  # noqa: ASYNC251  # holds the loop up: that is the point
        await asyncio.sleep(0)
        engine.stop()
        target.release()

    stage = Stage(tmp_path, requests(1), stop_grace_s=60)
    stage.target.answers = [b"HTTP/1.1 204 No Content\r\n\r\n"]
    stage.play(block)
    assert stage.done["generator_limited"] is True
    assert stage.done["limits"]["late_ticks"] > 0


def test_a_bug_in_a_callback_ends_the_replay(tmp_path: Path) -> None:
    stage = Stage(tmp_path, requests(1))

    def explode(*_: object, **__: object) -> None:
        raise RuntimeError("a bug")

    async def sabotage(target: RecordingTarget, engine: Engine) -> None:
        del target, engine
        stage.rows_open.write = explode  # type: ignore[method-assign]  # the sabotage

    with pytest.raises(ExceptionGroup) as failure:
        stage.play(sabotage)
    assert failure.group_contains(RuntimeError, match="a bug")
