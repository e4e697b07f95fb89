"""Wakes the loop at an instant of the monotonic clock.

Knows the kernel's timer descriptor and, where there is none, the loop's own timers; refuses to know what
for. The pacer sets it. A loop's timers have a resolution of a millisecond, and uvloop spins below half of
one; a timerfd wakes within some 50 us and costs nothing while it waits. Either may wake early or for
nothing: whoever is called looks at the clock, and sets the alarm again.
"""

import asyncio
import contextlib
import ctypes
import os
import sys
import time
from collections.abc import Callable
from typing import Protocol

_NS_PER_S = 1_000_000_000
_CLOCK_MONOTONIC = 1
_TFD_TIMER_ABSTIME = 1


class Alarm(Protocol):
    """One instant at a time; setting it again replaces the one before."""

    def set(self, at_monotonic_ns: int) -> None:
        """Call back at that instant, or at once if it has passed."""
        ...

    def close(self) -> None:
        """Never call back again."""
        ...


class _Timespec(ctypes.Structure):
    _fields_ = (("tv_sec", ctypes.c_long), ("tv_nsec", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("it_interval", _Timespec), ("it_value", _Timespec))


class TimerFd:
    """An alarm by Linux's timerfd (`man timerfd_create`), in absolute time."""

    def __init__(self, loop: asyncio.AbstractEventLoop, wake: Callable[[], None]) -> None:
        self._libc = ctypes.PyDLL(None, use_errno=True)  # keeps the GIL: the calls never block
        self._fd = self._libc.timerfd_create(_CLOCK_MONOTONIC, os.O_NONBLOCK | os.O_CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "timerfd_create")
        self._loop = loop
        self._wake = wake
        self._spec = _Itimerspec()
        self._reference = ctypes.byref(self._spec)
        loop.add_reader(self._fd, self._expired)

    def set(self, at_monotonic_ns: int) -> None:
        value = self._spec.it_value
        value.tv_sec, value.tv_nsec = divmod(max(1, at_monotonic_ns), _NS_PER_S)  # 0 would disarm
        if self._libc.timerfd_settime(self._fd, _TFD_TIMER_ABSTIME, self._reference, None) < 0:
            raise OSError(ctypes.get_errno(), "timerfd_settime")

    def close(self) -> None:
        self._loop.remove_reader(self._fd)
        os.close(self._fd)

    def _expired(self) -> None:
        with contextlib.suppress(BlockingIOError):  # set again after it had expired: nothing to read
            os.read(self._fd, 8)
        self._wake()


class LoopTimer:
    """An alarm by the loop's own timers, where there is no timerfd."""

    def __init__(self, loop: asyncio.AbstractEventLoop, wake: Callable[[], None]) -> None:
        self._loop = loop
        self._wake = wake
        self._waiting: asyncio.TimerHandle | None = None

    def set(self, at_monotonic_ns: int) -> None:
        self.close()
        ahead_s = (at_monotonic_ns - time.monotonic_ns()) / _NS_PER_S
        self._waiting = self._loop.call_later(max(0.0, ahead_s), self._wake)

    def close(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()


def open_alarm(loop: asyncio.AbstractEventLoop, wake: Callable[[], None]) -> Alarm:
    """The finest alarm that this system has."""
    return TimerFd(loop, wake) if sys.platform == "linux" else LoopTimer(loop, wake)
