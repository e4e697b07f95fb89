"""Rows J of the byte table: limits are exact, deadlines absolute, slow and greedy peers cost a bounded price.

J08 and J14 are in `test_client.py`.
"""

import asyncio
import gzip
import time
from collections.abc import Awaitable, Callable

import pytest

from shadow_proxy.testing import Behaviour, Rig, Visit, answering, hanging, rig, until
from tests.shadow_proxy.byte_table.requests import BY_NAME
from tests.shadow_proxy.byte_table.watching import TURNS, watched
from wire.chunked import MAX_LINE_BYTES, ChunkedDecoder
from wire.errors import WireError
from wire.request_reader import RequestHead, RequestReader

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
GET = b"GET / HTTP/1.1\r\nHost: a\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
BOTH = pytest.mark.parametrize("bytewise", [False, True], ids=["whole", "bytewise"])
NEAR = pytest.mark.parametrize("extra", [-1, 0, 1], ids=["under", "at", "over"])
LIMITS = {
    "target_bytes": 100, "head_bytes": 500, "head_fields": 10, "request_body_bytes": 300,
    "answer_head_bytes": 200, "answer_fields": 5,
}  # fmt: skip


def run(scene: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scene(), 60))


async def turns() -> None:
    """Let everybody read what lies in their sockets."""
    for _ in range(TURNS):
        await asyncio.sleep(0)


def of_target(size: int) -> bytes:
    return b"GET /" + b"t" * (size - 1) + b" HTTP/1.1\r\nHost: a\r\n\r\n"


def of_head(size: int) -> bytes:
    start = GET + b"X: "
    return start + b"v" * (size - len(start) - 4) + b"\r\n\r\n"


def of_fields(number: int) -> bytes:
    return GET + b"".join(b"X-%d: v\r\n" % at for at in range(1, number)) + b"\r\n"


def of_body(size: int) -> bytes:
    return POST + b"Content-Length: %d\r\n\r\n" % size + b"b" * size


def of_chunks(size: int) -> bytes:
    return CHUNKED + b"9\r\nbbbbbbbbb\r\n" + b"%x\r\n%b\r\n0\r\n\r\n" % (size - 9, b"b" * (size - 9))


SIZES: dict[str, tuple[str, Callable[[int], bytes], int]] = {
    "target": ("target_bytes", of_target, 414),
    "head": ("head_bytes", of_head, 431),
    "fields": ("head_fields", of_fields, 431),
    "length": ("request_body_bytes", of_body, 413),
    "chunks": ("request_body_bytes", of_chunks, 413),
}


@BOTH
@NEAR
@pytest.mark.parametrize("name", SIZES)
def test_j01_j02_a_limit_on_a_request_is_exact(name: str, extra: int, bytewise: bool) -> None:
    limit, made, status = SIZES[name]

    async def scene() -> None:
        async with rig(answering(OK), {"candidate": answering(OK)}, limits=LIMITS) as here:
            answer, _ = await here.ask(made(LIMITS[limit] + extra), bytewise=bytewise)
            assert answer.status == (status if extra > 0 else 200)
            await here.settled()
            arms = here.targets.values()
            assert [sum(one.complete for one in arm.seen) for arm in arms] == [extra <= 0] * 2
            here.check()

    run(scene)


def answer_of_head(size: int) -> bytes:
    start = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX: "
    return start + b"v" * (size - len(start) - 4) + b"\r\n\r\nok"


def answer_of_fields(number: int) -> bytes:
    more = b"".join(b"X-%d: v\r\n" % at for at in range(1, number))
    return b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + more + b"\r\nok"


ANSWER_SIZES: dict[str, tuple[str, Callable[[int], bytes]]] = {
    "head": ("answer_head_bytes", answer_of_head),
    "fields": ("answer_fields", answer_of_fields),
}


@BOTH
@NEAR
@pytest.mark.parametrize("name", ANSWER_SIZES)
def test_j01_j02_a_limit_on_an_answer_is_exact(name: str, extra: int, bytewise: bool) -> None:
    limit, made = ANSWER_SIZES[name]
    said = answering(made(LIMITS[limit] + extra), bytewise=bytewise)

    async def scene() -> None:
        async with rig(said, {"candidate": said}, limits=LIMITS) as here:
            answer, _ = await here.ask(GET + b"\r\n")
            assert answer.status == (502 if extra > 0 else 200)
            await here.settled()
            expected = ["protocol_error" if extra > 0 else "ok"]
            assert here.rows.outcomes("baseline") == here.rows.outcomes("candidate") == expected
            here.check()

    run(scene)


class _Deaf:
    """A sink that wants nothing."""

    def on_request(self, head: RequestHead) -> None:
        """Ignore it."""

    def on_request_body(self, piece: bytes) -> None:
        """Ignore it."""

    def on_request_end(self) -> None:
        """Ignore it."""


@pytest.mark.parametrize(("name", "limit_bytes"), [("A26", 65536), ("C23", 65536), ("F23", MAX_LINE_BYTES)])
def test_j02_what_has_no_end_is_refused_within_its_limit_byte_by_byte(name: str, limit_bytes: int) -> None:
    assert taken_before_refusal(BY_NAME[name].sent) <= limit_bytes + len(CHUNKED)


def taken_before_refusal(raw: bytes) -> int:
    reader = RequestReader(_Deaf())
    for at in range(len(raw)):
        try:
            reader.feed(raw[at : at + 1])
        except WireError:
            return at
    raise AssertionError("it was taken whole")


FRAGMENT = b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r"


def test_j03_every_beginning_of_a_request_waits_and_ends_with_the_deadline_for_heads() -> None:
    async def scene() -> None:
        async with rig(answering(OK), {"candidate": answering(OK)}) as here:
            clients = [await here.connect() for _ in FRAGMENT]
            for size, client in enumerate(clients, start=1):
                await client.send(FRAGMENT[:size])
            head_s = here.config.deadlines.client_head_s
            await until(lambda: all(one <= head_s for one in remaining_s(here)) and bool(remaining_s(here)))
            assert len(remaining_s(here)) == len(FRAGMENT)
            here.pass_time(min(remaining_s(here)) - 1)
            assert here.row.values()["client/refused_requests"] == 0
            here.pass_time(head_s + 1)
            for client in clients:
                answer, _ = await client.answer()
                assert (answer.status, answer.keep_alive) == (408, False)
            assert not here.targets["baseline"].visits

    run(scene)


def remaining_s(here: Rig) -> list[float]:
    """What each client connection has left until its deadline."""
    now_ns = time.monotonic_ns()
    return [(one.deadline_ns - now_ns) / 1e9 for one in here.plant.clients.connections]


@pytest.mark.parametrize(("fields", "status"), [(100, 200), (128, 200), (129, 431), (1000, 431)])
def test_j04_the_number_of_fields_is_limited(fields: int, status: int) -> None:
    async def scene() -> None:
        async with watched() as there:
            answer, _ = await there.here.ask(of_fields(fields))
            assert answer.status == status
            assert len(there.baseline.whole) == (status == 200)

    run(scene)


def test_j04_many_small_lines_are_limited_in_their_sum() -> None:
    async def scene() -> None:
        raw = GET + b"".join(b"X-%d: %b\r\n" % (at, b"v" * 700) for at in range(100)) + b"\r\n"
        async with rig(answering(OK), {}) as here:
            client = await here.connect()
            await client.send(raw)
            assert (await client.answer())[0].status == 431

    run(scene)


@pytest.mark.parametrize(
    ("start", "more", "deadline"),
    [
        (POST, b"X-%d: y\r\n", "client_head_s"),
        (POST + b"Content-Length: 100000\r\n\r\n", b"%d", "client_body_s"),
        (CHUNKED, b"1\r\n%d\r\n", "client_body_s"),
    ],
    ids=["J05", "J06", "J06 in chunks"],
)
def test_j05_j06_a_client_that_drips_is_ended_by_the_absolute_deadline(
    start: bytes, more: bytes, deadline: str
) -> None:
    async def scene() -> None:
        async with rig(hanging, {"candidate": answering(OK)}) as here:
            deadline_s: float = getattr(here.config.deadlines, deadline)
            client = await here.connect()
            await client.send(start)
            await until(
                lambda: len(remaining_s(here)) > 0 and deadline_s - 5 < remaining_s(here)[0] < deadline_s
            )
            (connection,) = here.plant.clients.connections
            ends_ns = connection.deadline_ns
            for number in range(8):
                await client.send(more % number)
                await turns()
                assert connection.deadline_ns == ends_ns
                here.pass_time(deadline_s * number / 9)
            here.pass_time(deadline_s)
            answer, _ = await client.answer()
            assert (answer.status, answer.keep_alive) == (408, False)
            await here.settled()
            assert not here.targets["candidate"].visits
            here.check()

    run(scene)


def test_j07_a_client_that_says_nothing_is_closed_at_the_idle_deadline() -> None:
    async def scene() -> None:
        async with rig(answering(OK), {}) as here:
            client = await here.connect()
            await until(lambda: len(here.plant.clients.connections) == 1)
            here.pass_time(here.config.deadlines.client_idle_s - 1)
            assert len(here.plant.clients.connections) == 1
            here.pass_time(here.config.deadlines.client_idle_s)
            assert await client.rest() == b""

    run(scene)


def test_j09_a_pipeline_is_not_read_on_while_its_first_request_waits() -> None:
    async def scene() -> None:
        async with rig(hanging, {}) as here:
            client = await here.connect()
            request = BY_NAME["A01"].sent
            client.write(request * (64 << 20 >> 5))
            await until(lambda: here.account("baseline").in_flight == 1)
            for _ in range(300):
                await asyncio.sleep(0)
            assert client.sends_blocked
            assert here.row.values()["requests"] == 1
            here.plant.close()
            await here.settled()
            read_bytes = here.row.values()["client/unserved"] * len(request)
            assert 0 < read_bytes <= 2 << 18  # one read of the event loop, or two
            here.check()
            client.close()

    run(scene)


def flooding(sent: list[int]) -> Behaviour:
    """Answers with what has no end, and says how much of it was taken."""

    async def behave(visit: Visit) -> None:
        await visit.request()
        await visit.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        piece = b"10000\r\n%b\r\n" % (b"x" * 65536)
        while True:
            await visit.say(piece)
            sent.append(65536)

    return behave


async def quiet(sent: list[int]) -> int:
    """Turn until nothing more is taken; how much was."""
    before = -1
    while len(sent) != before:
        before = len(sent)
        for _ in range(300):
            await asyncio.sleep(0)
    return sum(sent)


def test_j10_a_client_that_does_not_read_stops_the_upstream_and_ends_at_the_total_deadline() -> None:
    async def scene() -> None:
        sent: list[int] = []
        async with rig(flooding(sent), {}) as here:
            client = await here.connect()
            await client.send(GET + b"\r\n")
            await until(lambda: len(sent) > 1)
            assert await quiet(sent) < 64 << 20
            assert here.account("baseline").in_flight == 1
            here.pass_time(here.config.deadlines.total_s + 1)
            await here.settled()
            assert here.rows.outcomes("baseline") == ["timeout"]
            here.check()
            client.close()

    run(scene)


@pytest.mark.parametrize("step", [1 << 20, 4096], ids=["whole", "by pages"])
def test_j11_a_body_of_tiny_chunks_costs_in_proportion_to_its_length(step: int) -> None:
    def cost_s(chunks: int) -> float:
        raw = b"1\r\nx\r\n" * chunks + b"0\r\n\r\n"
        decoder = ChunkedDecoder(status=400)
        pieces: list[bytes] = []
        begun_s = time.process_time()
        for at in range(0, len(raw), step):
            decoder.feed(raw[at : at + step], pieces)
        spent_s = time.process_time() - begun_s
        assert decoder.complete
        assert sum(map(len, pieces)) == chunks
        return spent_s

    small_s, large_s = (min(cost_s(chunks) for _ in range(3)) for chunks in (10_000, 80_000))
    assert large_s < 32 * small_s  # 8 if linear, 64 if quadratic


def test_j12_what_is_compressed_passes_as_it_is_both_ways() -> None:
    async def scene() -> None:
        packed = gzip.compress(bytes(20 << 20), mtime=0)
        framed = b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (len(packed), packed)
        said = answering(b"HTTP/1.1 200 OK\r\n" + framed)
        async with rig(said, {"candidate": said}) as here:
            answer, body = await here.ask(POST + framed)
            assert (b"Content-Encoding", b"gzip") in answer.fields
            assert body == packed
            await here.settled()
            assert [arm.seen[0].body for arm in here.targets.values()] == [packed] * 2
            assert all(b"Content-Encoding: gzip" in arm.seen[0].head.lines for arm in here.targets.values())
            assert [one.body for one in here.rows.exchanges] == [packed] * 2

    run(scene)


@pytest.mark.parametrize("expects", [b"", b"Expect: 100-continue\r\n"], ids=["at once", "expecting"])
def test_j13_a_length_over_the_limit_is_refused_before_any_body_comes(expects: bytes) -> None:
    async def scene() -> None:
        async with rig(answering(OK), {"candidate": answering(OK)}) as here:
            client = await here.connect()
            await client.send(POST + expects + b"Content-Length: 999999999\r\n\r\n")
            answer, _ = await client.answer()
            assert (answer.status, answer.interim, answer.keep_alive) == (413, [], False)
            assert not any(target.visits for target in here.targets.values())

    run(scene)


def test_j15_an_answer_without_end_ends_at_the_total_deadline_for_both_arms() -> None:
    async def scene() -> None:
        sent: list[int] = []
        kept = 1 << 20
        limits = {"recorded_answer_bytes": kept}
        async with rig(flooding(sent), {"candidate": flooding(sent)}, limits=limits) as here:
            client = await here.connect()
            await client.send(GET + b"\r\n")
            await until(lambda: sum(sent) > 8 << 20)
            here.pass_time(here.config.deadlines.total_s + 1)
            await here.settled()
            assert here.rows.outcomes("baseline") == here.rows.outcomes("candidate") == ["timeout"]
            assert all(len(one.body) <= kept for one in here.rows.exchanges)
            here.check()
            client.close()

    run(scene)
