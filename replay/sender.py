"""Puts requests in flight and sees each of them to its end.

Knows connections, deadlines and how an exchange can end; refuses to know schedules and traces. The engine
calls `send` when the pacer says so; every call ends in exactly one row. The identity that tests hold it to:
sent = ended by outcome + in flight.

A request goes out on the idle connection used last, or on a new one, whose opening is part of its service
time. Deadlines are absolute and swept every few ticks of the engine rather than kept one timer each, so a
timeout may be noticed up to one tick late. A request is never sent twice.
"""

import asyncio
import errno
from collections import Counter
from collections.abc import Awaitable, Callable

from loadprofiles.profile import Nanoseconds
from recording.exchange import NEVER, Outcome, dropped
from replay.connection import Connection, Flight
from replay.message import Message
from replay.pacer import Clock
from replay.pool import Pool
from replay.rows import Rows

_OUR_LIMITS = frozenset({errno.EMFILE, errno.ENFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS, errno.ENOMEM})

Connect = Callable[[Callable[[], Connection]], Awaitable[object]]
"""Opens a connection with the protocol that the factory makes."""


class Sender:
    """`sent_ns` has a place for each arrival, filled when it is sent; `emptied` is called when no flight is
    left."""

    def __init__(
        self,
        *,
        connect: Connect,
        tasks: asyncio.TaskGroup,
        clock: Clock,
        rows: Rows,
        sent_ns: Nanoseconds,
        timeout_ns: int,
        keep_bytes: int,
        emptied: Callable[[], None],
    ) -> None:
        self.outcomes: Counter[str] = Counter()
        self._connect = connect
        self._tasks = tasks
        self._clock = clock
        self._rows = rows
        self._sent_ns = sent_ns.data
        self._timeout_ns = timeout_ns
        self._keep_bytes = keep_bytes
        self._emptied = emptied
        self._pool: Pool[Connection] = Pool()
        self._flights: dict[int, Flight] = {}  # by index, so in the order of sending and of deadlines

    @property
    def in_flight(self) -> int:
        """Requests sent or being sent whose end is still open."""
        return len(self._flights)

    def send(self, index: int, *, message: Message, request_id: bytes, wire: bytes, due_ns: int) -> None:
        """Send `wire` now."""
        now_ns = self._clock.now_ns()
        flight = Flight(
            index=index, request_id=request_id, due_ns=due_ns, sent_ns=now_ns,
            request_bytes=len(message.body), no_body=message.method == b"HEAD",
        )  # fmt: skip
        self._flights[index] = flight
        self._sent_ns[index] = now_ns
        connection = self._pool.maybe_take(now_ns=now_ns)
        if connection is None:
            self._open_for(flight, wire)
        else:
            connection.send(flight, wire)

    def drop(self, index: int, *, request_id: bytes, due_ns: int, reason: str) -> None:
        """Write the row of an arrival that is not sent."""
        flight = Flight(
            index=index, request_id=request_id, due_ns=due_ns, sent_ns=NEVER, request_bytes=0, no_body=False
        )
        self._write(flight, outcome=dropped(reason), done_ns=NEVER)

    def sweep(self, now_ns: int) -> None:
        """End what has passed its deadline, and close connections that were idle too long."""
        while self._flights:
            flight = next(iter(self._flights.values()))
            if now_ns - flight.sent_ns < self._timeout_ns:
                break
            self._abandon(flight, Outcome.TIMEOUT)
        self._pool.close_old(now_ns=now_ns)

    def cancel_all(self) -> None:
        """End every flight now."""
        for flight in list(self._flights.values()):
            self._abandon(flight, Outcome.CANCELLED)

    def close(self) -> None:
        """Close idle connections."""
        self._pool.close_all()

    async def probe(self) -> None:
        """Open one connection and keep it for the first request; `OSError` if the target does not listen."""
        connection = self._connection()
        await self._connect(lambda: connection)
        self._pool.put(connection, now_ns=self._clock.now_ns())

    def _connection(self) -> Connection:
        return Connection(
            clock=self._clock, keep_bytes=self._keep_bytes, ended=self._ended, closed=self._pool.remove
        )

    def _open_for(self, flight: Flight, wire: bytes) -> None:
        opening = self._tasks.create_task(self._open_and_send(flight, wire))
        flight.abandon = opening.cancel

    async def _open_and_send(self, flight: Flight, wire: bytes) -> None:
        connection = self._connection()
        try:
            await self._connect(lambda: connection)
        except OSError as error:
            self._not_connected(flight, error)
            return
        except asyncio.CancelledError:
            connection.close()  # it may have opened at the same moment
            raise
        connection.send(flight, wire)

    def _not_connected(self, flight: Flight, error: OSError) -> None:
        """The target refused, or we have no socket left, which is nobody's answer and so no exchange."""
        if error.errno in _OUR_LIMITS:
            flight.sent_ns = self._sent_ns[flight.index] = NEVER
            self._finish(flight, dropped("no_socket"), done_ns=NEVER)
        else:
            outcome = Outcome.RESET if error.errno == errno.ECONNRESET else Outcome.REFUSED
            self._finish(flight, outcome, done_ns=self._clock.now_ns())

    def _ended(self, connection: Connection, flight: Flight, outcome: str) -> None:
        now_ns = self._clock.now_ns()
        if connection.reusable:
            self._pool.put(connection, now_ns=now_ns)
        else:
            connection.close()
        self._finish(flight, outcome, done_ns=now_ns)

    def _abandon(self, flight: Flight, outcome: str) -> None:
        if flight.abandon is not None:
            flight.abandon()
        self._finish(flight, outcome, done_ns=self._clock.now_ns())

    def _finish(self, flight: Flight, outcome: str, *, done_ns: int) -> None:
        del self._flights[flight.index]
        self._write(flight, outcome=outcome, done_ns=done_ns)
        if not self._flights:
            self._emptied()

    def _write(self, flight: Flight, *, outcome: str, done_ns: int) -> None:
        self.outcomes[outcome] += 1
        self._rows.write(flight, outcome=outcome, done_ns=done_ns)
