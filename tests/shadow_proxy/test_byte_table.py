"""Rows A to G of the byte table, through the proxy over real sockets: whole, and one byte a segment."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import pytest

from shadow_proxy.testing import RawClient, until
from tests.shadow_proxy.byte_table.requests import REQUESTS
from tests.shadow_proxy.byte_table.rows import Expected, Row, Seen
from tests.shadow_proxy.byte_table.watching import Watched, watched

LONG_BYTES = 4000
NEXT = b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n"
NEXT_SEEN = Seen(target=b"/next")
FIRST = b"GET /first HTTP/1.1\r\nHost: a\r\n\r\n"
FIRST_SEEN = Seen(target=b"/first")


def run(scene: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scene(), 60))


def both(rows: Iterable[Row]) -> pytest.MarkDecorator:
    """Each row whole and byte by byte; what takes seconds byte by byte is slow."""
    cases = [
        pytest.param(
            row,
            bytewise,
            id=f"{row.name}-{'bytewise' if bytewise else 'whole'}",
            marks=[pytest.mark.slow] if bytewise and len(row.sent) > LONG_BYTES else [],
        )
        for row in rows
        for bytewise in (False, True)
    ]
    return pytest.mark.parametrize(("row", "bytewise"), cases)


async def served(client: RawClient, count: int) -> None:
    for _ in range(count):
        answer, body = await client.answer()
        assert (answer.status, body) == (200, b"ok")


async def refused(client: RawClient, statuses: tuple[int, ...]) -> None:
    answer, _ = await client.answer()
    assert answer.status in statuses
    assert not answer.keep_alive
    assert (b"Server", b"sparring") in answer.fields
    assert await client.rest() == b""


def check_refusal(there: Watched, row: Row, *, bytewise: bool) -> None:
    """It is counted and recorded once, and a target was at most sent the beginning of a good head's body."""
    assert there.here.row.values()["client/refused_requests"] == 1
    if not (row.head_is_good and bytewise):
        assert not there.baseline.beginnings
    assert there.here.rows.outcomes("candidate").count("ok") == len(there.candidate.whole)


def test_every_row_has_its_own_number_and_name() -> None:
    assert len({row.no for row in REQUESTS}) == len({row.name for row in REQUESTS}) == len(REQUESTS) == 114


@both([row for row in REQUESTS if row.served])
def test_what_is_good_is_served_and_both_arms_understand_the_same(row: Row, bytewise: bool) -> None:
    async def scene() -> None:
        async with watched() as there:
            client = await there.here.connect()
            await client.send(row.sent, bytewise=bytewise)
            await served(client, len(row.seen))
            if row.closes:
                assert await client.rest() == b""
                await there.saw_exactly(*row.seen)
                return
            await client.send(NEXT)
            await served(client, 1)
            await there.saw_exactly(*row.seen, NEXT_SEEN)

    run(scene)


@both([row for row in REQUESTS if row.served and not row.closes])
def test_what_is_good_is_served_with_more_behind_it(row: Row, bytewise: bool) -> None:
    async def scene() -> None:
        async with watched() as there:
            client = await there.here.connect()
            await client.send(row.sent + NEXT, bytewise=bytewise)
            await served(client, len(row.seen) + 1)
            await there.saw_exactly(*row.seen, NEXT_SEEN)

    run(scene)


@both([row for row in REQUESTS if row.refused])
def test_what_is_bad_is_refused_and_reaches_no_target(row: Row, bytewise: bool) -> None:
    async def scene() -> None:
        async with watched() as there:
            client = await there.here.connect()
            await client.send(row.sent, bytewise=bytewise)
            await served(client, len(row.seen))
            await refused(client, row.refusals)
            await there.saw_exactly(*row.seen)
            check_refusal(there, row, bytewise=bytewise)

    run(scene)


@both([row for row in REQUESTS if row.refused])
def test_a_good_request_in_front_of_a_bad_one_is_served_and_recorded(row: Row, bytewise: bool) -> None:
    async def scene() -> None:
        async with watched() as there:
            client = await there.here.connect()
            await client.send(FIRST + row.sent, bytewise=bytewise)
            await served(client, 1 + len(row.seen))
            await refused(client, row.refusals)
            await there.saw_exactly(FIRST_SEEN, *row.seen)
            check_refusal(there, row, bytewise=bytewise)
            assert there.here.rows.outcomes("baseline")[: 1 + len(row.seen)] == ["ok"] * (1 + len(row.seen))

    run(scene)


@both([row for row in REQUESTS if row.expected is Expected.STALLS])
def test_what_is_never_complete_ends_with_its_deadline(row: Row, bytewise: bool) -> None:
    async def scene() -> None:
        async with watched() as there:
            client = await there.here.connect()
            await client.send(row.sent, bytewise=bytewise)
            await until(lambda: there.baseline.raw[:1] > [b""])
            there.here.pass_time(there.here.config.deadlines.client_body_s + 1)
            await refused(client, row.refusals)
            await there.saw_exactly()
            assert there.here.rows.outcomes("candidate") == ["dropped:client_gone"]

    run(scene)
