"""What an overloaded, unlucky or hostile day does to the data plane: nothing leaks, sticks or repeats."""

import asyncio
import gc
import os
import socket
import warnings
from collections.abc import Awaitable, Callable

import pytest
import uvloop

from shadow_proxy.client import ClientConnection
from shadow_proxy.held import HeldBudget
from shadow_proxy.testing import Rig, Visit, answering, rig, until

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
GET = b"GET /g HTTP/1.1\r\nHost: a\r\n\r\n"
POST = b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
MANY = 100 << 10


def run(scene: Callable[[], Awaitable[None]]) -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.wait_for(scene(), 20))


def held_bytes(here: Rig) -> int:
    budget: HeldBudget = here.plant.clients.intake._budget
    return budget.held_bytes


def only_client(here: Rig) -> ClientConnection:
    (connection,) = here.plant.clients.connections
    return connection


class Recovering:
    """Resets its first connection, and answers on every other."""

    def __init__(self) -> None:
        self.visits = 0

    async def __call__(self, visit: Visit) -> None:
        self.visits += 1
        if self.visits == 1:
            await visit.part()
            visit.reset()
            return
        await answering(OK)(visit)


def test_a_probe_that_is_dropped_before_it_is_sent_is_given_to_another_copy() -> None:
    async def scene() -> None:
        breaker = {"failures": 1, "open_s": 1e-6, "probes": 1}
        limits = {"copies_bytes": 4}
        async with rig(answering(OK), {"candidate": Recovering()}, breaker=breaker, limits=limits) as here:
            await here.ask(GET)
            await here.settled()
            assert here.account("candidate").ejected == 1
            await here.ask(POST)
            assert here.account("candidate").dropped["copy_budget"] == 1
            await here.ask(GET)
            await here.settled()
            assert here.account("candidate").readmitted == 1

    run(scene)


def full_listener() -> tuple[socket.socket, list[socket.socket]]:
    """A listener whose backlog is full, so that a connection to it neither comes about nor fails."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    waiting = []
    for _ in range(4):
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex(listener.getsockname())
        waiting.append(one)
    return listener, waiting


class Stale:
    """Answers one request on a connection, and closes at the next when it is told to."""

    def __init__(self) -> None:
        self.socket: socket.socket | None = None
        self.bodies: list[bytes] = []

    async def __call__(self, visit: Visit) -> None:
        self.socket = visit.socket
        while (seen := await visit.request()) is not None:
            self.bodies.append(seen.body)
            await visit.say(OK)

    def close(self) -> None:
        assert self.socket is not None
        with socket.socket(fileno=os.dup(self.socket.fileno())) as same:
            same.shutdown(socket.SHUT_RDWR)


def test_a_connection_that_is_given_up_as_soon_as_it_is_there_closes_its_descriptor_once() -> None:
    async def scene() -> None:
        async with rig(answering(OK)) as here:
            pool = here.plant.lineup.dispatch.baseline
            client = await here.connect()
            await client.send(GET)
            await until(lambda: pool.open == 1)
            here.plant.clients.abort()
            here.plant.lineup.retire()
            await until(lambda: not pool.open)

    # A Python socket that is collected while it believes to own a descriptor says so; libuv has closed it.
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        for _ in range(20):
            run(scene)
        gc.collect()
    words = [str(one.message) for one in said if one.category is ResourceWarning]
    assert [word for word in words if word.startswith("unclosed <socket.socket")] == []


def test_a_request_whose_client_leaves_before_the_second_try_is_not_sent() -> None:
    async def scene() -> None:
        stale = Stale()
        async with rig(stale) as here:
            client = await here.connect()
            await client.send(GET)
            await client.answer()
            await here.settled()
            pool = here.plant.lineup.dispatch.baseline
            address = pool.address
            listener, waiting = full_listener()
            pool.address = (socket.AF_INET, listener.getsockname())
            client.push(GET)
            stale.close()
            await until(lambda: here.account("baseline").repeated == 1)
            client.close()
            await until(lambda: not here.plant.clients.connections)
            pool.address = address
            await here.ask(GET)
            await here.settled()
            account = here.account("baseline")
            assert account.endings["cancelled"] == 1
            assert account.sent == sum(account.endings.values()) == 3
            assert len(stale.bodies) == 2
            for one in (listener, *waiting):
                one.close()

    run(scene)


def test_a_body_that_outgrows_its_limit_before_the_second_try_is_never_sent_in_part() -> None:
    async def scene() -> None:
        stale = Stale()
        async with rig(stale, limits={"copy_bytes": 1000}) as here:
            client = await here.connect()
            await client.send(GET)
            await client.answer()
            await here.settled()
            pool = here.plant.lineup.dispatch.baseline
            address = pool.address
            listener, waiting = full_listener()
            pool.address = (socket.AF_INET, listener.getsockname())
            client.push(CHUNKED + b"258\r\n" + b"a" * 600 + b"\r\n")
            stale.close()
            await until(lambda: here.account("baseline").repeated == 1)
            await client.send(b"258\r\n" + b"b" * 600 + b"\r\n")
            incoming = only_client(here)._current.incoming  # type: ignore[union-attr]  # one is under way
            await until(lambda: incoming.body_bytes == 1200)
            pool.address = address
            pool._connect(0)
            await client.send(b"258\r\n" + b"c" * 600 + b"\r\n0\r\n\r\n")
            await client.answer()
            assert stale.bodies[1:] in ([], [b"a" * 600 + b"b" * 600 + b"c" * 600])
            for one in (listener, *waiting):
                one.close()

    run(scene)


BIG_CHUNK = b"%x\r\n" % MANY + b"x" * MANY + b"\r\n"
UNTAKEN = {
    "a bad chunk": CHUNKED + BIG_CHUNK + b"zz\r\n",
    "an expectation that cannot be met": b"POST /p HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n"
    b"Content-Length: %d\r\n\r\n" % MANY + b"x" * MANY,
    "an own answer": b"OPTIONS /p HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n"
    b"Content-Length: %d\r\n\r\n" % MANY + b"x" * MANY,
    "a close in front": b"GET /g HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + CHUNKED + BIG_CHUNK,
}


@pytest.mark.parametrize("sent", UNTAKEN.values(), ids=list(UNTAKEN))
def test_a_body_that_no_target_gets_is_given_back_to_the_budget(sent: bytes) -> None:
    async def scene() -> None:
        async with rig(answering(OK)) as here:
            client = await here.connect()
            client.write(sent)
            await client.some(9)
            client.close()
            await until(lambda: not here.plant.clients.connections)
            await here.settled()
            assert held_bytes(here) == 0

    run(scene)


def test_nothing_behind_an_own_answer_that_closes_is_sent_to_a_target() -> None:
    async def scene() -> None:
        async with rig(answering(OK)) as here:
            client = await here.connect()
            options = b"OPTIONS /p HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\nConnection: close\r\n\r\n"
            await client.send(options + POST)
            await client.rest()
            await until(lambda: not here.plant.clients.connections)
            await here.settled()
            assert here.targets["baseline"].seen == []
            assert here.row.values()["client/unserved"] == 1

    run(scene)


class Sleeper:
    """A client that asks and never reads."""

    def __init__(self, port: int, sent: bytes) -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setblocking(False)
        self.socket.send(sent)


def unsent_bytes(here: Rig) -> int:
    transport = only_client(here)._transport
    return transport.get_write_buffer_size() if transport is not None else 0


def all_deadlines_pass(here: Rig) -> bool:
    here.pass_time(3600)
    return True


def answering_in_full(size: int) -> Callable[[Visit], Awaitable[None]]:
    return answering(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"y" * size)


@pytest.mark.parametrize("size", [3 << 20, 16 << 20])
def test_a_client_that_does_not_read_its_last_answer_is_let_go_in_the_end(size: int) -> None:
    async def scene() -> None:
        async with rig(answering_in_full(size)) as here:
            sleeper = Sleeper(here.port, b"GET /g HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            await until(lambda: bool(here.plant.clients.connections) and unsent_bytes(here) > 0)
            await until(lambda: bool(here.targets["baseline"].seen))
            await until(lambda: all_deadlines_pass(here) and not here.plant.clients.connections)
            sleeper.socket.close()

    run(scene)


def test_answers_are_not_piled_up_for_a_client_that_asks_on_and_does_not_read() -> None:
    async def scene() -> None:
        async with rig(answering_in_full(60_000)) as here:
            sleeper = Sleeper(here.port, GET * 2000)
            await until(lambda: bool(here.plant.clients.connections) and unsent_bytes(here) > 0)
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1):
                    await until(lambda: unsent_bytes(here) > 4 << 20)
            sleeper.socket.close()

    run(scene)


def test_a_connection_whose_answer_had_begun_before_the_drain_is_closed_behind_it() -> None:
    async def scene() -> None:
        go_on = asyncio.Event()

        async def in_two_parts(visit: Visit) -> None:
            await visit.request()
            await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no")
            await go_on.wait()
            await visit.say(b"k")

        async with rig(in_two_parts) as here:
            client = await here.connect()
            await client.send(GET)
            await until(lambda: bool(here.targets["baseline"].seen))
            await client.some(20)
            here.plant.drain()
            go_on.set()
            await here.settled()
            here.plant.sweep.look(0)
            await client.rest()
            await until(lambda: not here.plant.clients.connections)

    run(scene)


@pytest.mark.parametrize("settings", ["canary", "model"])
def test_no_depth_of_a_json_body_breaks_the_connection(settings: str) -> None:
    async def scene() -> None:
        of_targets = {"candidate": {"model": "other"}} if settings == "model" else {}
        canary = {"share": 0.5, "sticky": {"by": "json", "name": "$.user"}} if settings == "canary" else {}
        async with rig(
            answering(OK), {"candidate": answering(OK)}, of_targets=of_targets, canary=canary
        ) as here:
            for depth in range(900, 1010):
                body = b'{"user": ' + b"[" * depth + b"]" * depth + b', "model": "m"}'
                head = b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body)
                answer, _ = await here.ask(head + body)
                assert answer.status == 200, depth
            await here.settled()
            here.check()
            assert here.account("candidate").undecided == 0

    run(scene)
