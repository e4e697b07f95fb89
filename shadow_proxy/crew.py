"""The workers of one proxy: kept running, changed together, and ended.

Knows one member a listener; refuses to know configurations and requests. Owned by the parent. A worker that
dies is started again on the same listener, and serves only once it serves by what its fellows serve by.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Iterable, Sequence

from shadow_proxy.member import LATE, Member, ServedBy
from shadow_proxy.orders import Order, Reload

__all__ = ["Crew", "ServedBy"]

LOG = logging.getLogger(__name__)
RESTART_AFTER_S = 0.2
MAX_RESTART_AFTER_S = 10.0
KILL_AFTER_DRAIN_S = 5.0
TRIES_AT_THE_START = 3


class Crew:
    """Keeps one worker on each listener until `stop`; tells `on_death` the number of any that died.

    `failed` says that at the start no worker could be brought to serve.
    """

    def __init__(
        self, listeners: Sequence[socket.socket], *, served_by: ServedBy, on_death: Callable[[int], None]
    ) -> None:
        self.stop = asyncio.Event()
        self.all_ready = asyncio.Event()
        self.restarts = 0
        self.failed = False
        self.served_by = served_by
        self._listeners = listeners
        self._on_death = on_death
        self._members: dict[int, Member] = {}

    @property
    def alive(self) -> bool:
        """Whether any worker runs."""
        return bool(self._members)

    @property
    def ready(self) -> bool:
        """Whether all workers serve and none is asked to stop."""
        serving = sum(member.serving for member in self._members.values())
        return serving == len(self._listeners) and not self.stop.is_set()

    def begin(self, tasks: asyncio.TaskGroup) -> None:
        """Start all."""
        for number, listener in enumerate(self._listeners):
            tasks.create_task(self._keep_running(number, listener))

    def drain(self) -> None:
        """Ask all to finish what they have begun; the listeners close, so that nothing more comes."""
        self.stop.set()
        self.all_ready.set()  # nobody waits for readiness any more
        for member in self._members.values():
            with contextlib.suppress(ProcessLookupError):  # it has just ended by itself
                member.process.terminate()
        for listener in self._listeners:
            listener.close()

    async def change(self, order: Order, *, to: ServedBy) -> list[str]:
        """Have all workers carry out an order that makes them serve by `to`; what went wrong, in words.

        If anything did, those that had taken it up go back, and nothing is changed.
        """
        problems: list[str] = []
        while not problems and (behind := self._serving_by_another(to)):
            problems = await self._ask(behind, order, to=to)
        if not problems:
            self.served_by = to
            return []
        back = Reload(config=self.served_by.config, counters=self.served_by.counters)
        self.served_by.put()
        await self._ask(self._serving_by_another(self.served_by), back, to=self.served_by)
        return problems

    def _serving_by_another(self, served_by: ServedBy) -> list[Member]:
        return [one for one in self._members.values() if one.serving and one.served_by is not served_by]

    async def _ask(self, members: Iterable[Member], order: Order, *, to: ServedBy) -> list[str]:
        asked = list(members)
        answers = await asyncio.gather(*(member.ask(order) for member in asked))
        for member, problem in zip(asked, answers, strict=True):
            if not problem:
                member.served_by = to
            elif problem == LATE:
                member.served_by = None  # it may do it yet: whatever it serves by then, it is told again
        return [f"worker {one.number}: {what}" for one, what in zip(asked, answers, strict=True) if what]

    async def _keep_running(self, number: int, listener: socket.socket) -> None:
        pause_s, tries = RESTART_AFTER_S, 0
        while not self.stop.is_set():
            served = await self._run_one(number, listener)
            if self.stop.is_set():
                break
            tries += 1
            if not self.all_ready.is_set() and tries >= TRIES_AT_THE_START:
                self.failed = True
                self.stop.set()
                break
            self.restarts += 1
            self._on_death(number)
            pause_s = RESTART_AFTER_S if served else min(2 * pause_s, MAX_RESTART_AFTER_S)
            with contextlib.suppress(TimeoutError):  # a pause between starts, cut short by a stop
                await asyncio.wait_for(self.stop.wait(), pause_s)

    async def _run_one(self, number: int, listener: socket.socket) -> bool:
        """One worker from its start to its end; whether it served."""
        try:
            member = await Member.start(number, listener, served_by=self.served_by)
        except OSError as error:
            LOG.warning("worker %d cannot be started: %s; it is tried again", number, error.strerror)
            return False
        self._members[number] = member
        if self.stop.is_set():
            member.process.terminate()
        code = await self._watch(member)
        self._members.pop(number, None)
        if not self.stop.is_set():
            LOG.warning("worker %d ended with code %d; another is started", number, code)
        return member.served

    async def _watch(self, member: Member) -> int:
        """Until it ends, or does not end in time after it was asked to; its exit code."""
        on_ready = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(member.listen(on_ready=on_ready))
            welcoming = tasks.create_task(self._welcome(member, on_ready))
            stopped = tasks.create_task(self.stop.wait())
            await asyncio.wait({listening, stopped}, return_when=asyncio.FIRST_COMPLETED)
            stopped.cancel()
            process = member.process
            try:
                async with asyncio.timeout(self.served_by.drain_s + KILL_AFTER_DRAIN_S):
                    code = await process.wait()
            except TimeoutError:
                LOG.warning("worker %d did not end in time and is killed", member.number)
                process.kill()
                code = await process.wait()
            await listening
            welcoming.cancel()
        return code

    async def _welcome(self, member: Member, on_ready: asyncio.Event) -> None:
        """Once it is ready, bring it to what the others serve by; until then it counts as starting."""
        await on_ready.wait()
        while member.served_by is not self.served_by:
            wanted = self.served_by
            wanted.put()
            order = Reload(config=wanted.config, counters=wanted.counters)
            if await self._ask([member], order, to=wanted):
                member.process.kill()  # the next one starts with it
                return
        member.serving = member.served = True
        if self.ready:
            self.all_ready.set()
