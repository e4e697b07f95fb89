"""Rows I of the byte table: hostile or broken upstreams, as the primary and as a shadow."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from shadow_proxy.testing import Behaviour, RawClient, Rig, Visit, answering, rig, until
from tests.shadow_proxy.byte_table.answers import ANSWERS
from tests.shadow_proxy.byte_table.parsers import h11_cut_response, h11_response
from tests.shadow_proxy.byte_table.rows import Answer, Shown, Then

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
GET = b"GET /%d HTTP/1.1\r\nHost: a\r\nX-Request-Id: %d\r\n\r\n"
LAST = b"GET /last HTTP/1.1\r\nHost: a\r\nX-Request-Id: z\r\nConnection: close\r\n\r\n"
EACH = pytest.mark.parametrize("row", ANSWERS, ids=[row.name for row in ANSWERS])
BOTH = pytest.mark.parametrize("bytewise", [False, True], ids=["whole", "bytewise"])

STATUS = {Shown.BAD_GATEWAY: 502, Shown.TIMED_OUT: 504}
LASTING = [row for row in ANSWERS if row.shown is not Shown.CUT and row.reads_body]


def run(scene: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scene(), 60))


def saying(row: Answer, *, bytewise: bool = False) -> Behaviour | None:
    """A target that answers every request so."""
    said = row.said
    if said is None:
        return None

    async def behave(visit: Visit) -> None:
        while await visit.request() if row.reads_body else await visit.part():
            await visit.say(said, bytewise=bytewise)
            if row.then is Then.CLOSES:
                return

    return behave


async def closing_request(here: Rig, row: Answer) -> RawClient:
    """The row's request, sent so that the client reads until the end of the connection."""
    client = await here.connect()
    await client.send(row.sent.replace(b"Host: a\r\n", b"Host: a\r\nConnection: close\r\n"))
    if row.shown is Shown.TIMED_OUT:
        await until(lambda: here.targets["baseline"].seen != [])
        here.pass_time(here.config.deadlines.first_byte_s + 1)
    return client


def check_client(row: Answer, received: bytes) -> None:
    """What h11 makes of the client's bytes."""
    if row.shown is Shown.CUT:
        assert h11_cut_response(received) == row.body
        return
    got = h11_response(received)
    if row.shown is Shown.PASSED:
        assert (got.status, got.body, got.interim) == (row.status, row.body, row.interim)
        assert got.trailers == row.trailers
        return
    assert got.status == STATUS[row.shown]
    assert (b"server", b"sparring") in got.fields


def test_every_row_has_its_own_number_and_name() -> None:
    assert len({row.no for row in ANSWERS}) == len({row.name for row in ANSWERS}) == 22


@BOTH
@EACH
def test_what_the_client_sees_of_such_a_primary(row: Answer, bytewise: bool) -> None:
    if bytewise and row.said is not None and len(row.said) > 100_000:
        bytewise = False

    async def scene() -> None:
        async with rig(saying(row, bytewise=bytewise), {"candidate": answering(OK)}) as here:
            client = await closing_request(here, row)
            received = await client.rest()
            check_client(row, received)
            assert not [one for one in row.hidden if one in received]
            await here.settled()
            (outcome,) = here.rows.outcomes("baseline")
            assert outcome in row.outcomes
            here.check()

    run(scene)


@pytest.mark.parametrize("row", LASTING, ids=[row.name for row in LASTING])
def test_the_client_may_ask_again_on_its_connection_after_such_a_primary(row: Answer) -> None:
    async def scene() -> None:
        async with rig(saying(row), {}) as here:
            client = await here.connect()
            for number in (1, 2):
                await client.send(row.sent)
                if row.shown is Shown.TIMED_OUT:
                    await until(lambda: here.account("baseline").in_flight == 1)
                    here.pass_time(here.config.deadlines.first_byte_s + 1)
                answer, body = await client.answer()
                assert answer.status == STATUS.get(row.shown, row.status)
                assert not [one for one in row.hidden if one in answer.lines + body]
                await until(lambda: len(here.rows.outcomes("baseline")) == number)  # noqa: B023  # awaited here
            client.close()
            assert set(here.rows.outcomes("baseline")) <= set(row.outcomes)
            here.check()

    run(scene)


async def conversation(candidate: Behaviour | None, *, shadowed: bool) -> bytes:
    """All bytes that a client gets for nine requests on one connection."""
    async with rig(answering(OK), {"candidate": candidate} if shadowed else {}) as here:
        client = await here.connect()
        received = b""
        alone = len(b"HTTP/1.1 200 OK\r\nX-Request-Id: 0\r\nContent-Length: 2\r\n\r\nok")
        for number in range(8):
            await client.send(GET % (number, number))
            received += await client.some(alone)
        await client.send(LAST)
        received += await client.rest()
        here.plant.close()
        await here.settled()
        here.check()
        if shadowed:
            account = here.account("candidate")
            assert account.requests == 9 == account.mirrored + sum(account.dropped.values())
        return received


@EACH
def test_no_shadow_that_answers_so_changes_a_byte_for_the_client(row: Answer) -> None:
    async def scene() -> None:
        alone = await conversation(None, shadowed=False)
        assert alone.count(b"HTTP/1.1 200 OK") == 9
        assert await conversation(saying(row), shadowed=True) == alone

    run(scene)
