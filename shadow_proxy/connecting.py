"""Making one TCP connection without a task, until there is a connection to own.

Knows non-blocking sockets and the loop's readiness callbacks; refuses to know pools. A target that is not
there must be cheap: it costs a socket and a system call, where `create_connection` costs a task. Started by
`Pool`.
"""

import asyncio
import errno
import socket
from collections.abc import Callable, Coroutine
from typing import Final, Protocol

from recording.exchange import Outcome
from shadow_proxy.deadlines import Sweep

Address = tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]]
Spawn = Callable[[Coroutine[None, None, None]], object]
_UNDER_WAY: Final = frozenset({0, errno.EINPROGRESS})
_TIMEOUTS: Final = frozenset({errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH})


class Waiter(Protocol):
    """Who wants the connection."""

    def connection_failed(self, attempt: "Attempt", outcome: str) -> None:
        """There is none; the outcome says how it failed."""

    def new_protocol(self, attempt: "Attempt") -> asyncio.Protocol:
        """There is a socket: the protocol that takes it over."""


class Attempt:
    """One attempt; exactly one of the waiter's two methods is called, unless it is cancelled."""

    __slots__ = ("_loop", "_socket", "_spawn", "_sweep", "_waiter", "deadline_ns")

    def __init__(
        self,
        waiter: Waiter,
        *,
        loop: asyncio.AbstractEventLoop,
        sweep: Sweep,
        spawn: Spawn,
        deadline_ns: int,
    ) -> None:
        self._waiter = waiter
        self._loop = loop
        self._sweep = sweep
        self._spawn = spawn
        self._socket: socket.socket | None = None
        self.deadline_ns = deadline_ns

    def start(self, address: Address | None) -> None:
        """Begin; a failure that is known at once is still told later, never from inside this call."""
        failure = errno.EHOSTUNREACH if address is None else self._begin(address)
        if failure:
            self._loop.call_soon(self._fail, failure)

    def cancel(self) -> None:
        """Nobody waits any more."""
        self._close()

    def expire(self, now_ns: int) -> None:
        """It took too long."""
        del now_ns
        self._fail(errno.ETIMEDOUT)

    def _begin(self, address: Address) -> int:
        family, where = address
        try:
            self._socket = connecting = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            connecting.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            return error.errno or errno.EMFILE
        state = connecting.connect_ex(where)
        if state not in _UNDER_WAY:
            return state
        self._sweep.join(self)
        self._loop.add_writer(connecting.fileno(), self._ready)
        return 0

    def _ready(self) -> None:
        connecting = self._socket
        if connecting is None:
            return
        self._loop.remove_writer(connecting.fileno())
        state = connecting.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if state:
            self._fail(state)
            return
        self._socket = None
        self._sweep.leave(self)
        self._spawn(self._adopt(connecting))

    async def _adopt(self, connected: socket.socket) -> None:
        try:
            await self._loop.create_connection(lambda: self._waiter.new_protocol(self), sock=connected)
        except OSError as error:
            connected.close()
            self._fail(error.errno or errno.ECONNRESET)

    def _fail(self, number: int) -> None:
        self._close()
        outcome = Outcome.TIMEOUT if number in _TIMEOUTS else Outcome.REFUSED
        self._waiter.connection_failed(self, outcome.value)

    def _close(self) -> None:
        self._sweep.leave(self)
        connecting, self._socket = self._socket, None
        if connecting is not None:
            self._loop.remove_writer(connecting.fileno())
            connecting.close()


async def resolved(host: str, port: int, *, loop: asyncio.AbstractEventLoop) -> Address | None:
    """The first address of a host; None while it has none."""
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror:
        return None
    family, _, _, _, where = found[0]
    return family, where
