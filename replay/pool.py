"""Idle connections, the one used last on top.

Knows how long each has been idle; refuses to know sockets beyond closing one. The sender takes from it and
gives back. Last in, first out keeps few connections warm and lets the rest grow old; one that has been idle
longer than a server is likely to keep it (many close after 5 s) is closed rather than risked: a request
sent into a closing connection is lost without an answer, and whether it was executed nobody knows, so it is
never repeated.
"""

from collections.abc import Hashable
from typing import Generic, Protocol, TypeVar

MOST_IDLE_NS = 4_000_000_000


class Closable(Hashable, Protocol):
    """What a pool holds."""

    def close(self) -> None:
        """End the connection."""
        ...


C = TypeVar("C", bound=Closable)


class Pool(Generic[C]):
    """A stack of idle connections; the oldest lie at the bottom."""

    def __init__(self) -> None:
        self._idle_since_ns: dict[C, int] = {}  # in the order in which they became idle

    def __len__(self) -> int:
        return len(self._idle_since_ns)

    def put(self, connection: C, *, now_ns: int) -> None:
        """A connection has become idle."""
        self._idle_since_ns[connection] = now_ns

    def maybe_take(self, *, now_ns: int) -> C | None:
        """The connection used last, unless even that one is too old."""
        if not self._idle_since_ns:
            return None
        connection, since_ns = self._idle_since_ns.popitem()
        if now_ns - since_ns > MOST_IDLE_NS:
            self._idle_since_ns[connection] = since_ns
            return None
        return connection

    def remove(self, connection: C) -> None:
        """Forget a connection that has been closed, if it is here."""
        self._idle_since_ns.pop(connection, None)

    def close_old(self, *, now_ns: int) -> None:
        """Close what has been idle too long."""
        while self._idle_since_ns:
            oldest, since_ns = next(iter(self._idle_since_ns.items()))
            if now_ns - since_ns <= MOST_IDLE_NS:
                break
            self.remove(oldest)
            oldest.close()

    def close_all(self) -> None:
        """Close every idle connection."""
        while self._idle_since_ns:
            self._idle_since_ns.popitem()[0].close()
