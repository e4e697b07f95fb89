"""A proxy in the test's own event loop, between a raw client and targets that do what a test says.

Knows how to put a `Plant` between real sockets on loopback, and targets that answer, hang, reset or babble;
refuses to know what a test wants to see. Nothing here sleeps: `until` lets the loop turn until a condition
holds, and deadlines are moved by handing the sweep a later time.
"""

import asyncio
import os
import socket
import ssl
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from recording.clock import RunClock
from scenarios.timeline import Timeline
from shadow_proxy.account_document import accounts
from shadow_proxy.accounting import TargetAccount, layout
from shadow_proxy.config import ProxyConfig
from shadow_proxy.counters import CounterRow
from shadow_proxy.deadlines import in_ns
from shadow_proxy.kept_rows import KeptRows
from shadow_proxy.plant import Ground, Plant
from shadow_proxy.rows import Rows
from wire.request_reader import RequestHead, RequestReader
from wire.response_reader import ResponseReader

PATIENCE_S = 10.0
READ_BYTES = 1 << 16


async def until(holds: Callable[[], bool]) -> None:
    """Let the loop turn until it holds; TimeoutError if it never does."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110  # a condition over several objects has no event of its own
            await asyncio.sleep(0)


@dataclass(slots=True, kw_only=True)
class SeenRequest:
    """One request as a target received it."""

    head: RequestHead
    body: bytes = b""
    complete: bool = False


class _Collected:
    """Sink of a target's reader."""

    def __init__(self, seen: list[SeenRequest]) -> None:
        self._seen = seen

    def on_request(self, head: RequestHead) -> None:
        self._seen.append(SeenRequest(head=head))

    def on_request_body(self, piece: bytes) -> None:
        self._seen[-1].body += piece

    def on_request_end(self) -> None:
        self._seen[-1].complete = True


Behaviour = Callable[["Visit"], Awaitable[None]]


class Visit:
    """One connection that a target accepted: what a behaviour works with."""

    def __init__(
        self, target: "FakeTarget", reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.target = target
        self._reader = reader
        self._writer = writer
        self._requests = RequestReader(_Collected(target.seen), max_head_bytes=1 << 20)

    async def request(self) -> SeenRequest | None:
        """Read one request to its end; None if the proxy closed instead."""
        before = sum(one.complete for one in self.target.seen)
        while sum(one.complete for one in self.target.seen) == before:
            received = await self._reader.read(READ_BYTES)
            if not received:
                return None
            self._requests.feed(received)
        return self.target.seen[-1]

    async def part(self) -> bytes:
        """Read whatever comes next."""
        return await self._reader.read(READ_BYTES)

    async def say(self, answered: bytes, *, bytewise: bool = False) -> None:
        """Write an answer, whole or byte by byte."""
        await _send(self._writer, answered, bytewise=bytewise)

    async def closed_by_proxy(self) -> None:
        """Wait until the proxy gives up."""
        with suppress(ConnectionError):
            while await self._reader.read(READ_BYTES):
                pass

    @property
    def socket(self) -> "socket.socket":
        """The connection's own."""
        own: socket.socket = self._writer.get_extra_info("socket")
        return own

    def reset(self) -> None:
        """Close with RST instead of FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


def answering(answer: bytes, *, bytewise: bool = False, close: bool = False) -> Behaviour:
    """Answers every request with the same bytes."""

    async def behave(visit: Visit) -> None:
        while await visit.request() is not None:
            await visit.say(answer, bytewise=bytewise)
            if close:
                return

    return behave


async def hanging(visit: Visit) -> None:
    """Accepts, reads, never answers."""
    await visit.closed_by_proxy()


async def resetting(visit: Visit) -> None:
    """Resets the connection when a request comes."""
    await visit.part()
    visit.reset()


async def babbling(visit: Visit) -> None:
    """Answers with what is not HTTP."""
    await visit.part()
    await visit.say(b"\x00\xff\xfe nothing of the kind\r\n\r\n")
    await visit.closed_by_proxy()


class FakeTarget:
    """A server on loopback with one behaviour; `seen` are its requests. Behaviour None: nobody listens."""

    def __init__(self, behaviour: Behaviour | None, *, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.seen: list[SeenRequest] = []
        self.visits = 0
        self._behaviour = behaviour
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._closed: socket.socket | None = None

    async def start(self) -> str:
        """Its URL."""
        if self._behaviour is None:
            self._closed = socket.socket()  # bound and not listening: connections are refused
            self._closed.bind(("127.0.0.1", 0))
            return f"http://127.0.0.1:{self._closed.getsockname()[1]}"
        self._server = await asyncio.start_server(self._visited, "127.0.0.1", 0, ssl=self._tls)
        scheme = "http" if self._tls is None else "https"
        return f"{scheme}://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        """End it and whoever is connected."""
        if self._closed is not None:
            self._closed.close()
        if self._server is not None:
            self._server.close()
            for writer in tuple(self._writers):
                writer.transport.abort()
            await until(lambda: not self._writers)

    async def _visited(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1
        self._writers.add(writer)
        try:
            if self._behaviour is not None:
                await self._behaviour(Visit(self, reader, writer))
        except ConnectionError:
            writer.transport.abort()  # the proxy may go whenever it wants
        finally:
            self._writers.discard(writer)
            writer.close()


class RawClient:
    """A connection to the proxy that sends bytes and reads answers."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._received = b""

    async def send(self, sent: bytes, *, bytewise: bool = False) -> None:
        """Write, whole or byte by byte."""
        await _send(self._writer, sent, bytewise=bytewise)

    async def answer(self, *, no_body: bool = False) -> tuple[ResponseReader, bytes]:
        """The next answer, read to its end, and its body."""
        reader = ResponseReader()
        reader.start(no_body=no_body)
        pieces: list[bytes] = []
        async with asyncio.timeout(PATIENCE_S):
            while not reader.complete:
                received = self._received or await self._reader.read(READ_BYTES)
                self._received = b""
                if not received:
                    reader.feed_eof()
                    break
                self._received = _fed_one(reader, received)
        pieces += reader.take_pieces()
        return reader, b"".join(pieces)

    async def some(self, size: int) -> bytes:
        """Exactly so many bytes."""
        async with asyncio.timeout(PATIENCE_S):
            missing = size - len(self._received)
            received = self._received + (await self._reader.readexactly(missing) if missing > 0 else b"")
        self._received = received[size:]
        return received[:size]

    async def rest(self) -> bytes:
        """Everything until the proxy closes."""
        received = self._received
        async with asyncio.timeout(PATIENCE_S):
            with suppress(ConnectionError):
                while more := await self._reader.read(READ_BYTES):
                    received += more
        self._received = b""
        return received

    def close(self) -> None:
        """Go away."""
        self._writer.close()

    @property
    def sends_blocked(self) -> bool:
        """Whether what was written waits in the client, because the proxy does not read."""
        return bool(self._writer.transport.get_write_buffer_size())

    def push(self, sent: bytes) -> None:
        """Send a few bytes before anything else happens in this loop."""
        own: socket.socket = self._writer.get_extra_info("socket")
        os.write(own.fileno(), sent)

    def write(self, sent: bytes) -> None:
        """Write without waiting for it to be read."""
        self._writer.write(sent)


class Rig:
    """A plant, its targets by name, and what it recorded."""

    def __init__(
        self, config: ProxyConfig, *, plant: Plant, row: CounterRow, rows: KeptRows, port: int
    ) -> None:
        self.config = config
        self.plant = plant
        self.row = row
        self.rows = rows
        self.port = port
        self.targets: dict[str, FakeTarget] = {}
        self.ground: Ground

    async def connect(self) -> RawClient:
        """A new client connection."""
        return RawClient(*await asyncio.open_connection("127.0.0.1", self.port))

    async def ask(self, sent: bytes, *, bytewise: bool = False) -> tuple[ResponseReader, bytes]:
        """One request on a connection of its own."""
        client = await self.connect()
        await client.send(sent, bytewise=bytewise)
        answer = await client.answer(no_body=sent.startswith(b"HEAD "))
        client.close()
        return answer

    async def settled(self) -> None:
        """Until nothing is under way."""
        await until(lambda: not self.plant.busy)

    def account(self, target: str) -> TargetAccount:
        """One target's account as it is now."""
        return accounts(self.row.values(), self.config.targets)[target]

    def check(self) -> None:
        """Every identity of every account, and that what is counted in flight is what is there."""
        by_target = accounts(self.row.values(), self.config.targets)
        assert not [problem for name, one in by_target.items() for problem in one.problems(name)]
        for name, account in by_target.items():
            pools = [pool for pool in self.plant.lineup.pools if pool.target.config.name == name]
            busy = sum(pool.busy for pool in pools)
            assert account.in_flight <= busy <= account.in_flight + max(account.undecided, 0)

    def pass_time(self, seconds: float) -> None:
        """Let the deadlines believe that so much time has gone by."""
        self.plant.sweep.look(time.monotonic_ns() + in_ns(seconds))


@asynccontextmanager
async def rig(
    primary: Behaviour | None,
    shadows: Mapping[str, Behaviour | None] | None = None,
    *,
    timeline: Timeline | None = None,
    fault_ids: Sequence[str] = (),
    of_targets: Mapping[str, Mapping[str, object]] | None = None,
    rows: Rows | None = None,
    tls: Mapping[str, ssl.SSLContext] | None = None,
    **settings: object,
) -> AsyncIterator[Rig]:
    """A proxy on a loopback port in front of these targets.

    `settings` are fields of `ProxyConfig`, `of_targets` fields of a target's configuration by its name,
    `tls` the contexts of targets that speak it.
    """
    fakes = {
        name: FakeTarget(behaviour, tls=(tls or {}).get(name))
        for name, behaviour in {"baseline": primary, **(shadows or {})}.items()
    }
    targets = await _started(fakes, of_targets or {})
    config = ProxyConfig.model_validate({"targets": targets, **settings})
    row = CounterRow.private(layout(targets=fakes, faults=fault_ids))
    kept = KeptRows()
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as tasks:
        ground = Ground(
            loop=loop,
            spawn=tasks.create_task,
            clock=RunClock.standalone(),
            row=row,
            rows=rows or kept,
            timeline=timeline,
        )
        plant = Plant(config, ground)
        await plant.resolve()
        server = await loop.create_server(plant.clients.new_connection, "127.0.0.1", 0)
        built = Rig(config, plant=plant, row=row, rows=kept, port=server.sockets[0].getsockname()[1])
        built.targets = fakes
        built.ground = ground
        try:
            yield built
        finally:
            server.close()
            plant.close()
            for fake in fakes.values():
                await fake.stop()


async def _started(
    fakes: Mapping[str, FakeTarget], of_targets: Mapping[str, Mapping[str, object]]
) -> list[dict[str, object]]:
    """The targets' configurations, once they listen."""
    roles = {name: "baseline" if name == "baseline" else "candidate" for name in fakes}
    return [
        {"name": name, "role": roles[name], "url": await fake.start(), **of_targets.get(name, {})}
        for name, fake in fakes.items()
    ]


def _fed_one(reader: ResponseReader, received: bytes) -> bytes:
    """Feed byte by byte near the end of a message, so that the start of the next one is not lost."""
    if reader.status and reader.content_length - reader.body_bytes > len(received):
        reader.feed(received)
        return b""
    for at in range(len(received)):
        reader.feed(received[at : at + 1])
        if reader.complete:
            return received[at + 1 :]
    return b""


async def _send(writer: asyncio.StreamWriter, sent: bytes, *, bytewise: bool) -> None:
    step = 1 if bytewise else max(len(sent), 1)
    for at in range(0, len(sent), step):
        writer.write(sent[at : at + step])
        await writer.drain()
        if bytewise:
            await asyncio.sleep(0)
