"""A pooled connection that the target closed in the meantime costs no client an error, and no request runs
twice."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable

import pytest
import uvloop

from shadow_proxy.pool import said_idle_ns
from shadow_proxy.testing import Visit, answering, rig, until
from tests.shadow_proxy.test_client import OK

POST = b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"
LOOPS = pytest.mark.parametrize(
    "loop", [uvloop.new_event_loop, asyncio.new_event_loop], ids=["uvloop", "asyncio"]
)
NewLoop = Callable[[], asyncio.AbstractEventLoop]


def run_on(loop: NewLoop, scene: Callable[[], Awaitable[None]]) -> None:
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(asyncio.wait_for(scene(), 20))


class Closing:
    """Answers one request on each connection, and closes it when it is told to."""

    def __init__(self) -> None:
        self.taken = 0
        self.sockets: list[socket.socket] = []

    async def __call__(self, visit: Visit) -> None:
        self.sockets.append(visit.socket)
        while await visit.request() is not None:
            self.taken += 1
            await visit.say(OK)

    def close_all(self) -> None:
        """At once and behind the loop's back, so that the proxy hears of it no sooner than it must."""
        for one in self.sockets:
            with socket.socket(fileno=os.dup(one.fileno())) as same:
                same.shutdown(socket.SHUT_RDWR)
        self.sockets.clear()


@LOOPS
@pytest.mark.parametrize("arms", [("baseline",), ("baseline", "candidate")])
def test_a_post_on_a_connection_that_was_just_closed_is_sent_once_more(
    loop: NewLoop, arms: tuple[str, ...]
) -> None:
    async def scene() -> None:
        closing = {name: Closing() for name in arms}
        shadows = {name: closing[name] for name in arms[1:]}
        async with rig(closing["baseline"], shadows) as here:
            client = await here.connect()
            for _ in range(5):
                await client.send(POST)
                answer, body = await client.answer()
                assert (answer.status, body) == (200, b"ok")
                await here.settled()
                # The request is on its way when the connection ends, as on a network on which the two cross.
                client.push(POST)
                for one in closing.values():
                    one.close_all()
                answer, body = await client.answer()
                assert (answer.status, body) == (200, b"ok")
            await here.settled()
            for name, one in closing.items():
                assert one.taken == 10
                assert here.rows.outcomes(name) == ["ok"] * 10
                assert here.account(name).repeated == 5
            here.check()

    run_on(loop, scene)


@LOOPS
def test_a_post_that_may_have_been_taken_is_not_sent_again(loop: NewLoop) -> None:
    taken = 0

    async def reading(visit: Visit) -> None:
        nonlocal taken
        for answered in (True, False):
            if await visit.request() is None:
                return
            taken += 1
            if answered:
                await visit.say(OK)

    async def scene() -> None:
        async with rig(reading, {}) as here:
            client = await here.connect()
            statuses = []
            for _ in range(4):
                await client.send(POST)
                statuses.append((await client.answer())[0].status)
                await here.settled()
            assert statuses == [200, 502, 200, 502]
            assert taken == 4
            assert here.account("baseline").repeated == 0
            here.check()

    run_on(loop, scene)


def test_a_get_that_was_taken_and_not_answered_is_asked_once_more() -> None:
    async def scene() -> None:
        async def dropping(visit: Visit) -> None:
            if await visit.request() is not None:
                await visit.say(OK)
                await visit.request()

        async with rig(dropping, {}) as here:
            client = await here.connect()
            for _ in range(2):
                await client.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                assert (await client.answer())[0].status == 200
            await here.settled()
            assert here.account("baseline").repeated == 1
            here.check()

    asyncio.run(asyncio.wait_for(scene(), 20))


@pytest.mark.parametrize(
    ("said", "idle_ns"),
    [
        (b"timeout=5", 4_000_000_000),
        (b"max=100, Timeout=60", 59_000_000_000),
        (b"timeout=1", 500_000_000),
        (b"timeout=0", 0),
    ],
)
def test_a_server_that_says_how_long_it_waits_is_believed(said: bytes, idle_ns: int) -> None:
    assert said_idle_ns(said) == idle_ns


@pytest.mark.parametrize("said", [b"", b"max=5", b"timeout=x", b"timeout=99999999"])
def test_a_server_that_does_not_is_given_the_configured_time(said: bytes) -> None:
    assert said_idle_ns(said) > 1 << 60


def test_an_unused_connection_is_closed_before_the_server_would() -> None:
    async def scene() -> None:
        said = OK.replace(b"\r\n\r\n", b"\r\nKeep-Alive: timeout=3\r\n\r\n")
        async with rig(answering(said), {}) as here:
            await here.ask(POST)
            pool = here.plant.lineup.dispatch.baseline
            here.pass_time(1.5)
            assert pool.open == 1
            here.pass_time(2.5)
            await until(lambda: pool.open == 0)

    asyncio.run(asyncio.wait_for(scene(), 20))
