"""A model server for the slow tests, as a process that turns bad and good again when it is told to.

    python soak_target.py        # prints its port; then takes behaviours from standard input, one a line

Knows how to misbehave; refuses to know who asks. The path says what a good answer looks like (`answers` in
`soak_messages.py`), so that whoever asks can tell a right answer from a wrong one. Requests are read by
llhttp, not by our own reader. It ends when its standard input does, so it cannot outlive its test.
"""

import asyncio
import socket
import struct
import sys
from collections.abc import Callable, Coroutine

import httptools

from tests.end_to_end.soak_messages import answer_bytes, answer_pieces

SLOW_S = 0.3
DRIP_S = 1.0
PIECE = bytes(1 << 16)
FLOOD_BYTES = 8 << 20
ENDLESS_BYTES = 1 << 40


class Visit(asyncio.Protocol):
    """One connection."""

    def __init__(self, target: "Target") -> None:
        self.target = target
        self.transport: asyncio.Transport | None = None
        self.resumed = asyncio.Event()
        self._parser = httptools.HttpRequestParser(self)
        self._path, self._id, self._body = b"", b"", bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is here."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.target.visits.add(self)
        self.resumed.set()

    def connection_lost(self, error: Exception | None) -> None:
        """It is gone."""
        del error
        self.transport = None
        self.resumed.set()
        self.target.visits.discard(self)

    def data_received(self, received: bytes) -> None:
        """A part of a request."""
        self._parser.feed_data(received)

    def pause_writing(self) -> None:
        """The proxy reads more slowly than we write."""
        self.resumed.clear()

    def resume_writing(self) -> None:
        """It caught up."""
        self.resumed.set()

    def on_message_begin(self) -> None:
        """A new request."""
        self._path, self._id, self._body = b"", b"", bytearray()

    def on_url(self, part: bytes) -> None:
        """Its target."""
        self._path += part

    def on_header(self, name: bytes, value: bytes) -> None:
        """A field of it."""
        if name.lower() == b"x-request-id":
            self._id = value

    def on_body(self, piece: bytes) -> None:
        """A piece of it."""
        self._body += piece

    def on_message_complete(self) -> None:
        """Do with it what we do at the moment."""
        BEHAVIOURS[self.target.mode](self)

    def good_answer(self) -> bytes:
        """What a good server says."""
        return answer_bytes(self._path.decode(), request_id=self._id, body=bytes(self._body))

    def good_pieces(self) -> list[bytes]:
        """The same in pieces, as a stream has them."""
        return answer_pieces(self._path.decode(), request_id=self._id, body=bytes(self._body))

    def write(self, answered: bytes) -> None:
        """Send, if anybody is there."""
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(answered)

    def reset(self) -> None:
        """RST instead of FIN."""
        if self.transport is not None:
            sock: socket.socket = self.transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.transport.abort()


def ok(visit: Visit) -> None:
    """The right answer; a stream comes piece by piece."""
    for piece in visit.good_pieces():
        visit.write(piece)


def hang(visit: Visit) -> None:
    """Never answers."""
    del visit


def slow(visit: Visit) -> None:
    """Right, and late."""
    asyncio.get_running_loop().call_later(SLOW_S, ok, visit)


def reset(visit: Visit) -> None:
    """Resets when a request is complete."""
    visit.reset()


def cut(visit: Visit) -> None:
    """Half of the answer, then a reset."""
    answer = visit.good_answer()
    visit.write(answer[: len(answer) // 2])
    asyncio.get_running_loop().call_later(SLOW_S / 10, visit.reset)  # let the half get there first


def half_close(visit: Visit) -> None:
    """Half of the answer, then FIN, and goes on listening."""
    answer = visit.good_answer()
    visit.write(answer[: len(answer) // 2])
    if visit.transport is not None and not visit.transport.is_closing():
        visit.transport.write_eof()


def garbage(visit: Visit) -> None:
    """Not HTTP."""
    visit.write(b"\x00\xff\xfe nothing of the kind\r\n\r\n")


def drip(visit: Visit) -> None:
    """One byte a second."""
    visit.target.spawn(_drip(visit))


def flood(visit: Visit) -> None:
    """Eight megabytes to every question."""
    visit.target.spawn(_pour(visit, FLOOD_BYTES))


def endless(visit: Visit) -> None:
    """More than anybody can read."""
    visit.target.spawn(_pour(visit, ENDLESS_BYTES))


async def _drip(visit: Visit) -> None:
    for byte in visit.good_answer():
        if visit.transport is None:
            return
        visit.write(bytes([byte]))
        await asyncio.sleep(DRIP_S)


async def _pour(visit: Visit, size: int) -> None:
    visit.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
    for _ in range(size // len(PIECE)):
        await visit.resumed.wait()
        await asyncio.sleep(0)  # the others want their turn
        if visit.transport is None:
            return
        visit.write(PIECE)


BEHAVIOURS: dict[str, Callable[[Visit], None]] = {
    "ok": ok, "hang": hang, "slow": slow, "reset": reset, "cut": cut, "half_close": half_close,
    "garbage": garbage, "drip": drip, "flood": flood, "endless": endless,
    "refuse": hang,  # nobody listens; see `Target.turn`
}  # fmt: skip


class Target:
    """The server, its connections and what it does at the moment."""

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self.mode = "ok"
        self.visits: set[Visit] = set()
        self.ended = asyncio.Event()
        self._tasks = tasks
        self._port = 0
        self._server: asyncio.Server | None = None

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        """A task of ours."""
        self._tasks.create_task(work)

    async def listen(self) -> int:
        """Open the port, the same as before if there was one; the port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Visit(self), "127.0.0.1", self._port)
        self._port = int(self._server.sockets[0].getsockname()[1])
        return self._port

    async def turn(self, mode: str) -> None:
        """Behave otherwise from the next request on."""
        before, self.mode = self.mode, mode
        if mode == "refuse" and self._server is not None:
            self._server.close()
        if mode in {"refuse", "ok"} and before != mode:
            for visit in tuple(self.visits):
                visit.reset()
        if before == "refuse" and mode != "refuse":
            await self.listen()


async def main() -> None:
    """Serve until standard input ends."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with asyncio.TaskGroup() as tasks:
        target = Target(tasks)
        print(await target.listen(), flush=True)
        async for line in reader:
            await target.turn(line.decode().strip())
            print(target.mode, flush=True)
        for visit in tuple(target.visits):
            visit.reset()


if __name__ == "__main__":
    asyncio.run(main())
