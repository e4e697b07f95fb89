"""Starting the programs under test on cores of their own, and reading what they cost.

Knows processes, cores and `/proc`; refuses to know what the programs do. Every process started here is ended
here, by its own handle. Called by every benchmark of the proxy.
"""

import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
START_S: Final = 30.0
END_S: Final = 15.0
PROXY_CORE: Final = "0"
LOAD_CORE: Final = "1"
BOTH_CORES: Final = "0,1"
_HOW: Final = {
    "nginx": "apt-get install nginx-light",
    "wrk": "apt-get install wrk",
    "haproxy": "apt-get install haproxy",
    "openssl": "apt-get install openssl",
    "taskset": "util-linux",
}


def missing_programs(needed: Iterable[str]) -> list[str]:
    """What has to be installed first, in words."""
    found = [f"{name} is missing: {_HOW[name]}" for name in needed if shutil.which(name) is None]
    if (os.cpu_count() or 1) < 2:
        found.append("two cores are needed: one for the proxy, one for the load")
    return found


def raise_open_files() -> int:
    """As many open files as this machine allows, for this process and those it starts."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def python(*arguments: str) -> list[str]:
    """This interpreter with arguments."""
    return [sys.executable, *arguments]


@contextmanager
def running(
    command: Sequence[str], *, cores: str, port: int, log: Path, nice: int = 0, wait: bool = True
) -> Iterator[int]:
    """Run `command` on `cores` until the block ends; gives its process id once `port` accepts."""
    pinned = ["nice", "-n", str(nice), "taskset", "-c", cores, *command]
    with log.open("wb") as output:
        process = subprocess.Popen(pinned, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
    try:
        if wait:
            wait_for(port, log=log)
        yield process.pid
    finally:
        _end(process)


def wait_for(port: int, *, log: Path) -> None:
    """Until something accepts at `port`; what it wrote, if that takes too long."""
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"nothing serves port {port}:\n{log.read_text()}")


def family(pid: int) -> list[int]:
    """A process and all that it started."""
    lists = [path.read_text().split() for path in Path(f"/proc/{pid}/task").glob("*/children")]
    return [pid, *(found for children in lists for child in children for found in family(int(child)))]


def freeze(pid: int) -> None:
    """Stop a process and its children where they are."""
    for each in family(pid):
        os.kill(each, signal.SIGSTOP)


def thaw(pid: int) -> None:
    """Let them go on."""
    for each in family(pid):
        os.kill(each, signal.SIGCONT)


def cpu_ns(pid: int) -> int:
    """CPU time of a process and its children so far, from the scheduler's own count."""
    return sum(
        int(path.read_text().split()[0])
        for each in family(pid)
        for path in Path(f"/proc/{each}/task").glob("*/schedstat")
    )


def resident_kib(pid: int) -> int:
    """Resident memory of a process and its children."""
    return sum(_status_kib(each, "VmRSS:") for each in family(pid))


def _status_kib(pid: int, field: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith(field)), 0)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        thaw(process.pid)  # a frozen one would never hear of it
    process.terminate()
    try:
        process.wait(timeout=END_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
