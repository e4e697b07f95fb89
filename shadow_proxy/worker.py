"""One worker process: a listener that the parent opened, one event loop, one journal.

Knows processes, signals and the order of starting and ending; refuses to know requests. Started by
`parent.py` as `python -m shadow_proxy.worker`; says `ready` on its standard output, drains on SIGTERM or when
the parent's end of its standard input closes, and exits 0.
"""

import argparse
import asyncio
import contextlib
import gc
import logging
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import uvloop

from recording.clock import RunClock
from recording.documents import load_document
from recording.journal import JournalWriter
from recording.run_folder import RunFolder
from scenarios.timeline import Timeline
from shadow_proxy.config import ProxyConfig
from shadow_proxy.deadlines import NS_PER_S
from shadow_proxy.plant import Ground, Plant
from shadow_proxy.rows import JournalRows, NoRows
from shadow_proxy.stock import counter_file, scenario_of

READY = "ready"
BACKLOG = 1024
RESOLVE_S = 10.0
# The hot path makes few cycles; a collection over everything at the usual threshold is a stall for nothing.
GC_THRESHOLDS = (50_000, 50, 100)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerOptions:
    """What the parent tells a worker on its command line."""

    config: ProxyConfig
    number: int
    listener: socket.socket
    counters: Path


class Worker:
    """Runs a plant until it is told to stop, then drains it."""

    def __init__(self, options: WorkerOptions, *, journal: JournalWriter | None) -> None:
        self._options = options
        self._journal = journal
        self._stop = asyncio.Event()

    def stop(self) -> None:
        """Begin to drain."""
        self._stop.set()

    async def run(self, announce: Callable[[], None]) -> None:
        """From listening to drained; `announce` is called when it serves."""
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as tasks:
            plant = self._plant(loop, tasks)
            await plant.resolve()
            plant.start()
            server = await loop.create_server(
                plant.clients.new_connection, sock=self._options.listener, backlog=BACKLOG
            )
            upkeep = [tasks.create_task(self._sync_journal()), tasks.create_task(_resolve_again(plant))]
            announce()
            await self._stop.wait()
            server.close()
            plant.drain()
            await self._drained(plant)
            plant.close()
            for task in upkeep:
                task.cancel()

    def _plant(self, loop: asyncio.AbstractEventLoop, tasks: asyncio.TaskGroup) -> Plant:
        options = self._options
        config = options.config
        scenario = scenario_of(config)
        row = counter_file(options.counters, config, scenario).row(options.number)
        clock = RunClock.open(config.clock) if config.clock else RunClock.standalone()
        rows = JournalRows(self._journal, clock=clock, row=row) if self._journal else NoRows()
        timeline = Timeline(scenario, config.seed) if scenario else None
        ground = Ground(
            loop=loop, spawn=tasks.create_task, clock=clock, row=row, rows=rows, timeline=timeline
        )
        return Plant(config, ground)

    async def _drained(self, plant: Plant) -> None:
        with contextlib.suppress(TimeoutError):  # what is not done by then is cancelled and recorded so
            async with asyncio.timeout(self._options.config.deadlines.drain_s):
                await plant.drained.wait()

    async def _sync_journal(self) -> None:
        deadlines = self._options.config.deadlines
        while self._journal is not None:
            await asyncio.sleep(deadlines.journal_sync_s)
            self._journal.rotate(older_than_ns=round(deadlines.journal_segment_s * NS_PER_S))
            await asyncio.to_thread(self._journal.sync)


async def _resolve_again(plant: Plant) -> None:
    while True:
        await asyncio.sleep(RESOLVE_S)
        await plant.resolve()


def serve(options: WorkerOptions) -> None:
    """Run one worker in this process until it is drained."""
    journal = _journal(options)
    worker: Worker | None = None

    async def main() -> None:
        nonlocal worker
        worker = Worker(options, journal=journal)
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sign, worker.stop)
        loop.add_reader(sys.stdin.fileno(), worker.stop)
        await worker.run(lambda: print(READY, flush=True))
        loop.remove_reader(sys.stdin.fileno())

    gc.set_threshold(*GC_THRESHOLDS)
    gc.freeze()
    uvloop.run(main())
    if journal is not None:
        journal.close()


def _journal(options: WorkerOptions) -> JournalWriter | None:
    if options.config.record is None:
        return None
    limits = options.config.limits
    return JournalWriter(
        RunFolder(options.config.record).journal / f"exchanges-{options.number}",
        segment_bytes=limits.journal_segment_bytes,
        max_bytes=limits.journal_unread_bytes,
    )


def main() -> None:
    """The command line that the parent uses."""
    parser = argparse.ArgumentParser(description="One worker of the shadow proxy; started by its parent.")
    parser.add_argument("config", type=Path)
    parser.add_argument("--number", type=int, required=True)
    parser.add_argument("--listener", type=int, required=True, help="file descriptor of a bound socket")
    parser.add_argument("--counters", type=Path, required=True)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="shadow_proxy %(levelname)s: %(message)s")
    serve(
        WorkerOptions(
            config=load_document(arguments.config, ProxyConfig),
            number=arguments.number,
            listener=socket.socket(fileno=arguments.listener),
            counters=arguments.counters,
        )
    )


if __name__ == "__main__":
    main()
