"""The connections to one target: kept alive, last used first, bounded, with a bounded queue in front.

Knows which exchange gets which connection and what happens when there is none; refuses to know requests. Each
target has its own, so that a target that is slow, dead or full can only hurt itself. Nothing here waits: an
exchange that cannot be carried now is queued, and one that cannot be queued is refused at once.

The last used first, so that few connections are warm and the others fall idle and are closed before the
server closes them (most do after 5 s): a request written to a connection that the server is just closing is
lost.
"""

import asyncio
import re
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from recording.exchange import Outcome
from shadow_proxy.breaker import Breaker
from shadow_proxy.connecting import Address, Attempt, Secured, Spawn
from shadow_proxy.deadlines import NEVER_NS, NS_PER_S, Sweep
from shadow_proxy.exchange import Exchange
from shadow_proxy.slow_lane import SlowLane
from shadow_proxy.target import Target
from shadow_proxy.upstream import UpstreamConnection
from wire.response_reader import ResponseReader

_TIMEOUT: Final = re.compile(rb"(?i)\btimeout=(\d{1,6})\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolLimits:
    """Bounds and deadlines of one pool, in the units of the hot path.

    `max_answer_bytes` bounds what is read of an answer that no client gets.
    """

    max_connections: int
    max_queued: int
    max_answer_bytes: int
    connect_ns: int
    first_byte_ns: int
    total_ns: int
    pooled_idle_ns: int


class Pool:
    """Connections to one target, for the requests that it answers or for the copies that it gets.

    `address` is None while the name does not resolve; `breaker` and `slow_lane` are there for copies alone;
    `closing` says that the pool ends when nothing is left to do.
    """

    def __init__(
        self,
        target: Target,
        *,
        limits: PoolLimits,
        loop: asyncio.AbstractEventLoop,
        sweep: Sweep,
        spawn: Spawn,
        new_reader: Callable[[], ResponseReader],
        tls: Secured | None = None,
        breaker: Breaker | None = None,
        slow_lane: SlowLane | None = None,
    ) -> None:
        self.target = target
        self.address: Address | None = None
        self.limits = limits
        self.loop = loop
        self.breaker = breaker
        self.slow_lane = slow_lane
        self.closing = False
        self._tls = tls
        self.first_byte_ns = limits.first_byte_ns
        self.total_ns = limits.total_ns
        self._sweep = sweep
        self._spawn = spawn
        self._new_reader = new_reader
        self._idle: list[UpstreamConnection] = []
        self._queue: deque[Exchange] = deque()
        self._attempts: set[Attempt] = set()
        self._connections: set[UpstreamConnection] = set()
        self._delayed: dict[Exchange, asyncio.TimerHandle] = {}
        self._sweep.also.append(self._expire_queued)

    @property
    def busy(self) -> int:
        """Exchanges that are with this pool: queued, delayed, or on a connection."""
        carrying = sum(connection.exchange is not None for connection in self._connections)
        return len(self._queue) + len(self._delayed) + carrying

    @property
    def open(self) -> int:
        """Connections, established or on their way."""
        return len(self._connections) + len(self._attempts)

    def submit(self, exchange: Exchange, now_ns: int) -> bool:
        """Carry it now or queue it; False if the queue is full."""
        idle = self._idle
        while idle:
            connection = idle.pop()
            if connection.usable:
                if exchange.sent_ns < 0:
                    exchange.begin(now_ns)
                connection.carry(exchange, now_ns)
                return True
        if len(self._connections) + len(self._attempts) < self.limits.max_connections:
            self._begin(exchange, now_ns)
            self._connect(now_ns)
        elif len(self._queue) >= self.limits.max_queued:
            return False
        exchange.deadline_ns = now_ns + self.limits.connect_ns
        self._queue.append(exchange)
        return True

    def submit_after(self, delay_ns: int, exchange: Exchange, *, now_ns: int) -> None:
        """Begin now, carry later: the delay counts as the target's own time."""
        self._begin(exchange, now_ns)
        self._delayed[exchange] = self.loop.call_later(delay_ns / NS_PER_S, self._delay_over, exchange)

    def submit_again(self, exchange: Exchange) -> None:
        """Once more, on a connection that nobody has used before."""
        now_ns = time.monotonic_ns()
        exchange.deadline_ns = now_ns + self.limits.connect_ns
        self._queue.appendleft(exchange)
        self._connect(now_ns)

    def withdraw(self, exchange: Exchange) -> None:
        """It is not wanted any more: off the queue, out of its delay, or away with its connection."""
        timer = self._delayed.pop(exchange, None)
        if timer is not None:
            timer.cancel()
        elif exchange.connection is not None:
            exchange.connection.abandon()
        elif exchange in self._queue:
            self._queue.remove(exchange)

    def established(self, connection: UpstreamConnection) -> None:
        """A connection is there, hands shaken if that was asked for."""
        self._attempts.discard(connection.attempt)
        self.target.tally.opened()
        self._connections.add(connection)
        self._sweep.join(connection)
        self.release(connection, time.monotonic_ns())

    def release(self, connection: UpstreamConnection, now_ns: int) -> None:
        """A connection has nothing to carry: the next in the queue gets it."""
        if self._queue:
            self._give(connection, self._queue.popleft(), now_ns)
            return
        if self.closing:
            connection.abandon()
            return
        connection.deadline_ns = now_ns + self._idle_ns(connection)
        self._idle.append(connection)

    def lost(self, connection: UpstreamConnection) -> None:
        """A connection is gone; the queue may need another."""
        self._sweep.leave(connection)
        self._connections.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        self._connect_for_queue()

    def connection_failed(self, attempt: Attempt, outcome: str) -> None:
        """The longest waiting exchange that has begun fails with it."""
        self._attempts.discard(attempt)
        victim = next((exchange for exchange in self._queue if exchange.begun), None)
        if victim is not None:
            self._queue.remove(victim)
            victim.failed(outcome)
        self._connect_for_queue()

    def new_protocol(self, attempt: Attempt) -> UpstreamConnection:
        """The attempt has a socket; it counts until the connection is established."""
        return UpstreamConnection(self, attempt=attempt, reader=self._new_reader())

    def retire(self) -> None:
        """Finish what is under way and keep nothing open."""
        self.closing = True
        idle, self._idle = self._idle, []
        for connection in idle:
            connection.abandon()

    def close(self) -> None:
        """End everything: what had begun is cancelled, what had not is dropped."""
        self.closing = True
        for attempt in tuple(self._attempts):
            attempt.cancel()
        self._attempts.clear()
        for exchange, timer in tuple(self._delayed.items()):
            timer.cancel()
            exchange.failed(Outcome.CANCELLED.value)
        self._delayed.clear()
        queued, self._queue = self._queue, deque()
        for exchange in queued:
            _give_up(exchange, outcome=Outcome.CANCELLED.value, reason="draining")
        for connection in tuple(self._connections):
            carried = connection.exchange
            connection.abandon()
            if carried is not None:
                carried.failed(Outcome.CANCELLED.value, connection.reader)
        self._sweep.forget(self._expire_queued)

    def _idle_ns(self, connection: UpstreamConnection) -> int:
        """How long it may lie unused: shorter than the server said that it waits, if it said so."""
        said = connection.reader.found.get(b"keep-alive")
        if said is None:
            return self.limits.pooled_idle_ns
        return min(self.limits.pooled_idle_ns, said_idle_ns(said))

    def _begin(self, exchange: Exchange, now_ns: int) -> None:
        if not exchange.begun:
            exchange.begin(now_ns)

    def _give(self, connection: UpstreamConnection, exchange: Exchange, now_ns: int) -> None:
        if exchange.retried and not exchange.incoming.held:  # its body outgrew a limit while it waited
            exchange.failed(Outcome.RESET.value)
            self.release(connection, now_ns)
            return
        if exchange.sent_ns < 0:
            exchange.begin(now_ns)
        connection.carry(exchange, now_ns)

    def _connect(self, now_ns: int) -> None:
        attempt = Attempt(
            self,
            loop=self.loop,
            sweep=self._sweep,
            spawn=self._spawn,
            tls=self._tls,
            deadline_ns=now_ns + self.limits.connect_ns,
        )
        self._attempts.add(attempt)
        attempt.start(self.address)

    def _connect_for_queue(self) -> None:
        """Replace what was lost, one for each call, while somebody waits."""
        if len(self._queue) > len(self._attempts) and self.open < self.limits.max_connections:
            now_ns = time.monotonic_ns()
            waiting = next((exchange for exchange in self._queue if not exchange.begun), None)
            if waiting is not None:
                self._begin(waiting, now_ns)
            self._connect(now_ns)

    def _delay_over(self, exchange: Exchange) -> None:
        self._delayed.pop(exchange, None)
        if not self.submit(exchange, time.monotonic_ns()):
            exchange.failed(Outcome.TIMEOUT.value)

    def _expire_queued(self, now_ns: int) -> None:
        late = [exchange for exchange in self._queue if exchange.deadline_ns <= now_ns]
        for exchange in late:
            if exchange in self._queue:  # giving up the one before may have withdrawn this one
                self._queue.remove(exchange)
            _give_up(exchange, outcome=Outcome.TIMEOUT.value, reason="queue_timeout")


def said_idle_ns(keep_alive: bytes) -> int:
    """Half of what `Keep-Alive: timeout=N` says, at most a second less; NEVER_NS if it says nothing.

    >>> said_idle_ns(b"timeout=5, max=100")
    4000000000
    """
    found = _TIMEOUT.search(keep_alive)
    if found is None:
        return NEVER_NS
    said_ns = int(found[1]) * NS_PER_S
    return max(said_ns - NS_PER_S, said_ns // 2)


def _give_up(exchange: Exchange, *, outcome: str, reason: str) -> None:
    if exchange.begun:
        exchange.failed(outcome)
    else:
        exchange.drop(reason)
