"""Processes that a run starts: each in a group of its own, with its output in a log, and always stopped
whole.

Knows groups, signals, logs and ports; refuses to know what a process is for. A model server's children
outlive their parent and go on answering, so the whole group is ended, and a port counts as free only when
nothing accepts on it any more.
"""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil

from recording.errors import InputError

POLL_S = 0.02
PORT_FREE_TIMEOUT_S = 10.0
KILL_TIMEOUT_S = 5.0
_TAIL_BYTES = 4096


@dataclass(slots=True, kw_only=True)
class Child:
    """A running process group. `stdout` is a pipe for our own processes, which speak JSON lines on it."""

    name: str
    process: subprocess.Popen[str]
    log: Path | None
    stdout: IO[str] | None = None

    @property
    def pid(self) -> int:
        """The leader's process id, which is the group's too."""
        return self.process.pid

    def exit_code(self) -> int | None:
        """None while it runs."""
        return self.process.poll()

    def tail(self, lines: int = 8) -> str:
        """The last lines of its log, if it has one."""
        if self.log is None:
            return ""
        with self.log.open("rb") as file:
            file.seek(max(0, self.log.stat().st_size - _TAIL_BYTES))
            return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-lines:])


def start(
    name: str,
    command: Sequence[str],
    *,
    log: Path | None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    speaks: bool = False,
    pass_fds: Sequence[int] = (),
) -> Child:
    """Start `command` in a group of its own; `speaks` keeps its standard output as a pipe.

    Without a `log` it shares our standard error. `pass_fds` are open files that it gets under their numbers.
    """
    with _opened(log) as output:
        try:
            process = subprocess.Popen(
                list(command),
                cwd=cwd,
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if speaks else output,
                stderr=output,
                start_new_session=True,
                pass_fds=tuple(pass_fds),
                text=True,
            )
        except OSError as error:
            raise InputError(
                f"cannot start {command[0]!r}: {error.strerror}",
                place=name,
                fix="check the command and its folder",
            ) from None
    return Child(name=name, process=process, log=log, stdout=process.stdout)


def _opened(log: Path | None) -> contextlib.AbstractContextManager[IO[bytes] | None]:
    if log is None:
        return contextlib.nullcontext()
    log.parent.mkdir(parents=True, exist_ok=True)
    return log.open("ab")


def stop(child: Child, *, grace_s: float) -> int | None:
    """End the whole group: SIGTERM, `grace_s` to go, SIGKILL for what is left. The leader's exit code."""
    signal_group(child.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.process.wait(timeout=grace_s)
    wait_until(lambda: not group_lives(child.pid), timeout_s=0 if child.exit_code() is None else grace_s)
    if group_lives(child.pid):
        signal_group(child.pid, signal.SIGKILL)
        wait_until(lambda: not group_lives(child.pid), timeout_s=KILL_TIMEOUT_S)
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.process.wait(timeout=KILL_TIMEOUT_S)
    if child.stdout is not None:
        child.stdout.close()
    return child.exit_code()


def signal_group(group: int, number: signal.Signals) -> None:
    """Signal every process of a group; nothing if it is gone."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, number)


def group_lives(group: int) -> bool:
    """Whether any process of the group still runs; one that is dead and not yet reaped does not."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return any(_runs_in(process, group) for process in psutil.process_iter())


def _runs_in(process: psutil.Process, group: int) -> bool:
    try:
        return os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, psutil.NoSuchProcess):
        return False


def wait_until(done: Callable[[], bool], *, timeout_s: float) -> bool:
    """Look every few milliseconds until `done`, at most `timeout_s`; whether it was."""
    deadline = time.monotonic() + timeout_s
    while not done():
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_S)
    return True


def accepts(address: tuple[str, int]) -> bool:
    """Whether somebody accepts connections there."""
    try:
        with socket.create_connection(address, timeout=1.0):
            return True
    except OSError:
        return False


def wait_for_free_port(address: tuple[str, int]) -> bool:
    """Whether the port became free again in time."""
    return wait_until(lambda: not accepts(address), timeout_s=PORT_FREE_TIMEOUT_S)
