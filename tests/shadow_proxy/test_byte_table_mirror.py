"""Rows M of the byte table: what holds of the mirror whatever the client and the candidate do.

M01 is checked by every test of this folder (`Rig.check`), M04 and M05 in `test_byte_table_answers.py`, M07 in
`test_byte_table_overload.py`, M09 in `test_client.py`.
"""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Iterable

import pytest

from shadow_proxy.kept_rows import KeptRefusal
from shadow_proxy.testing import Behaviour, Visit, answering, rig, until
from tests.shadow_proxy.byte_table.requests import REQUESTS
from tests.shadow_proxy.byte_table.rows import Row
from tests.shadow_proxy.byte_table.watching import TURNS, watched

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
POST = b"POST /p HTTP/1.1\r\nHost: model.example\r\nX-Request-Id: %d\r\n"
MIB = 1 << 20
BOTH = pytest.mark.parametrize("bytewise", [False, True], ids=["whole", "bytewise"])


def run(scene: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scene(), 60))


def of_rows(rows: Iterable[Row]) -> pytest.MarkDecorator:
    chosen = list(rows)
    return pytest.mark.parametrize("row", chosen, ids=[row.name for row in chosen])


@of_rows(row for row in REQUESTS if row.served)
def test_m02_both_arms_get_the_same_bytes(row: Row) -> None:
    async def scene() -> None:
        async with watched() as there:
            client = await there.here.connect()
            await client.send(row.sent)
            for _ in row.seen:
                await client.answer()
            await there.here.settled()
            assert sorted(there.baseline.whole_raw) == sorted(there.candidate.whole_raw)
            assert len(there.candidate.whole_raw) == len(row.seen)

    run(scene)


def digesting(arrived: list[tuple[int, str]]) -> Behaviour:
    """Notes the length and digest of every body that is whole, and holds none of it."""

    async def behave(visit: Visit) -> None:
        waiting = b""
        while True:
            while b"\r\n\r\n" not in waiting:
                part = await visit.part()
                if not part:
                    return
                waiting += part
            head, _, waiting = waiting.partition(b"\r\n\r\n")
            length = int(head.partition(b"Content-Length: ")[2].split(b"\r\n")[0])
            digest = hashlib.sha256(waiting)
            left = length - len(waiting)
            while left:
                part = await visit.part()
                digest.update(part)
                left -= len(part)
            waiting = b""
            arrived.append((length, digest.hexdigest()))
            await visit.say(OK)

    return behave


@pytest.mark.parametrize(
    "size",
    [1, MIB, MIB + 1, 8 * MIB, 8 * MIB + 1, pytest.param(100 * MIB, marks=pytest.mark.slow)],
)
def test_m03_a_body_of_any_size_is_mirrored_or_dropped_as_too_large(size: int) -> None:
    async def scene() -> None:
        primary: list[tuple[int, str]] = []
        shadow: list[tuple[int, str]] = []
        body = b"\x5a" * size
        async with rig(digesting(primary), {"candidate": digesting(shadow)}) as here:
            client = await here.connect()
            await client.send(POST % size + b"Content-Length: %d\r\n\r\n" % size)
            await client.send(body)
            assert (await client.answer())[0].status == 200
            await here.settled()
            fits = size <= here.config.limits.copy_bytes
            assert primary == [(size, hashlib.sha256(body).hexdigest())]
            assert shadow == (primary if fits else [])
            assert here.rows.outcomes("candidate") == ["ok" if fits else "dropped:too_large"]
            here.check()
            client.close()

    run(scene)


def test_m06_the_primary_never_waits_for_the_mirror() -> None:
    gate = asyncio.Event()

    async def gated(visit: Visit) -> None:
        while await visit.request() is not None:
            await gate.wait()
            await visit.say(OK)

    async def scene() -> None:
        async with rig(answering(OK), {"candidate": gated}) as here:
            client = await here.connect()
            for number in range(20):
                await client.send(POST % number + b"Content-Length: 5\r\n\r\nhello")
                assert (await client.answer())[1] == b"ok"
            assert here.rows.outcomes("baseline") == ["ok"] * 20
            assert here.rows.outcomes("candidate") == []
            gate.set()
            await here.settled()
            assert here.rows.outcomes("candidate") == ["ok"] * 20
            here.check()

    run(scene)


def test_m08_an_arm_compared_with_itself_always_agrees() -> None:
    async def adding(visit: Visit) -> None:
        while (request := await visit.request()) is not None:
            answer = b"%d" % sum(json.loads(request.body))
            await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(answer), answer))

    async def scene() -> None:
        async with rig(adding, {"candidate": adding}) as here:
            client = await here.connect()
            for number in range(50):
                body = json.dumps([number, number * 7]).encode()
                await client.send(POST % number + b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
                assert (await client.answer())[1] == b"%d" % (number * 8)
            await here.settled()
            arms = [
                {one.request_id: (one.status, one.body) for one in here.rows.exchanges if one.target == name}
                for name in (b"baseline", b"candidate")
            ]
            assert len(arms[0]) == 50
            assert arms[0] == arms[1]

    run(scene)


def check_refusal(row: Row, kept: KeptRefusal) -> None:
    """The record has the status and, of a bad head, the bytes from the first to the one that was wrong."""
    assert kept.status in row.refusals
    assert kept.raw
    assert kept.raw in row.sent
    if not row.head_is_good and not row.seen:
        assert row.sent.startswith(kept.raw)


@BOTH
@of_rows(row for row in REQUESTS if row.refused and len(row.sent) < 4000)
def test_m10_what_is_refused_is_recorded_with_its_bytes_and_never_mirrored(row: Row, bytewise: bool) -> None:
    async def scene() -> None:
        async with watched() as there:
            client = await there.here.connect()
            await client.send(row.sent, bytewise=bytewise)
            await until(lambda: len(there.here.rows.refusals) == 1)
            check_refusal(row, there.here.rows.refusals[0])
            await there.saw_exactly(*row.seen)
            client.close()

    run(scene)


SLOW = {
    "408 in a head": (b"GET / HTTP/1.1\r\nHos", 408),
    "408 in a body": (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx", 408),
    "417": (b"POST / HTTP/1.1\r\nHost: a\r\nExpect: magic\r\nContent-Length: 1\r\n\r\nx", 417),
}


@pytest.mark.parametrize("name", SLOW)
def test_m10_every_counted_refusal_is_recorded(name: str) -> None:
    sent, status = SLOW[name]

    async def scene() -> None:
        async with watched() as there:
            client = await there.here.connect()
            await client.send(sent)
            for _ in range(TURNS):
                await asyncio.sleep(0)
            if status == 408:
                there.here.pass_time(there.here.config.deadlines.client_body_s + 1)
            assert (await client.answer())[0].status == status
            assert there.here.row.values()["client/refused_requests"] == 1
            assert [one.status for one in there.here.rows.refusals] == [status]

    run(scene)


def test_m10_the_record_of_a_refusal_holds_nothing_of_the_good_request_in_front_of_it() -> None:
    async def scene() -> None:
        async with watched() as there:
            client = await there.here.connect()
            bad = b"POST /bad HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n"
            await client.send(b"GET /good HTTP/1.1\r\nHost: a\r\n\r\n" + bad)
            assert (await client.answer())[0].status == 200
            assert (await client.answer())[0].status == 400
            (kept,) = there.here.rows.refusals
            assert bad.startswith(kept.raw)
            assert kept.raw.endswith(b"Content-Length: x") or kept.raw == bad

    run(scene)
