"""The parent process: it opens the ports, keeps N workers running, answers the admin port, and ends them all.

Knows processes; refuses to know requests. Started by `python -m shadow_proxy`. A worker that dies is started
again on the same listener and counted; what it had under way is settled as lost. On SIGTERM: not ready,
workers drain, listeners close, `accounting.json` is written, exit 0.
"""

import asyncio
import contextlib
import json
import logging
import signal
import socket
import tempfile
from asyncio.subprocess import PIPE, Process
from pathlib import Path

from aiohttp import web
from prometheus_client import CollectorRegistry

from recording.run_folder import RunFolder, write_json
from shadow_proxy.account_document import account_document
from shadow_proxy.accounting import settle
from shadow_proxy.admin import admin_app
from shadow_proxy.compiled import is_built, worker_command, worker_environment
from shadow_proxy.config import ProxyConfig, host_and_port
from shadow_proxy.listening import address_of, open_listeners
from shadow_proxy.metrics import ProxyCollector
from shadow_proxy.stock import counter_file, scenario_of
from shadow_proxy.worker import READY

LOG = logging.getLogger(__name__)
RESTART_AFTER_S = 0.2
KILL_AFTER_DRAIN_S = 5.0


class Parent:
    """One proxy: its workers and its admin port."""

    def __init__(self, config: ProxyConfig, *, config_path: Path, scratch: Path) -> None:
        self._config = config
        self._config_path = config_path
        self._counters_path = scratch / "counters"
        self._scenario = scenario_of(config)
        self._counters = counter_file(self._counters_path, config, self._scenario)
        self._listeners = open_listeners(config.listen, count=config.workers)
        self._serving: dict[int, Process] = {}
        self._running: dict[int, Process] = {}
        self._stop = asyncio.Event()
        self._all_ready = asyncio.Event()
        self.restarts = 0

    @property
    def alive(self) -> bool:
        """Whether any worker runs."""
        return bool(self._running)

    @property
    def ready(self) -> bool:
        """Whether all workers serve and none is asked to stop."""
        return len(self._serving) == self._config.workers and not self._stop.is_set()

    def account(self) -> dict[str, object]:
        """The account as a document."""
        totals = self._counters.totals()
        return account_document(totals, self._config, scenario=self._scenario, restarts=self.restarts)

    async def run(self) -> None:
        """From opening the ports to the last worker's end."""
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sign, self._stop.set)
        runner = web.AppRunner(admin_app(self, self._registry()), access_log=None)
        try:
            admin = await self._open_admin(runner)
            async with asyncio.TaskGroup() as tasks:
                for number, listener in enumerate(self._listeners):
                    tasks.create_task(self._keep_running(number, listener))
                tasks.create_task(self._announce(admin))
                await self._stop.wait()
                self._drain()
            self._write_account()
        finally:
            await runner.cleanup()

    def _drain(self) -> None:
        self._all_ready.set()  # nobody waits for readiness any more
        for process in self._running.values():
            with contextlib.suppress(ProcessLookupError):  # it has just ended by itself
                process.terminate()
        for listener in self._listeners:
            listener.close()

    async def _keep_running(self, number: int, listener: socket.socket) -> None:
        while not self._stop.is_set():
            process = await self._start(number, listener)
            code = await self._watch(number, process)
            if self._stop.is_set():
                break
            self.restarts += 1
            settle(self._counters.row(number), targets=[target.name for target in self._config.targets])
            LOG.warning("worker %d ended with code %d and is started again", number, code)
            with contextlib.suppress(TimeoutError):  # a pause between starts, cut short by a stop
                await asyncio.wait_for(self._stop.wait(), RESTART_AFTER_S)

    async def _start(self, number: int, listener: socket.socket) -> Process:
        arguments = [*worker_command("shadow_proxy.worker"), str(self._config_path)]
        arguments += ["--number", str(number), "--listener", str(listener.fileno())]
        arguments += ["--counters", str(self._counters_path)]
        process = await asyncio.create_subprocess_exec(
            *arguments, stdin=PIPE, stdout=PIPE, pass_fds=(listener.fileno(),), env=worker_environment()
        )
        self._running[number] = process
        if self._stop.is_set():
            process.terminate()
        return process

    async def _watch(self, number: int, process: Process) -> int:
        if process.stdout is not None and (await process.stdout.readline()).strip() == READY.encode():
            self._serving[number] = process
            if self.ready:
                self._all_ready.set()
        ended = asyncio.ensure_future(process.wait())
        stopped = asyncio.ensure_future(self._stop.wait())
        await asyncio.wait({ended, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        try:
            async with asyncio.timeout(self._config.deadlines.drain_s + KILL_AFTER_DRAIN_S):
                code = await ended
        except TimeoutError:
            LOG.warning("worker %d did not drain in time and is killed", number)
            process.kill()
            code = await process.wait()
        self._serving.pop(number, None)
        self._running.pop(number, None)
        return code

    async def _announce(self, admin: str | None) -> None:
        await self._all_ready.wait()
        if self.ready:
            listen = [address_of(self._listeners[0])]
            ready = {"ready": True, "listen": listen, "admin": admin, "compiled": is_built()}
            print(json.dumps(ready), flush=True)

    async def _open_admin(self, runner: web.AppRunner) -> str | None:
        if self._config.admin is None:
            return None
        await runner.setup()
        host, port = host_and_port(self._config.admin)
        site = web.TCPSite(runner, host, port)
        await site.start()
        bound_host, bound_port = runner.addresses[0][:2]
        return f"http://{bound_host}:{bound_port}"

    def _registry(self) -> CollectorRegistry:
        registry = CollectorRegistry()
        registry.register(
            ProxyCollector(
                self._config,
                scenario=self._scenario,
                read=self._counters.totals,
                restarts=lambda: self.restarts,
            )
        )
        return registry

    def _write_account(self) -> None:
        if self._config.record is not None:
            self._config.record.mkdir(parents=True, exist_ok=True)
            write_json(RunFolder(self._config.record).accounting, self.account())


def run_parent(config: ProxyConfig, *, config_path: Path) -> None:
    """Serve until told to stop."""

    async def main(scratch: Path) -> None:
        await Parent(config, config_path=config_path, scratch=scratch).run()

    with tempfile.TemporaryDirectory(prefix="sparring-proxy-") as scratch:
        asyncio.run(main(Path(scratch)))
