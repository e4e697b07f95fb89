"""One worker process: a listener that the parent opened, one event loop, one journal.

Knows processes, signals and the order of starting and ending; refuses to know requests. Started by
`crew.py` as `python -m shadow_proxy.worker`; says `ready` on its standard output, takes orders on its
standard input (`orders.py`), drains on SIGTERM or when its input ends, and exits 0.
"""

import argparse
import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import ssl
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import uvloop

from recording.clock import RunClock
from recording.documents import load_document
from recording.errors import InputError
from recording.journal import JournalWriter
from recording.redaction import Redactor
from recording.run_folder import RunFolder
from scenarios.scenario import Scenario
from scenarios.timeline import Timeline
from shadow_proxy.access_log import AccessLog
from shadow_proxy.books import counter_file, scenario_of
from shadow_proxy.config import ProxyConfig
from shadow_proxy.counters import CounterRow
from shadow_proxy.deadlines import NS_PER_S
from shadow_proxy.logs import set_up_logs
from shadow_proxy.orders import READY, Order, Reload, parsed_order, reply_line
from shadow_proxy.plant import Ground, Plant
from shadow_proxy.rows import JournalRows, NoRows, Rows
from shadow_proxy.transport_security import listener_context, load_own_certificate

LOG = logging.getLogger(__name__)
BACKLOG = 1024
RESOLVE_S = 10.0
MAX_ORDER_BYTES = 1 << 16
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

    def __init__(
        self, options: WorkerOptions, *, journal: JournalWriter | None, say: Callable[[str], None]
    ) -> None:
        self._options = options
        self._say = say
        self._config = options.config
        self._journal = journal
        self._clock = RunClock.open(options.config.clock) if options.config.clock else RunClock.standalone()
        self._tls: ssl.SSLContext | None = None
        self._access_log: AccessLog | None = None
        self._counted: tuple[Path, CounterRow] | None = None
        self._stop = asyncio.Event()
        self._orders: asyncio.Queue[bytes] = asyncio.Queue(maxsize=16)

    def stop(self) -> None:
        """Begin to drain."""
        self._stop.set()

    def read_orders(self) -> None:
        """Lines on the standard input; its end is an order too."""
        received = os.read(sys.stdin.fileno(), MAX_ORDER_BYTES)
        if not received:
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
            self.stop()
        for line in received.splitlines():
            with contextlib.suppress(
                asyncio.QueueFull
            ):  # the parent waits for each answer: never in practice
                self._orders.put_nowait(line)

    async def run(self) -> None:
        """From listening to drained; it says when it serves."""
        loop = asyncio.get_running_loop()
        config = self._config
        self._tls = listener_context(config.tls) if config.tls else None
        async with asyncio.TaskGroup() as tasks:
            ground = self._ground(loop, tasks, config=config, counters=self._options.counters)
            self._access_log = self._opened_access_log(config, ground.row)
            plant = Plant(config, ground, access_log=self._access_log)
            await plant.resolve()
            plant.start()
            server = await loop.create_server(
                plant.clients.new_connection,
                sock=self._options.listener,
                backlog=BACKLOG,
                ssl=self._tls,
                ssl_handshake_timeout=config.deadlines.client_handshake_s if self._tls else None,
            )
            upkeep = [
                tasks.create_task(self._sync()),
                tasks.create_task(_resolve_again(plant)),
                tasks.create_task(self._obey(plant, tasks)),
            ]
            self._say(READY)
            await self._stop.wait()
            server.close()
            plant.drain()
            await self._drained(plant)
            plant.close()
            for task in upkeep:
                task.cancel()
        if self._access_log is not None:
            self._access_log.close()

    def _ground(
        self,
        loop: asyncio.AbstractEventLoop,
        tasks: asyncio.TaskGroup,
        *,
        config: ProxyConfig,
        counters: Path,
    ) -> Ground:
        scenario = scenario_of(config)
        row = self._row_of(counters, config, scenario)
        rows: Rows = NoRows()
        if self._journal is not None:
            redactor = Redactor(config.redact)
            rows = JournalRows(self._journal, clock=self._clock, row=row, redactor=redactor)
        timeline = Timeline(scenario, config.seed) if scenario else None
        return Ground(
            loop=loop,
            spawn=tasks.create_task,
            clock=self._clock,
            row=row,
            rows=rows,
            timeline=timeline,
            recording=self._journal is not None,
        )

    def _row_of(self, path: Path, config: ProxyConfig, scenario: Scenario | None) -> CounterRow:
        """Our cells in a file; one that is mapped already is not mapped again."""
        if self._counted is None or self._counted[0] != path:
            self._counted = path, counter_file(path, config, scenario).row(self._options.number)
        return self._counted[1]

    def _opened_access_log(self, config: ProxyConfig, row: CounterRow) -> AccessLog | None:
        if config.access_log is None:
            return None
        return AccessLog(
            config.access_log,
            redactor=Redactor(config.redact),
            max_bytes=config.limits.access_log_unwritten_bytes,
            row=row,
        )

    async def _obey(self, plant: Plant, tasks: asyncio.TaskGroup) -> None:
        while True:
            number, order = parsed_order(await self._orders.get())
            problem = ""
            try:
                await self._carry_out(order, plant, tasks)
            except InputError as error:
                problem = str(error)
            except Exception as error:  # noqa: BLE001  # whatever is wrong with an order, the worker serves on
                problem = f"{type(error).__name__}: {error}"
            self._say(reply_line(number, problem))

    async def _carry_out(self, order: Order, plant: Plant, tasks: asyncio.TaskGroup) -> None:
        if not isinstance(order, Reload):
            plant.lineup.set_shares(canary=order.canary, mirror=order.mirror)
            return
        config = load_document(order.config, ProxyConfig)
        ground = self._ground(asyncio.get_running_loop(), tasks, config=config, counters=order.counters)
        access_log = self._opened_access_log(config, ground.row)
        if self._tls is not None and config.tls is not None:
            load_own_certificate(self._tls, config.tls.certificate, config.tls.key, place="tls")
        await plant.replace(config, ground, access_log=access_log)
        earlier, self._access_log = self._access_log, access_log
        self._config = config
        if earlier is not None:
            await asyncio.to_thread(earlier.close)

    def _note_access_log(self, access_log: AccessLog) -> None:
        """Count what was lost, and say why."""
        access_log.publish()
        trouble = access_log.take_trouble()
        if trouble:
            LOG.error("access log: %s; lines are dropped and counted", trouble)

    async def _drained(self, plant: Plant) -> None:
        with contextlib.suppress(TimeoutError):  # what is not done by then is cancelled and recorded so
            async with asyncio.timeout(self._config.deadlines.drain_s):
                await plant.drained.wait()

    async def _sync(self) -> None:
        """Make durable what was appended, and say what could not be."""
        while True:
            deadlines = self._config.deadlines
            await asyncio.sleep(deadlines.journal_sync_s)
            journal = self._journal
            if journal is not None:
                journal.rotate(older_than_ns=round(deadlines.journal_segment_s * NS_PER_S))
                await asyncio.to_thread(journal.sync)
                trouble = journal.take_trouble()
                if trouble:
                    LOG.error("recording: %s; requests are served all the same", trouble)
            if self._access_log is not None:
                await asyncio.to_thread(self._access_log.flush)
                self._note_access_log(self._access_log)


async def _resolve_again(plant: Plant) -> None:
    while True:
        await asyncio.sleep(RESOLVE_S)
        await plant.resolve()


def serve(options: WorkerOptions) -> None:
    """Run one worker in this process until it is drained."""
    journal = _journal(options)
    say = _own_output()

    async def main() -> None:
        worker = Worker(options, journal=journal, say=say)
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sign, worker.stop)
        loop.add_reader(sys.stdin.fileno(), worker.read_orders)
        await worker.run()
        loop.remove_reader(sys.stdin.fileno())

    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a reload is the parent's to order
    gc.set_threshold(*GC_THRESHOLDS)
    gc.freeze()
    uvloop.run(main())
    if journal is not None:
        journal.close()


def _own_output() -> Callable[[str], None]:
    """Where the parent listens; what anybody else prints here, an adapter say, goes to standard error."""
    parent = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())

    def say(line: str) -> None:
        print(line, file=parent, flush=True)

    return say


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
    config = load_document(arguments.config, ProxyConfig)
    set_up_logs(config.log_format)
    serve(
        WorkerOptions(
            config=config,
            number=arguments.number,
            listener=socket.socket(fileno=arguments.listener),
            counters=arguments.counters,
        )
    )


if __name__ == "__main__":
    main()
