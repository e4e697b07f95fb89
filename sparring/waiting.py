"""Waiting for our own processes while a person may interrupt: once to stop in order, twice to hurry.

Knows signals and JSON lines; refuses to know what they say.
"""

import signal
import time
from collections.abc import Iterator
from types import FrameType, TracebackType
from typing import Any, Self

from sparring.processes import POLL_S, signal_group
from sparring.stage import Stage

_NUMBERS = (signal.SIGINT, signal.SIGTERM)


class Interruption:
    """Remembers that SIGINT or SIGTERM came; the second one raises KeyboardInterrupt."""

    def __init__(self) -> None:
        self.happened = False
        self._before: dict[signal.Signals, Any] = {}  # Any: whatever `signal.signal` gave back

    def _note(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - what a signal passes
        if self.happened:
            raise KeyboardInterrupt
        self.happened = True

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._note) for number in _NUMBERS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, action in self._before.items():
            signal.signal(number, action)


def finish_speaking(
    stage: Stage, name: str, *, interruption: Interruption
) -> Iterator[dict[str, Any]]:  # Any: JSON
    """The JSON lines of a process until it ends; an interruption is passed on to it once."""
    child, spoken, passed_on = stage.children[name], stage.spoken[name], False
    while child.exit_code() is None:
        yield from spoken.take()
        if interruption.happened and not passed_on:
            passed_on = True
            signal_group(child.pid, signal.SIGTERM)
        time.sleep(POLL_S)
    spoken.finish()
    yield from spoken.take()
