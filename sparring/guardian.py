"""The guardian: ends what a run started if the run's own process is gone, however it went.

Knows a pipe and process groups, nothing else. The supervisor writes `+GROUP` when it starts a group and
`-GROUP` when it has stopped it; when the pipe ends, whatever is still listed is ended. A supervisor that
was killed with SIGKILL can stop nothing itself, but its end of the pipe closes all the same.
"""

import os
import signal
import subprocess
import sys
from types import TracebackType
from typing import Self

from sparring.processes import group_lives, signal_group, wait_until

GRACE_S = 3.0


class Guardian:
    """The supervisor's end of the pipe."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "sparring.guardian"], stdin=subprocess.PIPE, start_new_session=True
        )

    def watch(self, group: int) -> None:
        """End this group if we are gone."""
        self._tell(b"+%d\n" % group)

    def release(self, group: int) -> None:
        """The group was stopped."""
        self._tell(b"-%d\n" % group)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process.wait(timeout=2 * GRACE_S + 1)

    def _tell(self, line: bytes) -> None:
        if self._process.stdin is not None:
            os.write(self._process.stdin.fileno(), line)


def main() -> int:
    """Read the list until the pipe ends, then end what is left."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        groups.add(group) if line[0] == "+" else groups.discard(group)
    for group in groups:
        signal_group(group, signal.SIGTERM)
    wait_until(lambda: not any(group_lives(group) for group in groups), timeout_s=GRACE_S)
    for group in groups:
        signal_group(group, signal.SIGKILL)
    return 0


if __name__ == "__main__":
    sys.exit(main())
