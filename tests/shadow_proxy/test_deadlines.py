"""A sweep expires what is due, once, and nothing else."""

import asyncio

from shadow_proxy.deadlines import NEVER_NS, Sweep, in_ns


class Egg:
    def __init__(self, sweep: Sweep, deadline_ns: int) -> None:
        self.deadline_ns = deadline_ns
        self.expired_ns: list[int] = []
        self._sweep = sweep

    def expire(self, now_ns: int) -> None:
        self.expired_ns.append(now_ns)
        self._sweep.leave(self)


def test_only_what_is_due_expires_and_only_once() -> None:
    async def scene() -> None:
        sweep = Sweep(asyncio.get_running_loop())
        eggs = [Egg(sweep, deadline) for deadline in (10, 20, NEVER_NS)]
        for egg in eggs:
            sweep.join(egg)
        for now_ns in (9, 10, 15, 30):
            sweep.look(now_ns)
        assert [egg.expired_ns for egg in eggs] == [[10], [30], []]
        assert len(sweep) == 1

    asyncio.run(scene())


def test_the_timer_looks_until_it_is_stopped() -> None:
    async def scene() -> None:
        sweep = Sweep(asyncio.get_running_loop())
        looked = asyncio.Event()
        sweep.also.append(lambda _: looked.set())
        sweep.start()
        async with asyncio.timeout(10):
            await looked.wait()
        sweep.stop()

    asyncio.run(scene())


def test_seconds_become_nanoseconds() -> None:
    assert in_ns(0.25) == 250_000_000
