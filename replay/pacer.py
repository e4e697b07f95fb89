"""Lets every arrival go when it is due.

Knows the schedule, the clock and an alarm; refuses to know requests and sockets: what is due is given to
`send` or `shed` by its index. The engine owns it; tests drive it with a clock and an alarm of their own.

The schedule is absolute. After each turn the alarm is set to the next arrival, never to a distance from
now, so lateness does not add up. Before the first arrival the clock's origin may still move (the supervisor
sets it once all parts are ready), so the alarm rings a few times a second to look at it anew.
"""

from bisect import bisect_right
from collections.abc import Callable
from typing import Protocol

from loadprofiles.profile import Nanoseconds
from replay.alarm import Alarm
from replay.backlog import take_due

_LOOK_AGAIN_NS = 50_000_000


class Clock(Protocol):
    """The run's clock: ns since an origin that lies on the monotonic clock."""

    @property
    def origin_ns(self) -> int: ...

    def now_ns(self) -> int: ...


class Pacer:
    """`due_ns` ascend on the run's clock; `free` says how many requests may still be put in flight."""

    def __init__(
        self,
        due_ns: Nanoseconds,
        *,
        clock: Clock,
        send: Callable[[int], None],
        shed: Callable[[int], None],
        free: Callable[[], int],
    ) -> None:
        self._due_ns = due_ns.data
        self._clock = clock
        self._send = send
        self._shed = shed
        self._free = free
        self._end = len(due_ns)
        self._alarm: Alarm | None = None
        self.next = 0

    @property
    def finished(self) -> bool:
        """Whether every arrival has been let go, or the rest was called off."""
        return self.next >= self._end

    def start(self, alarm: Alarm) -> None:
        """Begin; `alarm` must call `wake`."""
        self._alarm = alarm
        self.wake()

    def stop(self) -> None:
        """Call off every arrival that has not been let go."""
        self._end = self.next

    def wake(self) -> None:
        """Let go what is due, and set the alarm for what comes next."""
        if self.finished:
            return
        due_until = bisect_right(self._due_ns, self._clock.now_ns(), self.next, self._end)
        turn = take_due(first=self.next, due_until=due_until, free=self._free())
        self.next = turn.shed.stop
        for index in turn.send:
            self._send(index)
        for index in turn.shed:
            self._shed(index)
        self._set_alarm()

    def _set_alarm(self) -> None:
        if self.finished or self._alarm is None:
            return
        at_ns = self._due_ns[self.next]
        if self.next == 0:
            at_ns = min(at_ns, self._clock.now_ns() + _LOOK_AGAIN_NS)
        self._alarm.set(self._clock.origin_ns + at_ns)
