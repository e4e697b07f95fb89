"""`sparring proxy` and its targets as processes, for the slow tests: started, looked at, and always ended.

Knows what the command prints, its process tree and its admin port; refuses to know what a test does to it.
Waiting is polling with a deadline throughout.
"""

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).parents[2]
POLL_S = 0.02
PATIENCE_S = 60.0
QUIET_PORTS = (20_000, 30_000)  # not those that connecting clients get: one might connect to itself

Document = dict[str, Any]  # Any: JSON


async def until(holds: Callable[[], Awaitable[bool]], *, within_s: float = PATIENCE_S) -> None:
    """Look until it holds; `TimeoutError` if it never does."""
    async with asyncio.timeout(within_s):
        while not await holds():  # noqa: ASYNC110  # what another process does is no event of ours
            await asyncio.sleep(POLL_S)


def two_quiet_ports() -> list[int]:
    """Ports that nobody listens on and no client is given."""
    with contextlib.ExitStack() as held:
        ports: list[int] = []
        while len(ports) < 2:
            probe = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", random.randrange(*QUIET_PORTS)))
                ports.append(int(probe.getsockname()[1]))
        return ports


class TargetProcess:
    """A `soak_target.py`."""

    def __init__(self) -> None:
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-m", "tests.end_to_end.soak_target"]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment
        )
        self.port = int(self._line())

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    def turn(self, mode: str) -> None:
        """Behave otherwise from now on."""
        stdin = self.process.stdin
        assert stdin is not None
        stdin.write(f"{mode}\n")
        stdin.flush()
        assert self._line() == mode

    def freeze(self) -> None:
        """SIGSTOP: the kernel accepts for it, and nobody answers."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self.process.send_signal(signal.SIGCONT)

    def end(self) -> None:
        """End it, frozen or not."""
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()
        self.process.wait()

    def _line(self) -> str:
        stdout = self.process.stdout
        assert stdout is not None
        return stdout.readline().strip()


@contextmanager
def two_targets() -> Iterator[tuple[TargetProcess, TargetProcess]]:
    """A baseline and a candidate."""
    targets: list[TargetProcess] = []
    try:
        for _ in range(2):
            targets.append(TargetProcess())  # noqa: PERF401  # the first must be ended if the second fails
        yield targets[0], targets[1]
    finally:
        for target in targets:
            target.end()


def targets_of(baseline: TargetProcess, candidate: TargetProcess) -> list[Document]:
    """As the proxy's configuration has them."""
    return [
        {"name": "baseline", "role": "baseline", "url": baseline.url},
        {"name": "candidate", "role": "candidate", "url": candidate.url},
    ]


@dataclass(kw_only=True)
class Service:
    """One `sparring proxy CONFIG`, which may be killed and started again on the same folder.

    `command` may name another module that takes the same file.
    """

    folder: Path
    config: Document
    command: tuple[str, ...] = ("sparring", "proxy")
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    _log: Path = field(init=False)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._log = self.folder / "console-0.txt"

    @property
    def port(self) -> int:
        """Where clients connect."""
        return int(str(self.config["listen"]).rpartition(":")[2])

    @property
    def record(self) -> Path:
        """The run folder."""
        return Path(self.config["record"])

    def begin(self) -> None:
        """Start it; `is_up` says when it serves."""
        self.starts += 1
        self._log = self.folder / f"console-{self.starts}.txt"
        path = self.folder / "proxy.json"
        path.write_text(json.dumps(self.config))
        ours = {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", "TMPDIR": str(self.folder)}
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *self.command, str(path)],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=self.folder, start_new_session=True,
                env={**os.environ, **ours},
            )  # fmt: skip

    async def start(self) -> None:
        """Start it until it stands, as a service manager does."""

        async def stands() -> bool:
            if self.process is None or self.process.poll() is not None:
                self.begin()
            return await self.is_up()

        await until(stands)

    async def is_up(self) -> bool:
        """Whether all its workers serve."""
        try:
            return (await self.get("/readyz"))[0] == 200
        except OSError:
            return False

    async def is_recording(self) -> bool:
        """Whether the recorder that was announced last answers."""
        page = self.announced("recorder: metrics on ")
        try:
            return bool(page) and (await asyncio.to_thread(fetch, page))[0] == 200
        except OSError:
            return False

    def announced(self, words: str) -> str:
        """What the command last printed behind these words."""
        lines = [line for line in self.said().splitlines() if line.startswith(words)]
        return lines[-1].removeprefix(words) if lines else ""

    def said(self) -> str:
        """All it printed since its start."""
        return self._log.read_text("utf-8", "replace")

    async def get(self, path: str) -> tuple[int, str]:
        """A page of the admin port."""
        return await asyncio.to_thread(fetch, f"http://{self.config['admin']}{path}")

    async def account(self) -> Document:
        """The account as it is now; `AssertionError` if an identity does not hold."""
        document: Document = json.loads((await self.get("/accounting"))[1])
        assert document["problems"] == []
        return document

    def pids(self, module: str) -> list[int]:
        """Our processes that run this module."""
        return [process.pid for process in self._tree() if module in _modules(process)]

    def _tree(self) -> list[psutil.Process]:
        if self.process is None:
            return []
        with contextlib.suppress(psutil.NoSuchProcess):
            top = psutil.Process(self.process.pid)
            return [top, *top.children(recursive=True)]
        return []

    async def stop(self) -> int:
        """SIGTERM, and its exit code once all is drained."""
        assert self.process is not None
        self.process.terminate()
        return await asyncio.to_thread(self.process.wait, PATIENCE_S)

    def end(self) -> None:
        """End it and all it started, whatever state it is in."""
        if self.process is None:
            return
        left = self._tree()
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
        for process in left:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self.process.wait()


def _modules(process: psutil.Process) -> list[str]:
    with contextlib.suppress(psutil.Error):
        return process.cmdline()
    return []


@contextmanager
def service(folder: Path, *, targets: list[Document], **settings: object) -> Iterator[Service]:
    """A service that is not started yet, and surely ended."""
    listen, admin = two_quiet_ports()
    config: Document = {
        "listen": f"127.0.0.1:{listen}",
        "admin": f"127.0.0.1:{admin}",
        "record": str(folder / "run"),
        "targets": targets,
        **settings,
    }
    made = Service(folder=folder / "service", config=config)
    try:
        yield made
    finally:
        made.end()


def fetch(url: str) -> tuple[int, str]:
    """Status and text of a page."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def table(folder: Path, kind: str, columns: list[str]) -> pa.Table:
    """All finished rows of one kind."""
    parts = [pq.read_table(path, columns=columns) for path in sorted((folder / kind).glob("*.parquet"))]
    return pa.concat_tables(parts) if parts else pa.table({name: [] for name in columns})


def unread(folder: Path) -> list[Path]:
    """Segments that nobody has turned into Parquet."""
    return sorted((folder / "journal").glob("*/*.seg"))
