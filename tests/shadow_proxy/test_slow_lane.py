"""A shadow that floods is read in turn and at a rate; small answers never wait."""

import asyncio
from itertools import pairwise

from shadow_proxy.exchange import ABANDONED_KEPT_BYTES
from shadow_proxy.slow_lane import MAX_WAITING, SlowLane
from shadow_proxy.testing import Behaviour, Visit, answering, rig, until
from tests.shadow_proxy.test_client import OK, run

POST = b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"


def large(size: int) -> Behaviour:
    async def behave(visit: Visit) -> None:
        while await visit.request() is not None:
            await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size)

    return behave


def test_large_answers_of_shadows_arrive_whole_all_the_same() -> None:
    async def scene() -> None:
        size = 3 << 20
        async with rig(answering(OK), {"candidate": large(size)}) as here:
            for _ in range(4):
                assert (await here.ask(POST))[1] == b"ok"
            await here.settled()
            assert here.rows.outcomes("candidate") == ["ok"] * 4
            kept = [one for one in here.rows.exchanges if one.target == b"candidate"]
            assert {len(one.body) for one in kept} == {1 << 20}
            assert all(len(one.digest) == 32 for one in kept)
            here.check()

    run(scene)


def test_an_answer_over_the_limit_is_cut_and_counts_against_the_shadow() -> None:
    async def scene() -> None:
        limits = {"copy_answer_bytes": 1 << 20}
        breaker = {"failures": 2, "open_s": 1000}
        shadows = {"candidate": large(8 << 20)}
        async with rig(answering(OK), shadows, limits=limits, breaker=breaker) as here:
            for _ in range(4):
                assert (await here.ask(POST))[1] == b"ok"
                await here.settled()
            assert here.rows.outcomes("candidate") == ["cancelled"] * 2 + ["dropped:ejected"] * 2
            given_up = [one for one in here.rows.exchanges if one.outcome == "cancelled"]
            assert {one.body for one in given_up} == {b"x" * ABANDONED_KEPT_BYTES}
            here.check()

    run(scene)


def test_what_the_primary_answers_never_waits_there() -> None:
    async def scene() -> None:
        size = 3 << 20
        settings = {"copy_answer_bytes_per_s": 1}
        async with rig(large(size), {}, limits=settings) as here:
            answer, body = await here.ask(POST)
            assert (answer.status, len(body)) == (200, size)

    run(scene)


def test_a_flood_ejects_the_shadow_and_what_is_left_of_it_is_given_up() -> None:
    async def scene() -> None:
        breaker = {"failures": 5, "open_s": 1000}
        limits = {"copy_answer_bytes_per_s": 1}
        async with rig(answering(OK), {"candidate": large(1 << 20)}, limits=limits, breaker=breaker) as here:
            clients = [await here.connect() for _ in range(MAX_WAITING + 20)]
            for client in clients:
                await client.send(POST)
            for client in clients:
                assert (await client.answer())[1] == b"ok"
            await here.settled()
            account = here.account("candidate")
            assert account.ejected == 1
            assert account.endings["cancelled"] == account.mirrored >= MAX_WAITING
            here.check()

    run(scene)


class Connection:
    """What the lane knows of one."""

    usable = True
    exchange = object()

    def __init__(self, name: int, log: list[int]) -> None:
        self._name = name
        self._log = log

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        self._log.append(self._name)


def test_connections_have_their_turn_in_order_and_one_at_a_time() -> None:
    async def scene() -> None:
        log: list[int] = []
        instants: list[float] = []
        loop = asyncio.get_running_loop()
        lane = SlowLane(loop, bytes_per_s=1 << 20)
        for name in range(5):
            lane.wait(Connection(name, log), after_bytes=1 << 13)  # type: ignore[arg-type]  # a fake of its five parts
        assert log == []
        seen = 0
        while lane.waiting or len(log) < 5:
            await asyncio.sleep(0)
            if len(log) > seen:
                seen = len(log)
                instants.append(loop.time())
        assert log == [0, 1, 2, 3, 4]
        assert all(later > earlier for earlier, later in pairwise(instants))

    run(scene)


def test_a_connection_that_is_gone_does_not_hold_up_the_others() -> None:
    async def scene() -> None:
        log: list[int] = []
        lane = SlowLane(asyncio.get_running_loop(), bytes_per_s=1 << 30)
        gone, there = Connection(1, log), Connection(2, log)
        gone.usable = False
        for one in (gone, there):
            lane.wait(one, after_bytes=1)  # type: ignore[arg-type]  # a fake of its five parts
        await until(lambda: log == [2])

    run(scene)
