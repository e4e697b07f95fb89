"""What the proxy itself reads of a head: hops, forwards, ids."""

import pytest

from shadow_proxy.intake import forwarded_once_more
from shadow_proxy.testing import answering, rig
from tests.shadow_proxy.test_client import OK, run


def test_a_request_that_went_round_too_often_is_refused_and_counted() -> None:
    async def scene() -> None:
        async with rig(answering(OK), {}, max_hops=2) as here:
            for via, status in (
                (b"1.1 sparring", 200),
                (b"1.1 other, 1.0 sparring, HTTP/1.1 third", 200),
                (b"1.1 sparring, 1.1 sparring", 508),
                (b"1.1 sparring\r\nVia: 1.1 x, 1.1 sparring", 508),
            ):
                answer, _ = await here.ask(b"GET / HTTP/1.1\r\nHost: a\r\nVia: %b\r\n\r\n" % via)
                assert answer.status == status
            assert here.row.values()["client/looped"] == 2
            assert len(here.targets["baseline"].seen) == 2

    run(scene)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (b"Host: a\r\n", (0, b"Host: a\r\n")),
        (b"Max-Forwards: 10\r\nHost: a\r\n", (0, b"Max-Forwards: 9\r\nHost: a\r\n")),
        (b"Max-Forwards: 0\r\n", (200, b"Max-Forwards: 0\r\n")),
        (b"Max-Forwards: x\r\n", (0, b"Max-Forwards: x\r\n")),
        (b"Max-Forwards: -1\r\n", (0, b"Max-Forwards: -1\r\n")),
    ],
)
def test_max_forwards_counts_down(lines: bytes, expected: tuple[int, bytes]) -> None:
    assert forwarded_once_more(lines) == expected


def test_options_that_may_go_no_further_are_answered_here_and_the_connection_stays() -> None:
    async def scene() -> None:
        async with rig(answering(OK), {"candidate": answering(OK)}) as here:
            client = await here.connect()
            for _ in range(2):
                await client.send(b"OPTIONS * HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n")
                answer, body = await client.answer()
                assert (answer.status, body) == (200, b"")
                assert b"Allow: GET" in answer.lines
            await client.send(b"GET / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n")
            assert (await client.answer())[1] == b"ok"
            await here.settled()
            assert len(here.targets["baseline"].seen) == len(here.targets["candidate"].seen) == 1

    run(scene)
