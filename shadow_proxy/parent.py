"""The parent process: it opens the ports, keeps a crew of workers, answers the admin port, and ends them all.

Knows the proxy as a whole and what may change while it runs; refuses to know requests. Started by
`python -m shadow_proxy`. On SIGHUP the configuration is read again; on SIGTERM: not ready, workers drain,
listeners close, `accounting.json` is written, exit 0.
"""

import asyncio
import contextlib
import fcntl
import itertools
import json
import logging
import os
import signal
import tempfile
from pathlib import Path

from aiohttp import web
from prometheus_client import CollectorRegistry

from recording.documents import load_document
from recording.errors import InputError
from recording.run_folder import RunFolder, write_json
from shadow_proxy.account_document import account_document
from shadow_proxy.admin import admin_app
from shadow_proxy.books import Books
from shadow_proxy.bounded import Bounded
from shadow_proxy.compiled import is_built
from shadow_proxy.config import ProxyConfig, host_and_port
from shadow_proxy.crew import Crew, ServedBy
from shadow_proxy.listening import address_of, forget, open_listeners
from shadow_proxy.metrics import ProxyCollector
from shadow_proxy.orders import Reload, SetShares
from shadow_proxy.reloading import (
    check_own_addresses,
    check_reloadable,
    check_shares,
    check_startable,
    with_shares,
)
from shadow_proxy.tokens import admin_token

LOG = logging.getLogger(__name__)
ADMIN_IDLE_S = 10.0


class Parent:
    """One proxy: its workers and its admin port. `config` is what it serves by now."""

    def __init__(self, config: ProxyConfig, *, config_path: Path, scratch: Path, ask_above: bool) -> None:
        self.config = config
        self._config_path = config_path
        self._scratch = scratch
        self._ask_above = ask_above
        check_startable(config)
        self._books = Books(scratch)
        self._token = admin_token(config)
        counters = self._books.open(config)
        listeners = open_listeners(config.listen, count=config.workers)
        self._listen = address_of(listeners[0])
        check_own_addresses(config, listen=self._listen)
        self._changing = asyncio.Lock()
        self._files = itertools.count(1)
        self._reloads = 0
        self._admin_server: asyncio.Server | None = None
        served_by = self._served_by(config, counters)
        self._crew = Crew(listeners, served_by=served_by, on_death=self._books.settle)

    @property
    def alive(self) -> bool:
        """Whether any worker runs."""
        return self._crew.alive

    @property
    def ready(self) -> bool:
        """Whether all workers serve and none is asked to stop."""
        return self._crew.ready

    def account(self) -> dict[str, object]:
        """The account as a document."""
        books = self._books
        return account_document(
            books.totals(),
            books.accounts(),
            scenario=books.scenario,
            workers=self.config.workers,
            restarts=self._crew.restarts,
        )

    async def set_shares(self, *, canary: float | None = None, mirror: float | None = None) -> None:
        """Change one share or both in all workers; `InputError` if it cannot be."""
        async with self._changing:
            changed = with_shares(self.config, canary=canary, mirror=mirror)
            check_shares(changed)
            order = SetShares(canary=changed.canary.share, mirror=changed.mirror)
            wanted = self._served_by(changed, self._crew.served_by.counters)
            problems = await self._crew.change(order, to=wanted)
            if problems:
                raise InputError("; ".join(problems), place="shares", fix="nothing was changed")
            self.config = changed
            LOG.info("shares: canary %g, mirror %g", changed.canary.share, changed.mirror)

    async def reload(self) -> None:
        """Read the configuration again and serve by it; `InputError` if it cannot be, and nothing changes."""
        if self._ask_above:
            await self._reload_through_above()
        else:
            await self._reload_own_file()

    async def run(self) -> None:
        """From opening the ports to the last worker's end."""
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sign, self._crew.stop.set)
        app = admin_app(self, self._registry(), token=self._token)
        runner = web.AppRunner(app, access_log=None, keepalive_timeout=ADMIN_IDLE_S)
        try:
            admin = await self._open_admin(runner)
            async with asyncio.TaskGroup() as tasks:
                loop.add_signal_handler(signal.SIGHUP, lambda: tasks.create_task(self._reload_by_signal()))
                self._crew.begin(tasks)
                tasks.create_task(self._announce(admin))
                await self._crew.stop.wait()
                self._crew.drain()
            self._write_account()
            if self._crew.failed:
                raise InputError(
                    "no worker could be brought to serve", place="workers", fix="standard error says why"
                )
        finally:
            loop.remove_signal_handler(signal.SIGHUP)
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            forget(self.config.listen)
            if self._admin_server is not None:
                self._admin_server.close()
            await runner.cleanup()

    async def _reload_by_signal(self) -> None:
        try:
            await self._reload_own_file()
        except InputError as error:
            LOG.error("not reloaded: %s", error)  # noqa: TRY400  # the user's mistake, said in full
        except Exception:
            LOG.exception("not reloaded")

    async def _reload_own_file(self) -> None:
        async with self._changing:
            config = load_document(self._config_path, ProxyConfig)
            check_reloadable(self.config, config)
            check_own_addresses(config, listen=self._listen)
            check_startable(config)
            if self._crew.stop.is_set():
                raise InputError("the proxy is ending", place="reload")
            counters = self._books.open(config)
            wanted = self._served_by(config, counters)
            order = Reload(config=wanted.config, counters=wanted.counters)
            problems = await self._crew.change(order, to=wanted)
            if problems:
                raise InputError("; ".join(problems), place=str(self._config_path), fix="nothing was changed")
            self.config = config
            self._reloads += 1
            LOG.info("reloaded %s", self._config_path)

    async def _reload_through_above(self) -> None:
        """Whoever started us made our file from others: ask there, and wait for the SIGHUP that follows."""
        before = self._reloads
        os.kill(os.getppid(), signal.SIGHUP)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(10):
                while self._reloads == before:  # noqa: ASYNC110  # the signal has no event of its own
                    await asyncio.sleep(0.02)
        if self._reloads == before:
            raise InputError("not reloaded", place="configuration", fix="the proxy's standard error says why")

    async def _announce(self, admin: str | None) -> None:
        await self._crew.all_ready.wait()
        if self.ready:
            ready = {"ready": True, "listen": [self._listen], "admin": admin, "compiled": is_built()}
            print(json.dumps(ready), flush=True)

    async def _open_admin(self, runner: web.AppRunner) -> str | None:
        if self.config.admin is None:
            return None
        await runner.setup()
        host, port = host_and_port(self.config.admin)
        assert runner.server is not None
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(Bounded(runner.server), host, port)
        except OSError as error:
            raise InputError(
                f"cannot listen on {self.config.admin}: {error.strerror}",
                place="admin",
                fix="use a free port, or 0",
            ) from None
        self._admin_server = server
        bound_host, bound_port = server.sockets[0].getsockname()[:2]
        return f"http://{bound_host}:{bound_port}"

    def _served_by(self, config: ProxyConfig, counters: Path) -> ServedBy:
        """The configuration as a file of its own for workers."""
        served_by = ServedBy(
            config=self._scratch / f"served-by-{next(self._files)}.json",
            counters=counters,
            document=config.model_dump_json().encode(),
            drain_s=config.deadlines.drain_s,
        )
        served_by.put()
        return served_by

    def _registry(self) -> CollectorRegistry:
        registry = CollectorRegistry()
        registry.register(
            ProxyCollector(self._books, restarts=lambda: self._crew.restarts, shares=self._shares)
        )
        return registry

    def _shares(self) -> dict[str, float]:
        return {"canary": self.config.canary.share, "mirror": self.config.mirror}

    def _write_account(self) -> None:
        if self.config.record is None:
            return
        try:
            self.config.record.mkdir(parents=True, exist_ok=True)
            write_json(RunFolder(self.config.record).accounting, self.account())
        except OSError as error:
            LOG.warning("the account is not kept: %s: %s", self.config.record, error.strerror)


def run_parent(config: ProxyConfig, *, config_path: Path, ask_above: bool = False) -> None:
    """Serve until told to stop; `ask_above` if a reload begins in the process that started this one."""

    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until there is something to reload

    async def main(scratch: Path) -> None:
        await Parent(config, config_path=config_path, scratch=scratch, ask_above=ask_above).run()

    with tempfile.TemporaryDirectory(prefix="sparring-proxy-", ignore_cleanup_errors=True) as scratch:
        held = os.open(scratch, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        fcntl.flock(held, fcntl.LOCK_SH)  # what tidies temporary folders passes over one that is locked
        try:
            asyncio.run(main(Path(scratch)))
        finally:
            os.close(held)
