"""One connection to one target, carrying one exchange at a time.

Knows the transport, the reader of its answers and the deadlines of the exchange it carries; refuses to know
what an answer is for. Owned by the target's `Pool`; talks to the `Exchange` that it was given.
"""

import asyncio
import fcntl
import socket
import struct
import termios
import time
from typing import TYPE_CHECKING, Final, cast

from recording.exchange import Outcome
from shadow_proxy.connecting import Attempt
from shadow_proxy.deadlines import NEVER_NS
from shadow_proxy.exchange import Exchange
from wire.errors import WireError
from wire.response_reader import ResponseReader

if TYPE_CHECKING:
    from shadow_proxy.pool import Pool

_now_ns: Final = time.monotonic_ns  # looked up once: every request asks several times
_COUNT: Final = struct.Struct("i")
_NO_COUNT: Final = bytes(_COUNT.size)


class UpstreamConnection(asyncio.Protocol):
    """`carried` counts its exchanges: a loss without an answer after the first may mean that it was stale.

    `usable` says whether it may be given an exchange. `_written` are the bytes of the request that it
    carries; `_untaken` that the peer closed before the system on its side had acknowledged any of them.
    """

    __slots__ = (
        "_pool",
        "_transport",
        "_untaken",
        "_written",
        "attempt",
        "carried",
        "deadline_ns",
        "exchange",
        "reader",
        "usable",
    )

    def __init__(self, pool: "Pool", *, attempt: Attempt, reader: ResponseReader) -> None:
        self._pool = pool
        self.attempt = attempt
        self._transport: asyncio.Transport | None = None
        self.reader = reader
        self.exchange: Exchange | None = None
        self.carried = 0
        self.deadline_ns = NEVER_NS
        self.usable = False
        self._untaken = False
        self._written = 0

    def carry(self, exchange: Exchange, now_ns: int) -> None:
        """Send this exchange's request and wait for its answer."""
        self.exchange = exchange
        self.carried += 1
        self._written = 0
        self.reader.start(no_body=exchange.incoming.head.method == b"HEAD")
        exchange.carried_by(self)
        self._wait(now_ns, exchange)

    def request_ended(self) -> None:
        """The last byte of a body that was still arriving has been written."""
        if self.exchange is not None and not self.reader.started:
            self._wait(_now_ns(), self.exchange)

    def write(self, sent: bytes) -> None:
        """Towards the target."""
        if self._transport is not None:
            self._written += len(sent)
            self._transport.write(sent)

    def write_all(self, parts: list[bytes]) -> None:
        """The same in several pieces."""
        if self._transport is not None:
            self._written += sum(map(len, parts))
            self._transport.writelines(parts)

    def pause_reading(self) -> None:
        """Take no more of the answer for now."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Go on."""
        if self._transport is not None and self.usable:
            self._transport.resume_reading()

    def give_up(self, outcome: str) -> None:
        """End what it carries, and itself."""
        self._fail(outcome)

    def abandon(self) -> None:
        """Close it now; nothing that it may still hold matters."""
        self.exchange = None
        self.usable = False
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Established."""
        self._transport = cast("asyncio.Transport", transport)  # the loop promises what its type does not say
        self.usable = True
        self._pool.established(self)

    def data_received(self, data: bytes) -> None:
        """A part of the answer; bytes that nobody asked for end the connection."""
        exchange = self.exchange
        reader = self.reader
        if exchange is None:
            self.abandon()
            return
        now_ns = _now_ns()
        if not reader.started:
            self.deadline_ns = exchange.sent_ns + self._pool.total_ns
        try:
            reader.feed(data)
        except WireError:
            self._fail(Outcome.PROTOCOL_ERROR.value)
            return
        exchange.answer_arrived(reader, now_ns)
        if reader.complete:
            self._complete(exchange, now_ns)

    def eof_received(self) -> None:
        """The peer will send no more; the transport closes, and `connection_lost` follows."""
        self.usable = False
        if self.carried > 1 and self.exchange is not None and not self.reader.started:
            self._untaken = self._nothing_was_taken()

    def connection_lost(self, exc: Exception | None) -> None:
        """The peer closed, or it broke."""
        self.usable = False
        exchange = self.exchange
        self.exchange = None
        self._pool.lost(self)
        if exchange is None:
            return
        if exc is None and self._ends_body():
            exchange.answer_arrived(self.reader, _now_ns())
            exchange.released()
        elif self.carried > 1 and not self.reader.started and exchange.may_repeat(untaken=self._untaken):
            exchange.retried = True
            exchange.connection = None
            exchange.target.tally.repeated()
            self._pool.submit_again(exchange)
        else:
            exchange.failed(Outcome.RESET.value, self.reader)

    def expire(self, now_ns: int) -> None:
        """The answer is too late, or nobody needed the connection for too long."""
        del now_ns
        if self.exchange is not None:
            self._fail(Outcome.TIMEOUT.value)
        else:
            self.abandon()

    def pause_writing(self) -> None:
        """The target takes the request more slowly than it comes."""
        if self.exchange is not None:
            self.exchange.hold_body()

    def resume_writing(self) -> None:
        """It caught up."""
        if self.exchange is not None:
            self.exchange.resume_body()

    def _wait(self, now_ns: int, exchange: Exchange) -> None:
        """The first byte of the answer is due a while after the last byte of the request."""
        if exchange.request_sent:
            self.deadline_ns = now_ns + self._pool.first_byte_ns
        else:
            self.deadline_ns = exchange.sent_ns + self._pool.total_ns

    def _complete(self, exchange: Exchange, now_ns: int) -> None:
        self.exchange = None
        if self.reader.reusable and exchange.request_sent and self.usable:
            self._pool.release(self, now_ns)
        else:
            self.abandon()
        exchange.released()

    def _nothing_was_taken(self) -> bool:
        """Whether all that was written of this request is still with us: never sent, or never acknowledged.

        A server that closes an idle connection just as a request is on its way has not read it, and its
        system answers with a reset. Over TLS the two counts are of different bytes, so nothing is concluded.
        """
        transport = self._transport
        if transport is None or transport.get_extra_info("sslcontext") is not None:
            return False
        own: socket.socket = transport.get_extra_info("socket")
        if own.family == socket.AF_UNIX:
            return False
        try:
            unacknowledged: int = _COUNT.unpack(fcntl.ioctl(own.fileno(), termios.TIOCOUTQ, _NO_COUNT))[0]
        except OSError:
            return False
        return unacknowledged + transport.get_write_buffer_size() >= self._written

    def _fail(self, outcome: str) -> None:
        exchange, self.exchange = self.exchange, None
        self.abandon()
        if exchange is not None:
            exchange.failed(outcome, self.reader)

    def _ends_body(self) -> bool:
        try:
            self.reader.feed_eof()
        except WireError:
            return False
        return True
