"""Rows H of the byte table: what every target sees of a request, byte for byte."""

import asyncio
import re
from collections.abc import Awaitable, Callable

import pytest

from tests.shadow_proxy.byte_table.forwarding import FORWARDING
from tests.shadow_proxy.byte_table.rows import Forwarded
from tests.shadow_proxy.byte_table.watching import KeepingTarget, watched

BOTH = pytest.mark.parametrize("bytewise", [False, True], ids=["whole", "bytewise"])
EACH = pytest.mark.parametrize("row", FORWARDING, ids=[row.name for row in FORWARDING])
MADE_UP_ID = re.compile(rb"X-Request-Id: [0-9a-f]+-[0-9a-f]+\r\n")
SMALL_CHUNK = rb"(?:1\r\n.|2\r\n..|3\r\n...|4\r\n....|5\r\n.....)\r\n"
SMALL_CHUNKS = re.compile(rb"(?:%b)+" % SMALL_CHUNK)


def run(scene: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scene(), 20))


def seen_by(target: KeepingTarget) -> list[bytes]:
    """What it got, with the made-up id as `ID` and a body that came in small chunks as one."""
    named = [MADE_UP_ID.sub(b"X-Request-Id: ID\r\n", raw) for raw in target.raw if raw]
    return [SMALL_CHUNKS.sub(_as_one_chunk, raw) for raw in named]


def _as_one_chunk(match: "re.Match[bytes]") -> bytes:
    body = b"".join(chunk[3:-2] for chunk in re.findall(SMALL_CHUNK, match[0]))
    return b"%x\r\n%b\r\n" % (len(body), body)


@BOTH
@EACH
def test_every_target_sees_exactly_these_bytes(row: Forwarded, bytewise: bool) -> None:
    async def scene() -> None:
        async with watched(answer=row.answered) as there:
            answer, body = await there.here.ask(row.sent, bytewise=bytewise)
            assert (answer.status, body) == (row.status, row.body)
            await there.here.settled()
            expected = [] if row.at_target is None else [row.at_target]
            assert seen_by(there.baseline) == seen_by(there.candidate) == expected
            there.here.check()

    run(scene)


def test_every_row_has_its_own_number_and_name() -> None:
    assert len({row.no for row in FORWARDING}) == len({row.name for row in FORWARDING}) == 15


def test_head_tells_the_length_of_a_body_that_never_comes() -> None:
    async def scene() -> None:
        (row,) = [one for one in FORWARDING if one.name == "H14"]
        async with watched(answer=row.answered) as there:
            client = await there.here.connect()
            for _ in range(2):
                await client.send(row.sent)
                answer, body = await client.answer(no_body=True)
                assert (answer.content_length, body) == (1234, b"")
            client.close()

    run(scene)
