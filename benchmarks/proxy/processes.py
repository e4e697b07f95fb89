"""Starting the programs under test on a core of their own, and reading what they cost.

Knows processes, cores and `/proc`; refuses to know what the programs do. Every process started here is ended
here, by its own handle.
"""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
START_S: Final = 20.0


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(command: Sequence[str], *, core: int, port: int, log: Path) -> Iterator[int]:
    """Run `command` on one core until the block ends; gives its process id once `port` accepts."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["taskset", "-c", str(core), *command], cwd=ROOT, stdout=output, stderr=subprocess.STDOUT
        )
    try:
        _wait_for(port, process, log=log)
        yield process.pid
    finally:
        process.terminate()
        process.wait(timeout=START_S)


def python(*arguments: str) -> list[str]:
    """This interpreter with arguments."""
    return [sys.executable, *arguments]


def cpu_ns(pid: int) -> int:
    """CPU time of a process and its children so far, from the scheduler's own count."""
    own = sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat"))
    return own + sum(cpu_ns(child) for child in _children(pid))


def _children(pid: int) -> list[int]:
    lists = [path.read_text().split() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    return [int(child) for children in lists for child in children]


def _wait_for(port: int, process: subprocess.Popen[bytes], *, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        os.sched_yield()
    raise RuntimeError(f"{process.args!r} does not serve port {port}:\n{log.read_text()}")
