"""Both alarms, in real time: they ring, they ring for the instant set last, and never again once closed."""

import asyncio
import sys
import time
from collections.abc import Callable

import pytest
import uvloop

from replay.alarm import Alarm, LoopTimer, TimerFd, open_alarm

Open = Callable[[asyncio.AbstractEventLoop, Callable[[], None]], Alarm]
KINDS = [
    LoopTimer,
    pytest.param(TimerFd, marks=pytest.mark.skipif(sys.platform != "linux", reason="no timerfd")),
]


def rings(open_kind: Open, *ahead_ns: int) -> int:
    """Set an alarm several times in a row; the instant at which it first rang, after the last was set."""

    async def scene() -> int:
        rang: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        alarm = open_kind(asyncio.get_running_loop(), lambda: rang.set_result(time.monotonic_ns()))
        start_ns = time.monotonic_ns()
        for ahead in ahead_ns:
            alarm.set(start_ns + ahead)
        at_ns = await rang
        alarm.close()
        return at_ns - start_ns

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(scene())


@pytest.mark.parametrize("kind", KINDS)
def test_an_alarm_rings_for_the_instant_that_was_set_last(kind: Open) -> None:
    early_ns = 1_000_000  # a loop's timer may be this much early
    assert rings(kind, 3600_000_000_000, 20_000_000) >= 20_000_000 - early_ns


@pytest.mark.parametrize("kind", KINDS)
def test_an_instant_that_has_passed_rings_at_once(kind: Open) -> None:
    assert rings(kind, -5) > 0
    assert rings(kind, -(10**18)) > 0


@pytest.mark.parametrize("kind", KINDS)
def test_a_closed_alarm_does_not_ring(kind: Open) -> None:
    async def scene() -> None:
        alarm = kind(asyncio.get_running_loop(), lambda: pytest.fail("rang after it was closed"))
        alarm.set(time.monotonic_ns() + 1)
        alarm.close()
        for _ in range(5):
            await asyncio.sleep(0)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(scene())


def test_the_finest_alarm_is_the_default() -> None:
    async def scene() -> Alarm:
        alarm = open_alarm(asyncio.get_running_loop(), lambda: None)
        alarm.close()
        return alarm

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert isinstance(runner.run(scene()), TimerFd if sys.platform == "linux" else LoopTimer)
