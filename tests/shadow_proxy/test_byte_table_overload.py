"""Rows K of the byte table, as far as one process shows them: overload, failing upstreams, no handles left.

K02 and K06 are in `test_mirror.py`; K05, K07, K08 and K10 need processes.
"""

import asyncio
import resource
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shadow_proxy.testing import Behaviour, Visit, answering, hanging, rig, until

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
GET = b"GET /p HTTP/1.1\r\nHost: a\r\nX-Request-Id: %d\r\n\r\n"
POST = b"POST /p HTTP/1.1\r\nHost: a\r\nX-Request-Id: %d\r\nContent-Length: 5\r\n\r\nhello"


def run(scene: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scene(), 30))


def test_k01_what_does_not_fit_is_shed_at_once_with_retry_after_and_what_fits_is_served() -> None:
    gate = asyncio.Event()

    async def gated(visit: Visit) -> None:
        while await visit.request() is not None:
            await gate.wait()
            await visit.say(OK)

    async def scene() -> None:
        limits = {"primary_connections": 2, "queued_requests": 3}
        async with rig(gated, {}, limits=limits) as here:
            clients = [await here.connect() for _ in range(9)]
            for number, client in enumerate(clients, start=1):
                await client.send(POST % number)
                await until(lambda: here.row.values()["requests"] == number)  # noqa: B023  # awaited here
                await until(lambda: here.account("baseline").connections_opened == min(number, 2))  # noqa: B023
            for client in clients[5:]:
                answer, _ = await client.answer()
                assert (answer.status, answer.keep_alive) == (503, True)
                assert (b"Retry-After", b"1") in answer.fields
            assert here.row.values()["client/shed"] == 4
            assert here.targets["baseline"].visits <= 2
            gate.set()
            for client in clients[:5]:
                assert (await client.answer())[0].status == 200
            await clients[8].send(POST % 10)
            assert (await clients[8].answer())[0].status == 200
            await here.settled()
            assert Counter(here.rows.outcomes("baseline")) == {"ok": 6, "dropped:queue_full": 4}
            here.check()

    run(scene)


def failing_every_second(visit_counts: "Counter[bytes]") -> Behaviour:
    """Reads every request to its end and counts it; resets instead of every second answer."""

    async def behave(visit: Visit) -> None:
        while (request := await visit.request()) is not None:
            visit_counts[request.head.found.get(b"x-request-id", b"") or request.head.lines] += 1
            if visit_counts.total() % 2 == 0:
                visit.reset()
                return
            await visit.say(OK)

    return behave


def test_k03_a_request_that_may_have_been_taken_is_never_sent_twice_unless_it_is_idempotent() -> None:
    async def scene() -> None:
        for made, most in ((POST, 1), (GET, 2)):
            sent: Counter[bytes] = Counter()
            async with rig(failing_every_second(sent), {}) as here:
                client = await here.connect()
                statuses = []
                for number in range(30):
                    await client.send(made % number)
                    statuses.append((await client.answer())[0].status)
                assert set(statuses) <= {200, 502}
                assert len(sent) == 30
                assert max(sent.values()) <= most
                assert statuses.count(200) >= 15
                here.check()

    run(scene)


def test_k03_a_primary_that_is_down_is_asked_once_for_each_request() -> None:
    async def scene() -> None:
        async with rig(None, {"candidate": answering(OK)}) as here:
            client = await here.connect()
            for number in range(10):
                await client.send(GET % number)
                assert (await client.answer())[0].status == 502
            await here.settled()
            assert here.rows.outcomes("baseline") == ["refused"] * 10
            assert here.rows.outcomes("candidate") == ["ok"] * 10
            here.check()

    run(scene)


@contextmanager
def no_more_files() -> Iterator[None]:
    """Inside, nothing can be opened."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = max(int(path.name) for path in Path("/proc/self/fd").iterdir())
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(3, lowest_free), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_k09_without_file_handles_requests_fail_and_are_served_again_when_there_are_some() -> None:
    async def scene() -> None:
        async with rig(answering(OK), {"candidate": answering(OK)}) as here:
            client = await here.connect()
            await until(lambda: len(here.plant.clients.connections) == 1)
            with no_more_files():
                await client.send(POST % 1)
                answer, _ = await client.answer()
                assert answer.status in {502, 503}
                await here.settled()
            assert "ok" not in here.rows.outcomes("baseline") + here.rows.outcomes("candidate")
            await client.send(POST % 2)
            assert (await client.answer())[0].status == 200
            await here.settled()
            assert here.rows.outcomes("candidate")[-1] == "ok"
            here.check()

    run(scene)


@pytest.mark.parametrize("method", [GET, POST], ids=["GET", "POST"])
def test_m07_a_copy_is_never_sent_twice(method: bytes) -> None:
    async def scene() -> None:
        sent: Counter[bytes] = Counter()
        async with rig(answering(OK), {"candidate": failing_every_second(sent)}) as here:
            client = await here.connect()
            for number in range(30):
                await client.send(method % number)
                assert (await client.answer())[0].status == 200
                await here.settled()
            assert set(sent.values()) == {1}
            assert Counter(here.rows.outcomes("candidate")) == {"ok": 15, "reset": 15}
            here.check()

    run(scene)


def test_a_hung_primary_does_not_keep_copies_from_being_answered() -> None:
    async def scene() -> None:
        async with rig(hanging, {"candidate": answering(OK)}) as here:
            clients = [await here.connect() for _ in range(5)]
            for number, client in enumerate(clients):
                await client.send(POST % number)
            await until(lambda: here.rows.outcomes("candidate") == ["ok"] * 5)
            here.check()

    run(scene)
