"""Targets that nginx cannot play: one that reads whole bodies, streams of events, and every bad shadow.

Knows just enough HTTP to find a request's end (Content-Length); refuses to know who asks. Run as a process,
`python -m benchmarks.proxy.targets BEHAVIOUR PORT`; a behaviour is a function in the table at the end.
"""

import argparse
import asyncio
import re
import signal
import socket
import struct
from collections.abc import Callable
from typing import Final, cast

import uvloop

from benchmarks.proxy.nginx import ANSWER

LATE_S: Final = 30.0
DRIP_S: Final = 1.0
FLOOD_BYTES: Final = 1 << 30
FLOOD_TOTAL_BYTES: Final = 64 << 30
GULP: Final = bytes(1 << 18)
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_OK: Final = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
_USUAL: Final = _OK % len(ANSWER) + ANSWER.encode()
_STREAM: Final = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_EVENT: Final = b"data: now\n\n"
_NEVER_LINGER: Final = struct.pack("ii", 1, 0)
Behaviour = Callable[["Target"], None]


class Target(asyncio.Protocol):
    """One connection: reads a request to its end, then behaves."""

    transport: asyncio.Transport

    def __init__(self, behave: Behaviour, *, greet: Behaviour | None, streams: set["Target"]) -> None:
        self.streams = streams
        self.owed_bytes = 0
        self._behave = behave
        self._greet = greet
        self._head = bytearray()
        self._body_bytes = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Accepted."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is one by its methods only
        if self._greet is not None:
            self._greet(self)

    def data_received(self, data: bytes) -> None:
        """Count it, or look for the head's end in it."""
        if self._body_bytes < 0:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            length = _LENGTH.search(self._head, 0, end)
            self._body_bytes = int(length[1]) if length else 0
            data = bytes(self._head[end + 4 :])
            self._head.clear()
        self._body_bytes -= len(data)
        if self._body_bytes <= 0:
            self._body_bytes = -1
            self._behave(self)

    def connection_lost(self, _: Exception | None) -> None:
        """Nobody is there any more."""
        self.owed_bytes = 0
        self.streams.discard(self)

    def resume_writing(self) -> None:
        """There is room again: what is owed goes on."""
        flow(self)

    def reset(self) -> None:
        """End it as a crash would."""
        raw = self.transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NEVER_LINGER)
        self.transport.abort()


class Flooded:
    """How much all floods together have sent."""

    sent_bytes = 0


def answer(target: Target) -> None:
    """As it should be."""
    target.transport.write(_USUAL)


def answer_late(target: Target) -> None:
    """After half a minute."""
    asyncio.get_running_loop().call_later(LATE_S, answer, target)


def garbage(target: Target) -> None:
    """Not HTTP."""
    target.transport.write(b"\x16\x03\x01 this is not HTTP \xff\xfe\r\n\r\n" * 4)
    target.transport.close()


def flood(target: Target) -> None:
    """A gigabyte, as fast as it is taken."""
    target.transport.write(_OK % FLOOD_BYTES)
    target.owed_bytes = FLOOD_BYTES
    flow(target)


def flow(target: Target) -> None:
    """What is owed, until the transport has enough for now."""
    transport = target.transport
    _, high = transport.get_write_buffer_limits()
    while target.owed_bytes > 0 and transport.get_write_buffer_size() <= high:
        if Flooded.sent_bytes >= FLOOD_TOTAL_BYTES:
            target.reset()
            return
        transport.write(GULP)
        target.owed_bytes -= len(GULP)
        Flooded.sent_bytes += len(GULP)


def reset_in_body(target: Target) -> None:
    """A tenth of the answer, then a reset."""
    target.transport.write(_OK % 10_000 + bytes(1000))
    asyncio.get_running_loop().call_later(0.005, target.reset)


def drip(target: Target) -> None:
    """One byte a second."""
    target.transport.write(_OK % 10_000)
    _drop(target)


def _drop(target: Target) -> None:
    if not target.transport.is_closing():
        target.transport.write(b"x")
        asyncio.get_running_loop().call_later(DRIP_S, _drop, target)


def stream(target: Target) -> None:
    """Events, one for every SIGUSR1; the first at once."""
    target.transport.write(_STREAM)
    target.streams.add(target)
    emit(target)


def emit(target: Target) -> None:
    """One event."""
    target.transport.write(b"%x\r\n%b\r\n" % (len(_EVENT), _EVENT))


def emit_to_all(streams: set[Target]) -> None:
    """One event each."""
    for target in tuple(streams):
        emit(target)


BEHAVIOURS: Final[dict[str, Behaviour]] = {
    "answer": answer,
    "answer_late": answer_late,
    "garbage": garbage,
    "flood": flood,
    "reset_in_body": reset_in_body,
    "drip": drip,
    "stream": stream,
    "reset_at_once": Target.reset,
}
AT_ONCE: Final = frozenset({"reset_at_once"})


async def serve(behaviour: str, port: int) -> None:
    """Until killed."""
    loop = asyncio.get_running_loop()
    streams: set[Target] = set()
    loop.add_signal_handler(signal.SIGUSR1, emit_to_all, streams)
    behave = BEHAVIOURS[behaviour]
    greet = behave if behaviour in AT_ONCE else None
    await loop.create_server(
        lambda: Target(behave, greet=greet, streams=streams), "127.0.0.1", port, backlog=4096
    )
    await asyncio.Event().wait()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("behaviour", choices=BEHAVIOURS)
    parser.add_argument("port", type=int)
    given = parser.parse_args()
    uvloop.run(serve(given.behaviour, given.port))


if __name__ == "__main__":
    main()
