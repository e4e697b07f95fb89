"""What clients may do, over real sockets: framings whole and byte by byte, and the ways to leave early."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from shadow_proxy.testing import Rig, Visit, answering, babbling, hanging, resetting, rig, until

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
GET = b"GET /p HTTP/1.1\r\nHost: a\r\n\r\n"
BOTH = pytest.mark.parametrize("bytewise", [False, True], ids=["whole", "bytewise"])

REQUESTS = {
    "GET": (GET, b""),
    "POST with a length": (b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", b"hello"),
    "POST without a body": (b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", b""),
    "POST in chunks": (
        b"POST /p HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
        b"hello",
    ),
    "HTTP/1.0": (b"POST /p HTTP/1.0\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", b"hello"),
    "HTTP/1.0 without Host": (b"GET /p HTTP/1.0\r\n\r\n", b""),
    "unknown to most: QUERY": (b"QUERY /p HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx", b"x"),
}


def run(scene: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scene(), 20))


@BOTH
@pytest.mark.parametrize("name", REQUESTS)
def test_every_framing_of_a_request_reaches_primary_and_shadow_alike(name: str, bytewise: bool) -> None:
    sent, body = REQUESTS[name]

    async def scene() -> None:
        async with rig(answering(OK), {"candidate": answering(OK)}) as here:
            answer, got = await here.ask(sent, bytewise=bytewise)
            assert (answer.status, got) == (200, b"ok")
            await here.settled()
            arms = [here.targets[name].seen[0] for name in ("baseline", "candidate")]
            assert [arm.body for arm in arms] == [body, body]
            assert arms[0].head.lines == arms[1].head.lines
            assert [arm.head.chunked for arm in arms] == [b"chunked" in sent] * 2
            assert here.rows.requests == [(here.rows.exchanges[0].request_id, body, len(body))]
            assert here.rows.outcomes("baseline") == here.rows.outcomes("candidate") == ["ok"]
            here.check()

    run(scene)


ANSWERS = {
    "length": (OK, 200, b"ok"),
    "chunked": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n", 200, b"ok"),
    "204": (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
    "304 with a length": (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, b""),
    "empty reason": (b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok", 200, b"ok"),
    "status 500": (b"HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno", 500, b"no"),
    "extra bytes": (OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL", 200, b"ok"),
    "103 first": (b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + OK, 200, b"ok"),
    "100 nobody asked for": (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, 200, b"ok"),
}  # fmt: skip


@BOTH
@pytest.mark.parametrize("name", ANSWERS)
def test_every_framing_of_an_answer_reaches_the_client_twice_on_one_connection(
    name: str, bytewise: bool
) -> None:
    raw, status, body = ANSWERS[name]

    async def scene() -> None:
        async with rig(answering(raw, bytewise=bytewise), {"candidate": answering(raw)}) as here:
            client = await here.connect()
            for _ in range(2):
                await client.send(GET)
                answer, got = await client.answer()
                assert (answer.status, got) == (status, body)
                assert b"Content-Type" not in answer.lines
            client.close()
            await here.settled()
            here.check()

    run(scene)


def test_an_answer_that_ends_with_the_connection_gets_an_end_of_its_own() -> None:
    async def scene() -> None:
        raw = b"HTTP/1.1 200 OK\r\n\r\nhello world"
        async with rig(answering(raw, close=True), {"candidate": answering(raw, close=True)}) as here:
            answer, body = await here.ask(GET)
            assert answer.chunked
            assert body == b"hello world"
            answer, body = await here.ask(b"GET /p HTTP/1.0\r\nHost: a\r\n\r\n")
            assert not answer.chunked
            assert body == b"hello world"
            await here.settled()
            assert here.rows.outcomes("candidate") == ["ok", "ok"]

    run(scene)


def test_head_is_answered_with_the_length_and_without_a_body() -> None:
    async def scene() -> None:
        raw = b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n"
        async with rig(answering(raw), {"candidate": answering(raw)}) as here:
            client = await here.connect()
            for _ in range(2):
                await client.send(b"HEAD /p HTTP/1.1\r\nHost: a\r\n\r\n")
                answer, body = await client.answer(no_body=True)
                assert answer.content_length == 1234
                assert not body
            assert here.targets["baseline"].visits == 1

    run(scene)


@BOTH
def test_pipelined_requests_are_answered_in_order(bytewise: bool) -> None:
    async def echo(visit: Visit) -> None:
        while (request := await visit.request()) is not None:
            path = request.head.target
            await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(path), path))

    async def scene() -> None:
        async with rig(echo, {"candidate": echo}) as here:
            client = await here.connect()
            paths = [b"/%d" % number for number in range(20)]
            pipeline = b"".join(b"GET %b HTTP/1.1\r\nHost: a\r\n\r\n" % path for path in paths)
            await client.send(pipeline, bytewise=bytewise)
            assert [(await client.answer())[1] for _ in paths] == paths
            await here.settled()
            assert here.account("candidate").mirrored == len(paths)
            here.check()

    run(scene)


def test_a_good_request_in_front_of_a_bad_one_is_answered_first() -> None:
    async def scene() -> None:
        async with rig(answering(OK), {}) as here:
            client = await here.connect()
            await client.send(GET + b"Invalid\r\n\r\n")
            assert (await client.answer())[0].status == 200
            answer, _ = await client.answer()
            assert answer.status == 400
            assert not answer.keep_alive
            assert await client.rest() == b""

    run(scene)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (
            b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 999999999999\r\n\r\n", 413),
        (b"CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n", 405),
        (b"TRACE / HTTP/1.1\r\nHost: a\r\nAuthorization: secret\r\n\r\n", 405),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", 431),
        (b"POST / HTTP/1.1\r\nHost: a\r\nExpect: magic\r\nContent-Length: 1\r\n\r\nx", 417),
    ],
)
def test_what_must_be_refused_is_refused_and_the_connection_closed(sent: bytes, status: int) -> None:
    async def scene() -> None:
        async with rig(answering(OK), {"candidate": answering(OK)}) as here:
            client = await here.connect()
            await client.send(sent)
            answer, _ = await client.answer()
            assert (answer.status, answer.keep_alive) == (status, False)
            assert await client.rest() == b""
            assert not [one for one in here.targets["candidate"].seen if one.complete]
            await here.settled()
            here.check()

    run(scene)


def test_expect_is_answered_and_not_passed_on() -> None:
    async def scene() -> None:
        async with rig(answering(OK), {"candidate": answering(OK)}) as here:
            client = await here.connect()
            await client.send(
                b"POST /p HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 5\r\n\r\n"
            )
            assert await client.some(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
            await client.send(b"hello")
            assert (await client.answer())[1] == b"ok"
            await here.settled()
            for target in here.targets.values():
                assert b"expect" not in target.seen[0].head.found
                assert target.seen[0].body == b"hello"

    run(scene)


def test_http_1_0_gets_no_continue_no_interim_and_its_own_keep_alive() -> None:
    async def scene() -> None:
        raw = b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK
        async with rig(answering(raw), {}) as here:
            client = await here.connect()
            await client.send(
                b"POST / HTTP/1.0\r\nHost: a\r\nExpect: 100-continue\r\nConnection: Keep-Alive\r\n"
                b"Content-Length: 1\r\n\r\nx"
            )
            answer, _ = await client.answer()
            assert answer.status == 200
            assert not answer.interim
            assert b"keep-alive" in answer.found[b"connection"]
            await client.send(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n")
            answer, _ = await client.answer()
            assert not answer.keep_alive
            assert await client.rest() == b""

    run(scene)


def test_an_interim_answer_is_forwarded() -> None:
    async def scene() -> None:
        raw = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\nConnection: X-Hop\r\nX-Hop: 1\r\n\r\n" + OK
        async with rig(answering(raw), {}) as here:
            answer, _ = await here.ask(GET)
            assert [(one.status, one.lines) for one in answer.interim] == [(103, b"Link: </x>\r\n")]

    run(scene)


def test_what_the_target_sees() -> None:
    async def scene() -> None:
        sent = (
            b"POST /a%2Fb?x=%zz HTTP/1.1\r\nHost: model.example:80\r\n"
            b"Connection: Upgrade, HTTP2-Settings, X-Hop"
            b"\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEA\r\nX-Hop: 1\r\nAuthorization: Bearer x\r\n"
            b"Content-Encoding: gzip\r\nX-Sparring-Due: 77\r\nX-D: 1\r\nx-e: \xff\r\nX-D: 2\r\n"
            b"Content-Length: 2\r\n\r\n\x1f\x8b"
        )
        async with rig(answering(OK), {"candidate": answering(OK)}, due_header=True) as here:
            answer, _ = await here.ask(sent)
            await here.settled()
            request_id = here.rows.exchanges[0].request_id
            assert answer.fields.count((b"X-Request-Id", request_id)) == 1
            for target in here.targets.values():
                head = target.seen[0].head
                assert head.target == b"/a%2Fb?x=%zz"
                assert head.lines == (
                    b"Host: model.example:80\r\nAuthorization: Bearer x\r\nContent-Encoding: gzip\r\n"
                    b"X-D: 1\r\nx-e: \xff\r\nX-D: 2\r\nX-Request-Id: "
                    + request_id
                    + b"\r\nVia: 1.1 sparring\r\n"
                )
                assert target.seen[0].body == b"\x1f\x8b"

    run(scene)


def test_an_id_that_the_client_sent_is_kept_and_one_that_the_target_sent_is_not_doubled() -> None:
    async def scene() -> None:
        raw = b"HTTP/1.1 200 OK\r\nX-Request-Id: theirs\r\nContent-Length: 0\r\n\r\n"
        async with rig(answering(raw), {"candidate": answering(OK)}) as here:
            answer, _ = await here.ask(b"GET / HTTP/1.1\r\nHost: a\r\nx-request-id: mine\r\n\r\n")
            await here.settled()
            assert answer.lines == b"X-Request-Id: theirs\r\n"
            assert {one.request_id for one in here.rows.exchanges} == {b"mine"}
            assert here.targets["candidate"].seen[0].head.lines.count(b"x-request-id: mine") == 1

    run(scene)


def test_hop_by_hop_fields_of_an_answer_do_not_reach_the_client() -> None:
    async def scene() -> None:
        raw = (
            b"HTTP/1.1 200 OK\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=9\r\nX-E: 1\r\n"
            b"Content-Length: 0\r\n\r\n"
        )
        async with rig(answering(raw), {}) as here:
            answer, _ = await here.ask(b"GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: i\r\n\r\n")
            assert answer.lines == b"X-E: 1\r\nX-Request-Id: i\r\n"

    run(scene)


FAILURES = [(None, 502, "refused"), (resetting, 502, "reset"), (babbling, 502, "protocol_error")]


@pytest.mark.parametrize(("behaviour", "status", "outcome"), FAILURES)
def test_a_primary_that_fails_is_a_502_and_the_row_says_why(
    behaviour: Callable[[Visit], Awaitable[None]] | None, status: int, outcome: str
) -> None:
    async def scene() -> None:
        async with rig(behaviour, {"candidate": answering(OK)}) as here:
            client = await here.connect()
            for _ in range(2):
                await client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
                answer, _ = await client.answer()
                assert answer.status == status
                assert answer.keep_alive
            await here.settled()
            assert here.rows.outcomes("baseline") == [outcome, outcome]
            assert here.rows.outcomes("candidate") == ["ok", "ok"]
            here.check()

    run(scene)


def test_a_primary_that_does_not_answer_in_time_is_a_504() -> None:
    async def scene() -> None:
        async with rig(hanging, {"candidate": hanging}) as here:
            client = await here.connect()
            await client.send(GET)
            await until(lambda: here.plant.busy == 2 and bool(here.targets["baseline"].visits))
            await until(lambda: all(pool.target.tally.in_flight() for pool in here.plant.pools))
            here.pass_time(3600)
            answer, _ = await client.answer()
            assert answer.status == 504
            await here.settled()
            assert here.rows.outcomes("baseline") == here.rows.outcomes("candidate") == ["timeout"]
            here.check()

    run(scene)


def test_an_answer_cut_short_is_cut_short_for_the_client_too() -> None:
    async def scene() -> None:
        raw = b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello"
        async with rig(answering(raw, close=True), {}) as here:
            client = await here.connect()
            await client.send(GET)
            received = await client.rest()
            assert received.endswith(b"hello")
            assert b"Content-Length: 50" in received
            assert here.rows.outcomes("baseline") == ["reset"]
            here.check()

    run(scene)


def test_a_client_that_leaves_cancels_its_request_but_not_the_copy() -> None:
    async def scene() -> None:
        async with rig(hanging, {"candidate": answering(OK)}) as here:
            client = await here.connect()
            await client.send(GET)
            await until(lambda: bool(here.plant.lineup.dispatch.baseline.target.tally.in_flight()))
            client.close()
            await until(lambda: here.rows.outcomes("baseline") == ["cancelled"])
            await here.settled()
            assert here.rows.outcomes("candidate") == ["ok"]
            assert here.row.values()["client/gone"] == 1
            here.check()

    run(scene)


def test_a_client_that_leaves_inside_a_body_drops_the_copy() -> None:
    async def scene() -> None:
        async with rig(hanging, {"candidate": answering(OK)}) as here:
            client = await here.connect()
            await client.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhello")
            await until(lambda: here.row.values()["requests"] == 1)
            client.close()
            await until(lambda: bool(here.rows.outcomes("baseline")))
            await here.settled()
            assert here.rows.outcomes("candidate") == ["dropped:client_gone"]
            assert here.rows.requests[0][1:] == (b"hello", 5)
            here.check()

    run(scene)


def test_an_answer_before_the_body_is_sent_reaches_the_client() -> None:
    async def early(visit: Visit) -> None:
        await visit.part()
        await visit.say(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await visit.closed_by_proxy()

    async def scene() -> None:
        async with rig(early, {"candidate": answering(OK)}) as here:
            client = await here.connect()
            await client.send(b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1000)
            answer, _ = await client.answer()
            assert (answer.status, answer.keep_alive) == (413, False)
            await here.settled()
            assert here.rows.outcomes("candidate") == ["dropped:body_incomplete"]
            here.check()

    run(scene)


def test_a_stream_reaches_the_client_piece_by_piece_as_it_comes() -> None:
    gate = asyncio.Event()

    async def streaming(visit: Visit) -> None:
        await visit.request()
        await visit.say(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        await visit.say(b"9\r\ndata: 1\n\n\r\n")
        await gate.wait()
        await visit.say(b"9\r\ndata: 2\n\n\r\n0\r\n\r\n")

    async def scene() -> None:
        async with rig(streaming, {}) as here:
            client = await here.connect()
            await client.send(b"GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: i\r\n\r\n")
            head = (
                b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-Request-Id: i\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n"
            )
            first = b"9\r\ndata: 1\n\n\r\n"
            assert await client.some(len(head + first)) == head + first
            gate.set()
            assert await client.some(14 + 5) == b"9\r\ndata: 2\n\n\r\n0\r\n\r\n"
            await here.settled()
            assert here.rows.exchanges[0].chunks == 2
            assert here.rows.exchanges[0].body == b"data: 1\n\ndata: 2\n\n"

    run(scene)


def test_a_request_body_reaches_the_primary_while_it_still_arrives() -> None:
    async def scene() -> None:
        parts: list[bytes] = []

        async def collecting(visit: Visit) -> None:
            while b"world" not in b"".join(parts):
                parts.append(await visit.part())
            await visit.say(OK)
            await visit.closed_by_proxy()

        async with rig(collecting, {"candidate": answering(OK)}) as here:
            client = await here.connect()
            await client.send(
                b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
            )
            await until(lambda: b"hello" in b"".join(parts))
            assert not here.targets["candidate"].visits
            await client.send(b"5\r\nworld\r\n0\r\n\r\n")
            assert (await client.answer())[1] == b"ok"
            await here.settled()
            assert here.targets["candidate"].seen[0].body == b"helloworld"
            here.check()

    run(scene)


def remaining_s(here: Rig) -> float:
    """What the only client connection has left until its deadline."""
    (connection,) = here.plant.clients.connections
    return (connection.deadline_ns - time.monotonic_ns()) / 1e9


@pytest.mark.parametrize(
    ("sent", "deadline_s", "status"),
    [
        (b"", 75, None),
        (b"GET / HTTP/1.1\r\nHos", 15, 408),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx", 120, 408),
    ],
)
def test_deadlines_of_the_client_are_absolute(sent: bytes, deadline_s: int, status: int | None) -> None:
    async def scene() -> None:
        async with rig(hanging, {"candidate": answering(OK)}) as here:
            client = await here.connect()
            await client.send(sent)
            await until(
                lambda: (
                    bool(here.plant.clients.connections) and deadline_s - 20 < remaining_s(here) <= deadline_s
                )
            )
            if b"POST" in sent:
                await until(lambda: here.account("baseline").connections_opened == 1)
            before = remaining_s(here)
            await client.send(sent[-1:] if status == 408 else b"")
            here.pass_time(before - 1)
            assert len(here.plant.clients.connections) == 1
            here.pass_time(before + 1)
            if status is None:
                assert await client.rest() == b""
            else:
                assert (await client.answer())[0].status == status
            await here.settled()
            here.check()

    run(scene)


def test_a_client_that_does_not_read_pauses_the_target() -> None:
    async def flooding(visit: Visit) -> None:
        await visit.request()
        size = 64 << 20
        await visit.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        await visit.say(b"x" * size)

    async def scene() -> None:
        async with rig(flooding, {}) as here:
            client = await here.connect()
            await client.send(GET)
            await client.some(1000)
            carrying = here.plant.lineup.dispatch.baseline
            for _ in range(2000):
                await asyncio.sleep(0)
            account = here.account("baseline")
            assert account.in_flight == 1
            assert carrying.busy == 1
            client.close()
            await here.settled()
            here.check()

    run(scene)


def test_a_primary_that_does_not_read_holds_the_client_back() -> None:
    gate = asyncio.Event()

    async def deaf(visit: Visit) -> None:
        await visit.part()
        await gate.wait()

    async def scene() -> None:
        async with rig(deaf, {"candidate": answering(OK)}) as here:
            client = await here.connect()
            size = 256 << 20
            client.write(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size)
            for _ in range(64):
                client.write(b"x" * (1 << 20))
            await until(lambda: bool(here.plant.lineup.dispatch.baseline.target.tally.in_flight()))
            for _ in range(3000):
                await asyncio.sleep(0)
            assert client.sends_blocked
            client.close()
            here.plant.close()
            await here.settled()
            assert here.rows.requests[0][2] < 32 << 20
            here.check()
            gate.set()

    run(scene)


def test_connections_over_the_limit_are_refused_at_once() -> None:
    async def scene() -> None:
        async with rig(answering(OK), {}, limits={"client_connections": 1}) as here:
            first = await here.connect()
            await first.send(GET)
            assert (await first.answer())[0].status == 200
            second = await here.connect()
            assert (await second.answer())[0].status == 503
            await first.send(GET)
            assert (await first.answer())[0].status == 200

    run(scene)
