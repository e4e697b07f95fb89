"""Fakes for tests of whatever paces and sends: time in the test's hand, and a target that keeps what arrives.

Knows just enough HTTP/1.1 to cut requests with Content-Length, on purpose not with the parser that the
engine's own packages use. Ships with the engine, so that its users can test with the same.
"""

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


@dataclass(slots=True, kw_only=True)
class HeldClock:
    """A clock that stands still until it is moved."""

    at_ns: int = 0
    origin_ns: int = 0

    def now_ns(self) -> int:
        return self.at_ns


@dataclass(slots=True, kw_only=True)
class HeldAlarm:
    """An alarm that remembers when it should ring; the test rings it."""

    at_monotonic_ns: int | None = None

    def set(self, at_monotonic_ns: int) -> None:
        self.at_monotonic_ns = at_monotonic_ns

    def close(self) -> None:
        self.at_monotonic_ns = None


class MemoryTransport(asyncio.Transport):
    """A transport that keeps what is written; `unsent` is what it says still waits in its buffer."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.aborted = False
        self.unsent = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written.append(bytes(data))

    def abort(self) -> None:
        self.aborted = True

    def is_closing(self) -> bool:
        return self.aborted

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        del high, low

    def get_write_buffer_size(self) -> int:
        return self.unsent


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """One request as it came: its bytes, when its last byte was here, and the connection it came on."""

    raw: bytes
    at_ns: int
    connection: int

    @property
    def body(self) -> bytes:
        """What lies behind the head."""
        return self.raw.partition(b"\r\n\r\n")[2]

    def field(self, name: bytes) -> bytes | None:
        """The first field of that name."""
        match = re.search(rb"\r\n%b: *([^\r]*)\r\n" % re.escape(name), self.raw, re.IGNORECASE)
        return match[1] if match else None


@dataclass(slots=True, kw_only=True)
class RecordingTarget:
    """A server on loopback (at `port`, or at a free one) that keeps every request and gives each the next
    of `answers`, or the last again.

    While `held` nobody gets an answer; `release` gives all that wait theirs. An answer of None closes the
    connection instead.
    """

    answers: list[bytes | None] = field(default_factory=lambda: [OK])
    held: bool = False
    port: int = 0
    arrived: list[Arrived] = field(default_factory=list)
    connections: int = 0
    _waiting: list[Callable[[], None]] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        if self._server is None:
            raise RuntimeError("the target has not been started")
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Inbound(self), "127.0.0.1", self.port, backlog=1024)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()

    async def has(self, count: int) -> None:
        """Wait until so many requests have arrived."""
        while len(self.arrived) < count:
            self._news.clear()
            await self._news.wait()

    def release(self) -> None:
        """Answer what waits, and hold nothing from now on."""
        self.held = False
        waiting, self._waiting = self._waiting, []
        for answer in waiting:
            answer()

    def take(self, raw: bytes, *, connection: int, reply: Callable[[bytes | None], None]) -> None:
        """Keep one request, and answer it when allowed."""
        number = len(self.arrived)
        self.arrived.append(Arrived(raw=raw, at_ns=time.monotonic_ns(), connection=connection))
        self._news.set()
        answer = self.answers[min(number, len(self.answers) - 1)]
        if self.held:
            self._waiting.append(lambda: reply(answer))
        else:
            reply(answer)


class _Inbound(asyncio.Protocol):
    def __init__(self, target: RecordingTarget) -> None:
        self._target = target
        self._buffer = b""
        self._transport: asyncio.WriteTransport | None = None
        self._number = target.connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]  # uvloop's is a transport by its methods only
        self._target.connections += 1

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := _end_of_request(self._buffer)) is not None:
            raw, self._buffer = self._buffer[:end], self._buffer[end:]
            self._target.take(raw, connection=self._number, reply=self._reply)

    def _reply(self, answer: bytes | None) -> None:
        if self._transport is not None and answer is None:
            self._transport.abort()
        elif self._transport is not None and answer is not None:
            self._transport.write(answer)


def _end_of_request(buffer: bytes) -> int | None:
    head_end = buffer.find(b"\r\n\r\n")
    if head_end < 0:
        return None
    length = _LENGTH.search(buffer, 0, head_end + 2)
    end = head_end + 4 + (int(length[1]) if length else 0)
    return end if len(buffer) >= end else None
