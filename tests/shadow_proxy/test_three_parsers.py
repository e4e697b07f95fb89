"""Every message that the proxy forwards means the same to h11, to llhttp and to Python's http.client."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shadow_proxy.testing import Behaviour, Visit, answering, rig
from tests.shadow_proxy.byte_table.answers import ANSWERS
from tests.shadow_proxy.byte_table.forwarding import FORWARDING
from tests.shadow_proxy.byte_table.messages import MadeAnswer, MadeRequest, answers, requests
from tests.shadow_proxy.byte_table.parsers import (
    Request,
    Response,
    h11_request,
    h11_response,
    llhttp_request,
    llhttp_response,
    stdlib_request,
    stdlib_response,
)
from tests.shadow_proxy.byte_table.requests import REQUESTS
from tests.shadow_proxy.byte_table.rows import Answer, Fields, Row, Shown, Then
from tests.shadow_proxy.byte_table.watching import TURNS, UNMIRRORED, watched

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
FORWARDED = {row.name: row.sent for row in REQUESTS if row.served} | {
    row.name: row.sent for row in FORWARDING if row.at_target is not None
}
WHOLE = [
    row
    for row in ANSWERS
    if row.said is not None and row.reads_body and row.shown in {Shown.PASSED, Shown.BAD_GATEWAY}
]
EXAMPLES = 120


def run(scene: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scene(), 30))


def same_request(raw: bytes) -> Request:
    """What all three make of it; http.client drops trailers."""
    found = h11_request(raw)
    assert found is not None
    request, rest = found
    assert rest == b""
    assert llhttp_request(raw) == request
    third = stdlib_request(raw)
    assert (third.method, third.target, third.fields) == (request.method, request.target, request.fields)
    assert third.body == request.body
    return request


def same_response(raw: bytes, *, method: bytes = b"GET", closed: bool = False) -> Response:
    """What all three make of it; http.client drops trailers, llhttp cannot be told of HEAD."""
    response = h11_response(raw, method=method)
    if method != b"HEAD":
        assert llhttp_response(raw, closed=closed) == response
    third = stdlib_response(raw, method=method)
    assert (third.status, third.fields, third.body) == (response.status, response.fields, response.body)
    return response


def is_kept(sent: Fields, received: Fields) -> bool:
    """Whether the fields that were sent are there, in their order."""
    return [one for one in received if one in sent] == list(sent)


async def forwarded(raw: bytes, *, count: int, step: int) -> list[list[bytes]]:
    """The whole requests that each arm got for these bytes."""
    async with watched() as there:
        client = await there.here.connect()
        for at in range(0, len(raw), step):
            await client.send(raw[at : at + step])
            await asyncio.sleep(0)
        for _ in range(count):
            assert (await client.answer())[0].status == 200
        await there.here.settled()
        there.here.check()
        client.close()
        return [there.baseline.whole_raw, there.candidate.whole_raw]


@pytest.mark.parametrize("name", FORWARDED)
def test_a_request_of_the_table_means_the_same_to_all_three(name: str) -> None:
    async def scene() -> None:
        async with watched() as there:
            client = await there.here.connect()
            await client.send(FORWARDED[name])
            await client.answer(no_body=name == "H14")
            await there.here.settled()
            arms = [there.baseline.whole_raw, there.candidate.whole_raw]
            assert arms[0]
            assert [list(map(same_request, raw)) for raw in arms] == [
                there.baseline.whole,
                there.candidate.whole,
            ]

    run(scene)


@settings(max_examples=EXAMPLES, deadline=None)
@given(made=st.lists(requests, min_size=1, max_size=3), step=st.sampled_from([1 << 20, 37, 5]))
def test_any_request_means_to_all_three_what_the_client_meant(made: list[MadeRequest], step: int) -> None:
    async def scene() -> None:
        raw = b"".join(one.raw for one in made)
        primary, shadow = await forwarded(raw, count=len(made), step=step)
        read = list(map(same_request, primary))
        assert len(read) == len(made)
        for one, got in zip(made, read, strict=True):
            assert (got.method, got.target, got.body) == (one.method, one.target, one.body.whole)
            assert is_kept(one.fields, got.fields)
            assert got.trailers == one.body.trailers
        copies = sorted(map(repr, map(same_request, shadow)))
        assert copies == sorted(repr(one) for one in read if one.method not in UNMIRRORED)

    run(scene)


@settings(max_examples=EXAMPLES, deadline=None)
@given(
    row=st.sampled_from([one for one in REQUESTS if len(one.sent) < 2000]),
    where=st.floats(0, 1),
    removed=st.integers(0, 3),
    put=st.sampled_from([b"", b"\r", b"\n", b"\r\n", b" ", b"\t", b"\x00", b"0", b",", b":", b"\xff"]),
)
def test_whatever_arrives_no_target_gets_what_is_not_http(
    row: Row, where: float, removed: int, put: bytes
) -> None:
    at = int(where * len(row.sent))
    raw = row.sent[:at] + put + row.sent[at + removed :]

    async def scene() -> None:
        async with watched() as there:
            client = await there.here.connect()
            await client.send(raw)
            for _ in range(10 * TURNS):
                await asyncio.sleep(0)
            client.close()
            await there.here.settled()
            there.here.check()
            arms = (there.baseline, there.candidate)
            assert not [arm.broken for arm in arms if arm.broken]
            for arm in arms:
                assert list(map(same_request, arm.whole_raw)) == arm.whole
            assert not there.candidate.beginnings

    run(scene)


def saying(answer: bytes, *, close: bool) -> Behaviour:
    """Answers so; one that ends with its connection closes it."""

    async def behave(visit: Visit) -> None:
        while await visit.request() is not None:
            await visit.say(answer)
            if close:
                return

    return behave


async def received(answer: bytes, *, close: bool, method: bytes = b"GET", minor: int = 1) -> bytes:
    """All that a client gets which asks once, with an upstream that answers so."""
    async with rig(saying(answer, close=close), {"candidate": answering(OK)}) as here:
        client = await here.connect()
        await client.send(b"%b /p HTTP/1.%d\r\nHost: a\r\nConnection: close\r\n\r\n" % (method, minor))
        return await client.rest()


@pytest.mark.parametrize("minor", [1, 0], ids=["HTTP/1.1", "HTTP/1.0"])
@pytest.mark.parametrize("row", WHOLE, ids=[row.name for row in WHOLE])
def test_an_answer_of_the_table_means_the_same_to_all_three(row: Answer, minor: int) -> None:
    async def scene() -> None:
        raw = await received(row.said or b"", close=row.then is Then.CLOSES, minor=minor)
        read = same_response(raw, closed=not minor)
        assert read.status == (row.status if row.shown is Shown.PASSED else 502)
        if row.shown is Shown.PASSED:
            assert read.body == row.body

    run(scene)


@settings(max_examples=EXAMPLES, deadline=None)
@given(made=answers, method=st.sampled_from([b"GET", b"POST"]), minor=st.integers(0, 1))
def test_any_answer_means_to_all_three_what_the_upstream_meant(
    made: MadeAnswer, method: bytes, minor: int
) -> None:
    async def scene() -> None:
        raw = await received(made.raw, close=made.body.framing == "close", method=method, minor=minor)
        read = same_response(raw, method=method, closed=not minor)
        assert (read.status, read.body) == (made.status, made.body.whole)
        assert is_kept(made.fields, read.fields)
        assert read.interim == ((103,) if made.early and minor else ())
        assert read.trailers == (made.body.trailers if minor else ())

    run(scene)


@settings(max_examples=20, deadline=None)
@given(made=answers)
def test_any_answer_to_head_ends_with_its_head(made: MadeAnswer) -> None:
    async def scene() -> None:
        head = (
            made.raw[: made.raw.rindex(b"\r\n\r\n", 0, made.raw.index(b" Made")) + 4] if made.early else b""
        )
        head += made.raw[len(head) :].partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
        raw = await received(head, close=made.body.framing == "close", method=b"HEAD")
        read = same_response(raw, method=b"HEAD")
        assert (read.status, read.body) == (made.status, b"")

    run(scene)
