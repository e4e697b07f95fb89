"""Making one TCP connection without a task, until there is a connection to own.

Knows non-blocking sockets and the loop's readiness callbacks; refuses to know pools. A target that is not
there must be cheap: it costs a socket and a system call, where `create_connection` costs a task. Started by
`Pool`.
"""

import asyncio
import errno
import logging
import socket
import ssl
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Final, Protocol

from recording.exchange import Outcome
from shadow_proxy.deadlines import Sweep
from shadow_proxy.target_config import TargetConfig

LOG = logging.getLogger(__name__)
Address = tuple[socket.AddressFamily, tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes] | str]
Spawn = Callable[[Coroutine[None, None, None]], object]
_UNDER_WAY: Final = frozenset({0, errno.EINPROGRESS})
_SAID: Final[set[tuple[str, str]]] = set()
_TIMEOUTS: Final = frozenset({errno.ETIMEDOUT, errno.EHOSTUNREACH, errno.ENETUNREACH})


@dataclass(frozen=True, slots=True, kw_only=True)
class Secured:
    """How a connection to a target is secured, and how long that may take."""

    context: ssl.SSLContext
    server_name: str
    handshake_s: float


class Waiter(Protocol):
    """Who wants the connection."""

    def connection_failed(self, attempt: "Attempt", outcome: str) -> None:
        """There is none; the outcome says how it failed."""

    def new_protocol(self, attempt: "Attempt") -> asyncio.Protocol:
        """There is a socket: the protocol that takes it over."""


class Attempt:
    """One attempt; exactly one of the waiter's two methods is called, unless it is cancelled."""

    __slots__ = ("_cancelled", "_loop", "_socket", "_spawn", "_sweep", "_tls", "_waiter", "deadline_ns")

    def __init__(
        self,
        waiter: Waiter,
        *,
        loop: asyncio.AbstractEventLoop,
        sweep: Sweep,
        spawn: Spawn,
        deadline_ns: int,
        tls: Secured | None = None,
    ) -> None:
        self._waiter = waiter
        self._loop = loop
        self._sweep = sweep
        self._spawn = spawn
        self._socket: socket.socket | None = None
        self._tls = tls
        self._cancelled = False
        self.deadline_ns = deadline_ns

    def start(self, address: Address | None) -> None:
        """Begin; a failure that is known at once is still told later, never from inside this call."""
        failure = errno.EHOSTUNREACH if address is None else self._begin(address)
        if failure:
            self._loop.call_soon(self._fail, failure)

    def cancel(self) -> None:
        """Nobody waits any more."""
        self._cancelled = True
        self._close()

    def expire(self, now_ns: int) -> None:
        """It took too long."""
        del now_ns
        self._fail(errno.ETIMEDOUT)

    def _begin(self, address: Address) -> int:
        family, where = address
        try:
            self._socket = connecting = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            if family != socket.AF_UNIX:
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
            await self._handed_over(connected)
        except ssl.SSLError as error:
            self._say_once(getattr(error, "verify_message", "") or error.reason)
            self._failed_in_adoption(connected, errno.ECONNREFUSED)
        except ConnectionAbortedError:  # the loop's name for a handshake that took too long
            self._failed_in_adoption(connected, errno.ETIMEDOUT)
        except OSError as error:
            self._failed_in_adoption(connected, error.errno or errno.ECONNRESET)

    async def _handed_over(self, connected: socket.socket) -> None:
        """Give the socket to the loop, which shakes hands if the target wants TLS.

        A transport that has ended already has closed the descriptor, which may be somebody else's by now: the
        Python object must not close it again.
        """
        tls = self._tls
        transport, _ = await self._loop.create_connection(
            self._new_protocol,
            sock=connected,
            ssl=tls.context if tls is not None else None,
            server_hostname=tls.server_name if tls is not None else None,
            ssl_handshake_timeout=tls.handshake_s if tls is not None else None,
        )
        if transport.is_closing():
            self._disown(connected)

    def _new_protocol(self) -> asyncio.Protocol:
        return self._waiter.new_protocol(self)

    def _say_once(self, reason: str) -> None:
        name = self._tls.server_name if self._tls is not None else ""
        if (name, reason) not in _SAID:
            _SAID.add((name, reason))
            LOG.error("no TLS with %s: %s; this is said once", name, reason)

    def _failed_in_adoption(self, connected: socket.socket, number: int) -> None:
        self._disown(connected)
        self._fail(number)

    def _disown(self, connected: socket.socket) -> None:
        """uvloop closes the descriptor itself, and asyncio's transport by this very object."""
        if type(self._loop).__module__.partition(".")[0] == "uvloop":
            connected.detach()

    def _fail(self, number: int) -> None:
        self._close()
        outcome = Outcome.TIMEOUT if number in _TIMEOUTS else Outcome.REFUSED
        if not self._cancelled:
            self._waiter.connection_failed(self, outcome.value)

    def _close(self) -> None:
        self._sweep.leave(self)
        connecting, self._socket = self._socket, None
        if connecting is not None:
            self._loop.remove_writer(connecting.fileno())
            connecting.close()


async def resolved(target: TargetConfig, *, loop: asyncio.AbstractEventLoop) -> Address | None:
    """An address of a target, an IPv4 one if there are several (many servers listen there alone), or None."""
    if target.socket_path:
        return socket.AF_UNIX, target.socket_path
    try:
        found = await loop.getaddrinfo(target.host_name, target.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return None
    found.sort(key=lambda one: one[0] != socket.AF_INET)
    family, _, _, _, where = found[0]
    return family, where
