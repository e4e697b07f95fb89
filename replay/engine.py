"""The replay engine: an open loop that sends a trace on an absolute schedule and records what came of it.

Knows how schedule, traffic, pacer, sender and rows fit together, when a replay is over, and what ends it
early; refuses to know each of their rules. `__main__.py` runs it as a process, tests run it in a loop of
their own.

Open loop: whether a request is sent never depends on the answers to earlier ones. What limits memory, the
bound on requests in flight, sheds arrivals in plain sight instead of delaying them.
"""

import asyncio
import time
from collections.abc import Callable

import numpy as np

from loadprofiles.profile import NS_PER_S
from recording.errors import InputError
from recording.exchange import NEVER
from replay.alarm import open_alarm
from replay.config import ReplayConfig
from replay.figures import done_figures, progress_figures
from replay.pacer import Clock, Pacer
from replay.priority import prompt_wakes
from replay.quiet import no_collections
from replay.rows import Rows
from replay.schedule import Schedule
from replay.sender import Sender
from replay.traffic import Traffic, Unsendable
from replay.watchdog import TICK_NS, Watchdog

START_LEAD_NS = 100_000_000
_PROGRESS_S = 0.5
_SYNC_S = 1.0
_PROBE_S = 5.0

Report = Callable[[dict[str, object]], None]


class Engine:
    """One replay. `report` gets `{"progress": …}` once all is ready, then twice a second; it may not wait."""

    def __init__(
        self,
        config: ReplayConfig,
        *,
        schedule: Schedule,
        traffic: Traffic,
        rows: Rows,
        clock: Clock,
        report: Report,
    ) -> None:
        self._config = config
        self._schedule = schedule
        self._traffic = traffic
        self._rows = rows
        self._clock = clock
        self._report = report
        self._loop = asyncio.get_running_loop()
        self._over: asyncio.Future[None] = self._loop.create_future()
        self._stops = 0
        self._reported = 0
        self._due_ns = schedule.due_ns.copy()  # from the replay's start until it starts, then on the clock
        self._sent_ns = np.full_like(self._due_ns, NEVER)
        self._watchdog = Watchdog()
        self._pacer = Pacer(self._due_ns, clock=clock, send=self._send, shed=self._shed, free=self._free)
        self._tasks = asyncio.TaskGroup()
        self._sender = self._new_sender()

    async def run(self) -> dict[str, object]:
        """Replay to the end, or until stopped; the `{"done": …}` figures."""
        await self._probe()
        self._loop.set_exception_handler(self._failed)
        began_ns = time.process_time_ns()
        with no_collections(), prompt_wakes(wanted=self._config.realtime) as realtime:
            async with self._tasks:
                await self._replay()
        cpu_s = (time.process_time_ns() - began_ns) / NS_PER_S
        return {"done": {**self._done(), "cpu_s": cpu_s, "realtime": realtime}}

    def stop(self) -> None:
        """Send nothing more; requests in flight get a moment, and none at the second call."""
        self._stops += 1
        self._pacer.stop()
        grace_s = self._config.stop_grace_s if self._stops == 1 else 0
        self._loop.call_later(grace_s, self._sender.cancel_all)
        self._maybe_over()

    async def _probe(self) -> None:
        host, port = self._config.address
        try:
            async with asyncio.timeout(_PROBE_S):
                transport, _ = await self._loop.create_connection(asyncio.Protocol, host, port)
        except (OSError, TimeoutError) as error:
            why = f"does not answer: {error}" if str(error) else f"does not answer within {_PROBE_S:g} s"
            raise InputError(
                why, place=self._config.to, fix="start the target first, or check host and port"
            ) from None
        transport.abort()

    def _new_sender(self) -> Sender:
        host, port = self._config.address
        return Sender(
            connect=lambda protocol: self._loop.create_connection(protocol, host, port),
            tasks=self._tasks,
            clock=self._clock,
            rows=self._rows,
            sent_ns=self._sent_ns,
            timeout_ns=round(self._config.timeout_s * NS_PER_S),
            keep_bytes=self._config.keep_body_bytes,
            emptied=self._maybe_over,
        )

    async def _replay(self) -> None:
        alarm = open_alarm(self._loop, self._wake)
        beside = [self._tasks.create_task(work) for work in (self._tick(), self._tell(), self._sync())]
        try:
            self._report({"progress": self._progress()})
            self._due_ns += self._start_ns()
            self._pacer.start(alarm)
            self._maybe_over()
            await self._over
        finally:
            alarm.close()
            self._sender.close()
            for task in beside:
                task.cancel()

    def _start_ns(self) -> int:
        start_at_ns = self._config.start_at_ns
        return self._clock.now_ns() + START_LEAD_NS if start_at_ns is None else start_at_ns

    def _wake(self) -> None:
        self._pacer.wake()
        self._traffic.build_ahead()
        self._maybe_over()

    def _send(self, index: int) -> None:
        request_id, message = self._traffic.take()
        due_ns = int(self._due_ns[index])
        if isinstance(message, Unsendable):
            self._sender.drop(index, request_id=request_id, due_ns=due_ns, reason="unsendable")
            return
        told_ns = due_ns if self._config.due_header else None
        wire = message.sent_as(request_id, due_ns=told_ns)
        self._sender.send(index, message=message, request_id=request_id, wire=wire, due_ns=due_ns)

    def _shed(self, index: int) -> None:
        request_id, _ = self._traffic.take()
        self._sender.drop(index, request_id=request_id, due_ns=int(self._due_ns[index]), reason="shed")

    def _free(self) -> int:
        return self._config.max_in_flight - self._sender.in_flight

    def _maybe_over(self) -> None:
        if self._pacer.finished and not self._sender.in_flight and not self._over.done():
            self._over.set_result(None)

    def _failed(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        """A bug in a callback ends the replay instead of leaving it waiting for ever."""
        error = context.get("exception")
        if isinstance(error, Exception) and not self._over.done():
            self._over.set_exception(error)
        else:
            loop.default_exception_handler(context)

    async def _tick(self) -> None:
        self._watchdog.expect(self._clock.now_ns())
        while True:
            await asyncio.sleep(TICK_NS / NS_PER_S)
            now_ns = self._clock.now_ns()
            self._watchdog.tick(now_ns)
            self._sender.sweep(now_ns)

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(_PROGRESS_S)
            self._report({"progress": self._progress()})

    async def _sync(self) -> None:
        while True:
            await asyncio.sleep(_SYNC_S)
            await self._loop.run_in_executor(None, self._rows.sync)

    def _progress(self) -> dict[str, object]:
        recent = slice(self._reported, self._pacer.next)
        self._reported = self._pacer.next
        return progress_figures(
            outcomes=self._sender.outcomes,
            in_flight=self._sender.in_flight,
            total=len(self._due_ns),
            recent_due_ns=self._due_ns[recent],
            recent_sent_ns=self._sent_ns[recent],
        )

    def _done(self) -> dict[str, object]:
        came_due = slice(0, self._pacer.next)
        figures = done_figures(
            outcomes=self._sender.outcomes,
            total=len(self._due_ns),
            due_ns=self._due_ns[came_due],
            sent_ns=self._sent_ns[came_due],
            watchdog=self._watchdog,
            starved=self._traffic.starved,
        )
        return {
            **figures,
            "rows_dropped": self._rows.dropped,
            "stopped_early": self._stops > 0,
            "profile": self._schedule.profile,
            "arrival": self._schedule.arrival,
            "seed": self._config.seed,
            "schedule_digest": self._schedule.digest,
        }
