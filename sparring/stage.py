"""The stage of a run: every process that was started on it, and the promise that none outlives it.

Knows children, their JSON lines and the guardian; refuses to know what a run is. Leaving the stage stops all
that is still there, last started first, and frees their ports, whatever the reason for leaving.
"""

import json
import threading
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sparring.guardian import Guardian
from sparring.processes import Child, start, stop, wait_for_free_port, wait_until

OWN_GRACE_S = 10.0
START_TIMEOUT_S = 30.0


class Spoken:
    """The JSON lines of one of our own processes, read by a thread until its output ends."""

    def __init__(self, stdout: Iterable[str]) -> None:
        self.lines: deque[dict[str, Any]] = deque()  # Any: JSON
        self._thread = threading.Thread(target=self._read, args=(stdout,), daemon=True)
        self._thread.start()

    def _read(self, stdout: Iterable[str]) -> None:
        for line in stdout:
            if line.startswith("{"):
                self.lines.append(json.loads(line))

    def take(self) -> list[dict[str, Any]]:
        """The lines that came since the last time."""
        lines = []
        while self.lines:
            lines.append(self.lines.popleft())
        return lines

    def wait_for(self, key: str, *, child: Child, timeout_s: float) -> dict[str, Any] | None:
        """The first line with `key`, or None if the process ended or the time did."""
        found: list[dict[str, Any]] = []

        def look() -> bool:
            ended = child.exit_code() is not None
            found.extend(line for line in self.take() if key in line)
            return bool(found) or ended

        wait_until(look, timeout_s=timeout_s)
        if not found and child.exit_code() is not None:
            self.finish()  # what it said last may still be on its way through the pipe
            look()
        return found[0] if found else None

    def finish(self) -> None:
        """Wait until the output has ended."""
        self._thread.join(timeout=OWN_GRACE_S)


class Stage:
    """Processes of one run, by name, in the order of their start.

    What they say goes into files in `logs`, or where our own standard error goes if that is None.
    """

    def __init__(self, logs: Path | None) -> None:
        self._logs = logs
        self._guardian = Guardian()
        self._graces_s: dict[str, float] = {}
        self._ports: dict[str, tuple[str, int]] = {}
        self.children: dict[str, Child] = {}
        self.spoken: dict[str, Spoken] = {}

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        speaks: bool = False,
        grace_s: float = OWN_GRACE_S,
        port: tuple[str, int] | None = None,
        pass_fds: Sequence[int] = (),
    ) -> Child:
        """Start one process; `port` is one that must be free again after it was stopped."""
        log = self._logs / f"{name}.log" if self._logs is not None else None
        child = start(name, command, log=log, cwd=cwd, env=env, speaks=speaks, pass_fds=pass_fds)
        self._guardian.watch(child.pid)
        self.children[name] = child
        self._graces_s[name] = grace_s
        if port is not None:
            self._ports[name] = port
        if child.stdout is not None:
            self.spoken[name] = Spoken(child.stdout)
        return child

    def stop(self, name: str) -> int | None:
        """Stop one process group, wait for its port; its exit code."""
        child = self.children.pop(name)
        code = stop(child, grace_s=self._graces_s[name])
        if name in self.spoken:
            self.spoken[name].finish()
        self._guardian.release(child.pid)
        if name in self._ports:
            wait_for_free_port(self._ports[name])
        return code

    def ended(self) -> dict[str, int]:
        """The exit codes of those that ended by themselves."""
        codes = {name: child.exit_code() for name, child in self.children.items()}
        return {name: code for name, code in codes.items() if code is not None}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            for name in reversed(list(self.children)):
                self.stop(name)
        finally:
            self._guardian.__exit__(kind, error, trace)
