"""Absolute deadlines, looked at together: one sweep for everything that waits, no timer for each request.

Knows a set of things that have a `deadline_ns`; refuses to know what they wait for. Setting a deadline is one
assignment on the hot path; the sweep looks at all of them every `SWEEP_S`, which is how late one may fire.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

SWEEP_S: Final = 0.05
NEVER_NS: Final = 1 << 62
NS_PER_S: Final = 1_000_000_000


class Waiting(Protocol):
    """What a deadline can be set on; `NEVER_NS` means none."""

    deadline_ns: int

    def expire(self, now_ns: int) -> None:
        """The deadline has passed."""


def in_ns(seconds: float) -> int:
    """A duration of the configuration as the hot path wants it."""
    return round(seconds * NS_PER_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientDeadlines:
    """Those of a client connection, in the units of the hot path."""

    idle_ns: int
    head_ns: int
    body_ns: int
    read_ns: int
    linger_ns: int


class Sweep:
    """Owns the one timer; things join when they begin to exist and leave when they end."""

    __slots__ = ("_loop", "_timer", "_waiting", "also")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: set[Waiting] = set()
        self._timer: asyncio.TimerHandle | None = None
        self.also: list[Callable[[int], None]] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def start(self) -> None:
        """Begin to look."""
        self._timer = self._loop.call_later(SWEEP_S, self._again)

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()

    def join(self, waiting: Waiting) -> None:
        """Watch its deadline from now on."""
        self._waiting.add(waiting)

    def leave(self, waiting: Waiting) -> None:
        """It is gone; twice does no harm."""
        self._waiting.discard(waiting)

    def forget(self, call: Callable[[int], None]) -> None:
        """Call it no more; twice does no harm."""
        if call in self.also:
            self.also.remove(call)

    def look(self, now_ns: int) -> None:
        """Expire what is due; separate from the timer so that tests bring their own time."""
        for waiting in [one for one in self._waiting if one.deadline_ns <= now_ns]:
            waiting.expire(now_ns)
        for call in tuple(self.also):
            call(now_ns)

    def _again(self) -> None:
        self.start()
        self.look(time.monotonic_ns())
