"""Each send ends in one row, whatever happens to the connection; no sockets, and time in the test's hand."""

import asyncio
import errno
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from recording.exchange import NEVER
from replay.connection import Connection, Flight
from replay.message import HostField, Message, message
from replay.pool import MOST_IDLE_NS
from replay.sender import Sender
from replay.testing import OK, HeldClock, MemoryTransport

TIMEOUT_NS = 1000


@dataclass
class KeptRows:
    """Rows in a list."""

    rows: list[tuple[int, str, int, int]] = field(default_factory=list)
    dropped: int = 0

    def write(self, flight: Flight, *, outcome: str, done_ns: int) -> None:
        self.rows.append((flight.index, outcome, flight.sent_ns, done_ns))

    def sync(self) -> None: ...

    def close(self) -> None: ...


class Scene:
    """A sender whose connections open at once, fail with `error`, or wait for ever while `hanging`."""

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self.clock = HeldClock(at_ns=10)
        self.rows = KeptRows()
        self.sent_ns = np.full(10, NEVER, dtype=np.int64)
        self.error: OSError | None = None
        self.hanging = False
        self.opened: list[tuple[Connection, MemoryTransport]] = []
        self.emptied = 0
        self.sender = Sender(
            connect=self._connect,
            tasks=tasks,
            clock=self.clock,
            rows=self.rows,
            sent_ns=self.sent_ns,
            timeout_ns=TIMEOUT_NS,
            keep_bytes=10,
            emptied=self._note_emptied,
        )

    async def send(self, index: int, *, due_ns: int = 0) -> None:
        """Send, and let the loop turn until the connection is open."""
        self.sender.send(index, message=request(), request_id=b"r", wire=b"bytes", due_ns=due_ns)
        for _ in range(5):
            await asyncio.sleep(0)

    def answer(self, number: int) -> None:
        """The target answers on the connection of that number."""
        self.opened[number][0].data_received(OK)

    def _note_emptied(self) -> None:
        self.emptied += 1

    async def _connect(self, protocol: Callable[[], Connection]) -> None:
        if self.error is not None:
            raise self.error
        connection, wire = protocol(), MemoryTransport()
        connection.connection_made(wire)
        self.opened.append((connection, wire))
        if self.hanging:
            await asyncio.get_running_loop().create_future()


def request() -> Message:
    return message("r", method="GET", path="/", headers=[], body=b"", host=HostField(authority=b"h"))


def play(scene: Callable[[Scene], Coroutine[Any, Any, None]]) -> Scene:  # Any: a coroutine's plumbing
    async def run() -> Scene:
        async with asyncio.TaskGroup() as tasks:
            made = Scene(tasks)
            await scene(made)
        return made

    return asyncio.run(run())


def test_an_answer_is_a_row_and_its_connection_is_used_again() -> None:
    async def scene(made: Scene) -> None:
        await made.send(0)
        assert made.sender.in_flight == 1
        made.clock.at_ns = 30
        made.answer(0)
        made.clock.at_ns = 40
        await made.send(1)
        made.answer(0)

    made = play(scene)
    assert made.rows.rows == [(0, "ok", 10, 30), (1, "ok", 40, 40)]
    assert [wire.written for _, wire in made.opened] == [[b"bytes", b"bytes"]]
    assert list(made.sent_ns[:3]) == [10, 40, NEVER]
    assert made.emptied == 2


@pytest.mark.parametrize(
    ("number", "outcome"),
    [
        (errno.ECONNREFUSED, "refused"),
        (errno.EHOSTUNREACH, "refused"),
        (errno.ETIMEDOUT, "refused"),
        (errno.ECONNRESET, "reset"),
    ],
)
def test_a_target_that_takes_no_connection_is_an_outcome(number: int, outcome: str) -> None:
    async def scene(made: Scene) -> None:
        made.error = OSError(number, "no")
        await made.send(0)

    assert play(scene).rows.rows == [(0, outcome, 10, 10)]


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EADDRNOTAVAIL])
def test_a_socket_that_we_lack_is_our_limit_and_no_exchange(number: int) -> None:
    async def scene(made: Scene) -> None:
        made.error = OSError(number, "none left")
        await made.send(0)

    made = play(scene)
    assert made.rows.rows == [(0, "dropped:no_socket", NEVER, NEVER)]
    assert made.sent_ns[0] == NEVER


def test_deadlines_are_swept_in_the_order_of_sending() -> None:
    async def scene(made: Scene) -> None:
        await made.send(0)
        made.clock.at_ns = 500
        await made.send(1)
        made.sender.sweep(10 + TIMEOUT_NS - 1)
        assert made.rows.rows == []
        made.clock.at_ns = 10 + TIMEOUT_NS
        made.sender.sweep(made.clock.at_ns)
        assert made.sender.in_flight == 1
        made.answer(1)

    made = play(scene)
    assert made.rows.rows == [(0, "timeout", 10, 10 + TIMEOUT_NS), (1, "ok", 500, 10 + TIMEOUT_NS)]
    assert [wire.aborted for _, wire in made.opened] == [True, False]


def test_a_deadline_that_passes_while_connecting_leaves_no_connection_behind() -> None:
    async def scene(made: Scene) -> None:
        made.hanging = True
        await made.send(0)
        made.clock.at_ns = 10 + TIMEOUT_NS
        made.sender.sweep(made.clock.at_ns)

    made = play(scene)
    assert made.rows.rows == [(0, "timeout", 10, 10 + TIMEOUT_NS)]
    assert [wire.aborted for _, wire in made.opened] == [True]


def test_cancelling_ends_what_is_in_flight_and_nothing_twice() -> None:
    async def scene(made: Scene) -> None:
        await made.send(0)
        await made.send(1)
        made.answer(0)
        made.sender.cancel_all()
        made.sender.cancel_all()
        made.opened[1][0].connection_lost(None)

    assert [row[:2] for row in play(scene).rows.rows] == [(0, "ok"), (1, "cancelled")]


def test_a_connection_idle_for_long_is_closed_and_the_next_request_opens_another() -> None:
    async def scene(made: Scene) -> None:
        await made.send(0)
        made.answer(0)
        made.clock.at_ns += MOST_IDLE_NS + 1
        made.sender.sweep(made.clock.at_ns)
        await made.send(1)
        made.answer(1)

    made = play(scene)
    assert [wire.aborted for _, wire in made.opened] == [True, False]
    assert made.sender.outcomes == {"ok": 2}


def test_an_arrival_that_is_not_sent_has_its_row_at_once() -> None:
    async def scene(made: Scene) -> None:
        made.sender.drop(3, request_id=b"r", due_ns=7, reason="shed")

    made = play(scene)
    assert made.rows.rows == [(3, "dropped:shed", NEVER, NEVER)]
    assert made.sender.in_flight == made.emptied == 0
