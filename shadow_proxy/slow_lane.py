"""Large answers of shadows, read in turn and within a rate: a flood costs the primary next to nothing.

Knows connections that have just given a piece of a large answer; refuses to know what it says. One for all
shadows of a worker. A connection waits here, unread, until it is its turn; then it may give one piece more.
What it sends meanwhile stays in its own buffers. Called by shadow exchanges once their answer is over a size.
"""

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from shadow_proxy.target import Target
    from shadow_proxy.upstream import UpstreamConnection

MIN_WAIT_S: Final = 0.001
MAX_WAITING: Final = 64


class SlowLane:
    """`bytes_per_s` is the rate of all that wait here together."""

    __slots__ = ("_bytes_per_s", "_loop", "_timer", "_waiting")

    def __init__(self, loop: asyncio.AbstractEventLoop, *, bytes_per_s: int) -> None:
        self._loop = loop
        self._bytes_per_s = bytes_per_s
        self._waiting: deque[UpstreamConnection] = deque()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        """How many connections are not read for now."""
        return len(self._waiting)

    def wait(self, connection: "UpstreamConnection", *, after_bytes: int) -> bool:
        """It has given so many bytes: read on when that time is over and those before it had their turn.

        False if too many wait already.
        """
        if len(self._waiting) >= MAX_WAITING:
            return False
        connection.pause_reading()
        self._waiting.append(connection)
        if self._timer is None:
            self._wake_after(after_bytes / self._bytes_per_s)
        return True

    def clear(self, target: "Target", *, outcome: str) -> None:
        """Give up what waits for the rest of an answer of this target."""
        given_up = [
            one for one in self._waiting if one.exchange is not None and one.exchange.target is target
        ]
        for connection in given_up:
            self._waiting.remove(connection)
            connection.give_up(outcome)

    def _wake_after(self, seconds: float) -> None:
        self._timer = self._loop.call_later(max(seconds, MIN_WAIT_S), self._next)

    def _next(self) -> None:
        """One that is still there may give a piece; with its answer over, a connection waits for nothing."""
        self._timer = None
        while self._waiting:
            connection = self._waiting.popleft()
            if connection.usable and connection.exchange is not None:
                connection.resume_reading()
                break
        if self._waiting:
            self._wake_after(MIN_WAIT_S)
