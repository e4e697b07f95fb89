"""One connection to the target, one exchange at a time.

Knows the socket's callbacks and when an answer is complete; refuses to know schedules, pools and rows. The
sender gives it a flight and the bytes, and is told once how it ended: `ended(connection, flight, outcome)`.

The bytes leave inside `send`: the write buffer's limit is zero, with which uvloop writes at once instead of
at the end of the loop's turn, so the instant called sent is the instant of the system call.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from recording.exchange import NEVER, Outcome
from replay.pacer import Clock
from wire.errors import WireError
from wire.response_reader import ResponseReader

MOST_CHUNK_INSTANTS = 512
_FIRST_ERROR_STATUS = 400


@dataclass(slots=True, kw_only=True, eq=False)
class Flight:
    """A request on its way and what has come back so far; instants on the run's clock, -1 for never."""

    index: int
    request_id: bytes
    due_ns: int
    sent_ns: int
    request_bytes: int
    no_body: bool
    first_byte_ns: int = NEVER
    status: int = 0
    response_bytes: int = 0
    response_head: bytes = b""
    kept: list[bytes] = field(default_factory=list)
    kept_bytes: int = 0
    chunks: int = 0
    chunk_ns: list[int] = field(default_factory=list)
    abandon: Callable[[], object] | None = None


Ended = Callable[["Connection", Flight, str], None]


class Connection(asyncio.Protocol):
    """Idle until `send`; busy until `ended`; then `reusable` says whether it may carry another exchange."""

    __slots__ = ("_clock", "_closed", "_ended", "_flight", "_keep_bytes", "_reader", "_transport")

    def __init__(
        self, *, clock: Clock, keep_bytes: int, ended: Ended, closed: Callable[["Connection"], None]
    ) -> None:
        self._clock = clock
        self._keep_bytes = keep_bytes
        self._ended = ended
        self._closed = closed
        self._reader = ResponseReader()
        self._flight: Flight | None = None
        self._transport: asyncio.Transport | None = None

    @property
    def reusable(self) -> bool:
        """Whether the last answer left the connection ready for another request."""
        transport = self._transport
        if transport is None or transport.is_closing() or not self._reader.reusable:
            return False
        return transport.get_write_buffer_size() == 0  # an answer that came before all was sent

    def send(self, flight: Flight, wire: bytes) -> None:
        """Write a request and wait for its answer."""
        self._flight = flight
        self._reader.start(no_body=flight.no_body)
        flight.abandon = self.close
        if self._transport is None:
            self._end(Outcome.RESET)
        else:
            self._transport.write(wire)

    def close(self) -> None:
        """Drop the connection at once; a flight on it is forgotten without a word."""
        self._flight = None
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        stream = cast(asyncio.Transport, transport)  # uvloop's is one by its methods, not by its class
        stream.set_write_buffer_limits(high=0)
        self._transport = stream

    def data_received(self, data: bytes) -> None:
        flight = self._flight
        if flight is None:
            self.close()  # an answer that nobody asked for
            return
        now_ns = self._clock.now_ns()
        if flight.first_byte_ns == NEVER:
            flight.first_byte_ns = now_ns
        try:
            self._reader.feed(data)
        except WireError:
            self._end(Outcome.PROTOCOL_ERROR)
            return
        self._keep(flight, now_ns)
        if self._reader.complete:
            self._complete()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._transport = None
        self._closed(self)
        if self._flight is None:
            return
        try:
            self._reader.feed_eof()
        except WireError:
            self._end(Outcome.RESET)
            return
        self._complete()

    def _keep(self, flight: Flight, now_ns: int) -> None:
        """Count the body's pieces, keep its beginning, and note when the pieces of a stream came."""
        reader = self._reader
        flight.response_bytes = reader.body_bytes
        pieces = reader.take_pieces()
        if reader.chunked and pieces:
            flight.chunks += len(pieces)
            room = MOST_CHUNK_INSTANTS - len(flight.chunk_ns)
            flight.chunk_ns.extend([now_ns] * min(room, len(pieces)))
        for piece in pieces:
            room = self._keep_bytes - flight.kept_bytes
            if room <= 0:
                return
            flight.kept.append(piece[:room])
            flight.kept_bytes += min(room, len(piece))

    def _complete(self) -> None:
        status = self._reader.status
        self._end(Outcome.HTTP_ERROR if status >= _FIRST_ERROR_STATUS else Outcome.OK)

    def _end(self, outcome: str) -> None:
        flight, self._flight = self._flight, None
        if flight is not None:
            flight.status = self._reader.status
            flight.response_head = self._reader.lines
            self._ended(self, flight, outcome)
