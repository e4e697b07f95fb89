"""The shadow never touches the primary, every copy is accounted for, and memory is bounded."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import pytest

from shadow_proxy.accounting import DROP_REASONS
from shadow_proxy.testing import Behaviour, Visit, answering, babbling, hanging, resetting, rig, until

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
POST = b"POST /p HTTP/1.1\r\nHost: a\r\nX-Request-Id: %d\r\nContent-Length: 5\r\n\r\nhello"
EVIL = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nSet-Cookie: evil=1\r\n\r\nEVIL")
SHADOWS: dict[str, Behaviour | None] = {
    "dead": None, "hanging": hanging, "resetting": resetting, "babbling": babbling, "evil": EVIL,
    "cut": answering(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ncut", close=True),
}  # fmt: skip
OUTCOMES = {
    "dead": "refused", "hanging": "cancelled", "resetting": "reset", "babbling": "protocol_error",
    "evil": "ok", "cut": "reset",
}  # fmt: skip


def run(scene: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scene(), 20))


async def conversation(shadow: Behaviour | None, *, with_shadow: bool) -> bytes:
    """All bytes that a client gets for thirty requests on one connection."""
    async with rig(answering(OK), {"candidate": shadow} if with_shadow else {}) as here:
        client = await here.connect()
        received = b""
        for number in range(29):
            await client.send(POST % number)
            here.check()
            answer, body = await client.answer()
            received += b"%d %b %b" % (answer.status, answer.lines, body)
        await client.send(b"GET /last HTTP/1.1\r\nHost: a\r\nX-Request-Id: z\r\nConnection: close\r\n\r\n")
        return received + await client.rest()


@pytest.mark.parametrize("name", SHADOWS)
def test_the_client_gets_the_same_bytes_whatever_the_shadow_does(name: str) -> None:
    async def scene() -> None:
        alone = await conversation(None, with_shadow=False)
        assert await conversation(SHADOWS[name], with_shadow=True) == alone
        assert b"EVIL" not in alone

    run(scene)


@pytest.mark.parametrize("name", SHADOWS)
def test_the_identities_hold_at_every_instant_whatever_the_shadow_does(name: str) -> None:
    async def scene() -> None:
        shadows = {"candidate": SHADOWS[name], "second": answering(OK)}
        async with rig(answering(OK), shadows, breaker=None) as here:
            clients = [await here.connect() for _ in range(5)]
            for number in range(10):
                for offset, client in enumerate(clients):
                    await client.send(POST % (number * 10 + offset))
                    here.check()
                for client in clients:
                    assert (await client.answer())[1] == b"ok"
                    here.check()
            if name == "hanging":
                here.plant.close()
            await here.settled()
            here.check()
            account = here.account("candidate")
            assert account.requests == account.mirrored + sum(account.dropped.values()) == 50
            assert account.in_flight == account.undecided == 0
            assert set(here.rows.outcomes("candidate")) == {OUTCOMES[name]}
            assert len(here.rows.outcomes("candidate")) == len(here.rows.outcomes("second")) == 50
            assert all(pool.target.held_bytes == 0 for pool in here.plant.lineup.shadows)

    run(scene)


def test_a_body_over_the_copy_limit_reaches_the_primary_alone(caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> None:
        size = 300_000
        async with rig(answering(OK), {"candidate": answering(OK)}, limits={"copy_bytes": 100_000}) as here:
            body = b"x" * size
            with caplog.at_level(logging.WARNING, logger="shadow_proxy.mirror"):
                for framed in (
                    b"Content-Length: %d\r\n\r\n%b" % (size, body),
                    b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (size, body),
                ):
                    answer, _ = await here.ask(b"POST / HTTP/1.1\r\nHost: a\r\n" + framed)
                    assert answer.status == 200
            await here.settled()
            assert [one.body for one in here.targets["baseline"].seen] == [body, body]
            assert here.rows.outcomes("candidate") == ["dropped:too_large"] * 2
            assert [kept[1:] for kept in here.rows.requests] == [(body[: 1 << 20], size)] * 2
            assert len([line for line in caplog.messages if "copy_bytes" in line]) == 1
            here.check()

    run(scene)


@pytest.mark.parametrize("extra", [-1, 0, 1])
def test_the_limit_on_a_copy_is_exact(extra: int) -> None:
    async def scene() -> None:
        limit = 1000
        body = b"x" * (limit + extra)
        async with rig(answering(OK), {"candidate": answering(OK)}, limits={"copy_bytes": limit}) as here:
            await here.ask(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
            await here.settled()
            assert here.rows.outcomes("candidate") == (["dropped:too_large"] if extra > 0 else ["ok"])

    run(scene)


def test_a_hung_shadow_holds_a_bounded_number_of_copies_and_bytes() -> None:
    async def scene() -> None:
        limits = {"shadow_connections": 2, "queued_copies": 3, "copies_bytes": 1000}
        async with rig(answering(OK), {"candidate": hanging}, limits=limits) as here:
            client = await here.connect()
            for number in range(10):
                await client.send(POST % number)
                assert (await client.answer())[0].status == 200
                here.check()
            account = here.account("candidate")
            assert account.mirrored == 2
            assert account.undecided == 3
            assert account.dropped["queue_full"] == 5
            here.pass_time(10)
            assert here.account("candidate").dropped["queue_timeout"] == 3
            await client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2000\r\n\r\n" + b"x" * 2000)
            assert (await client.answer())[0].status == 200
            assert here.account("candidate").dropped["copy_budget"] == 1
            here.check()

    run(scene)


@pytest.mark.parametrize(
    ("method", "mirrored"),
    [(b"GET", 1), (b"HEAD", 1), (b"POST", 1), (b"OPTIONS", 1), (b"PUT", 0), (b"PATCH", 0), (b"DELETE", 0)],
)
def test_only_methods_that_may_run_twice_are_mirrored(method: bytes, mirrored: int) -> None:
    async def scene() -> None:
        empty = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        async with rig(empty, {"candidate": empty}) as here:
            await here.ask(method + b" / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
            await here.settled()
            assert here.account("candidate").mirrored == mirrored
            assert here.account("candidate").dropped["unsafe_method"] == 1 - mirrored

    run(scene)


def test_the_share_decides_by_id_and_alike_for_every_shadow() -> None:
    async def scene() -> None:
        async with rig(answering(OK), {"one": answering(OK), "two": answering(OK)}, mirror=0.5) as here:
            client = await here.connect()
            for number in range(60):
                await client.send(POST % number)
                await client.answer()
            await here.settled()
            taken = [
                {one.request_id for one in here.rows.exchanges if one.target == name and one.outcome == "ok"}
                for name in (b"one", b"two")
            ]
            assert taken[0] == taken[1]
            assert 10 < len(taken[0]) < 50
            assert here.account("one").dropped["not_sampled"] == 60 - len(taken[0])
            here.check()

    run(scene)


def test_a_stale_connection_is_tried_again_for_what_may_be_and_reported_for_what_may_not() -> None:
    async def scene() -> None:
        async def one_each(visit: Visit) -> None:
            await visit.request()
            await visit.say(OK)
            if visit.target.visits % 2:  # every first of two connections breaks at its second request
                await visit.part()
                visit.reset()
            else:
                await visit.request()
                await visit.say(OK)

        async with rig(one_each, {}) as here:
            client = await here.connect()
            get = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
            for sent, status in ((get, 200), (get, 200), (POST % 1, 200), (POST % 2, 200), (POST % 3, 502)):
                await client.send(sent)
                answer, _ = await client.answer()
                assert answer.status == status
            here.check()
            assert here.rows.outcomes("baseline") == ["ok"] * 4 + ["reset"]

    run(scene)


def test_idle_connections_are_closed_before_the_server_would_close_them() -> None:
    async def scene() -> None:
        async with rig(answering(OK), {}) as here:
            await here.ask(POST % 1)
            assert here.plant.lineup.dispatch.baseline.open == 1
            here.pass_time(4.1)
            await until(lambda: here.plant.lineup.dispatch.baseline.open == 0)
            await here.ask(POST % 2)
            assert here.targets["baseline"].visits == 2

    run(scene)


def test_the_last_used_connection_is_used_first() -> None:
    async def scene() -> None:
        async with rig(answering(OK), {}) as here:
            clients = [await here.connect() for _ in range(3)]
            for client in clients:
                await client.send(POST % 1)
            for client in clients:
                await client.answer()
            opened = here.targets["baseline"].visits
            for _ in range(10):
                await clients[0].send(POST % 2)
                await clients[0].answer()
            assert here.targets["baseline"].visits == opened

    run(scene)


def test_draining_finishes_what_is_under_way_and_closes_behind_it() -> None:
    gate = asyncio.Event()

    async def gated(visit: Visit) -> None:
        while await visit.request() is not None:
            await gate.wait()
            await visit.say(OK)

    async def scene() -> None:
        async with rig(gated, {"candidate": gated}) as here:
            idle, fresh, busy = [await here.connect() for _ in range(3)]
            gate.set()
            await idle.send(POST % 0)
            await idle.answer()
            await here.settled()
            gate.clear()
            await busy.send(POST % 1)
            await until(lambda: here.plant.busy == 2)
            here.plant.drain()
            assert await idle.rest() == b""
            here.pass_time(here.config.deadlines.linger_s + 1)
            assert await fresh.rest() == b""
            assert not here.plant.drained.is_set()
            gate.set()
            answer, body = await busy.answer()
            assert (body, answer.keep_alive) == (b"ok", False)
            assert await busy.rest() == b""
            await here.settled()
            here.pass_time(0)
            assert here.plant.drained.is_set()
            here.check()

    run(scene)


def test_what_is_not_done_at_the_end_of_the_drain_is_cancelled_and_recorded() -> None:
    async def scene() -> None:
        limits = {"shadow_connections": 1}
        async with rig(hanging, {"candidate": hanging}, limits=limits) as here:
            clients = [await here.connect() for _ in range(2)]
            for client in clients:
                await client.send(POST % 1)
            await until(lambda: here.plant.busy == 4)
            here.plant.drain()
            here.plant.close()
            await until(lambda: len(here.rows.exchanges) == 4)
            assert here.rows.outcomes("baseline") == ["cancelled"] * 2
            assert sorted(here.rows.outcomes("candidate")) == ["cancelled", "dropped:draining"]
            here.check()

    run(scene)


def test_every_reason_that_is_used_is_counted_somewhere() -> None:
    """A reason without a cell would be a KeyError on the hot path."""
    used = {
        "not_sampled", "unsafe_method", "too_large", "copy_budget", "queue_full", "queue_timeout", "draining",
        "client_gone", "body_incomplete",
    }  # fmt: skip
    assert used < set(DROP_REASONS)
