"""One JSON line for each request that was answered, or was not: the access log.

Knows which facts make a line and how lines reach a file without anybody waiting; refuses to know exchanges'
insides. Lines are gathered and written by the flushing thread; what a slow disk leaves unwritten is bounded
in bytes, and lines over the bound are dropped and counted. Secrets in the path are masked.
"""

import json
import os
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from recording.errors import InputError
from recording.redaction import Redactor
from shadow_proxy.counters import CounterRow
from shadow_proxy.exchange_state import ExchangeState

_MODE = 0o640


class AccessLog:
    """Appends to a file that is opened anew at every reload, so that it can be rotated."""

    def __init__(self, path: Path, *, redactor: Redactor, max_bytes: int, row: CounterRow) -> None:
        self.dropped = 0
        self._published = 0
        self._trouble = ""
        self._said = ""
        self._row = row
        self._redactor = redactor
        self._max_bytes = max_bytes
        self._lines: list[bytes] = []
        self._writing = threading.Lock()
        self._bytes = 0
        self._wall_ns = int(datetime.now(UTC).timestamp() * 1e9) - time.monotonic_ns()
        self._fd = open_access_log(path)

    def note(self, state: ExchangeState, outcome: str, *, client: bytes) -> None:
        """The primary exchange of a request has ended; stamps are those of the monotonic clock."""
        incoming = state.incoming
        received_ns = incoming.received_ns
        since_ns = state.done_ns - received_ns if state.done_ns > 0 else 0
        at = datetime.fromtimestamp((received_ns + self._wall_ns) / 1e9, UTC)
        line = json.dumps(
            {
                "at": at.isoformat(timespec="microseconds"),
                "id": incoming.request_id.decode("latin-1"),
                "client": client.decode("latin-1"),
                "method": incoming.head.method.decode("latin-1"),
                "path": self._redactor.target(incoming.head.target).decode("latin-1"),
                "target": state.target.name.decode(),
                "outcome": outcome,
                "status": state.status,
                "request_bytes": incoming.body_bytes,
                "response_bytes": state.response_bytes,
                "duration_ms": round(since_ns / 1e6, 3),
            }
        )
        self._append(line.encode() + b"\n")

    def flush(self) -> None:
        """Write what was gathered, as much as there is room for; for the flushing thread."""
        with self._writing:
            lines, self._lines = self._lines, []
            self._bytes = 0
            if not lines or self._fd < 0:
                return
            text = b"".join(lines)
            try:
                written = os.write(self._fd, text)
            except BlockingIOError:
                written = 0
            except OSError as error:
                self.dropped += len(lines)
                self._trouble = error.strerror or "cannot be written"
                return
            if written < len(text):
                self._put_back(text[written:])

    def _put_back(self, text: bytes) -> None:
        """What did not fit (the reader of a pipe is slow) comes first the next time."""
        self._lines.insert(0, text)
        self._bytes += len(text)

    def take_trouble(self) -> str:
        """What keeps lines from being written, once for each new reason."""
        trouble, self._trouble = self._trouble, ""
        if trouble == self._said:
            return ""
        self._said = trouble
        return trouble

    def publish(self) -> None:
        """Put the count of lost lines where the parent adds up; for the loop's thread."""
        self._row.add(self._row.at("access_log/dropped"), self.dropped - self._published)
        self._published = self.dropped

    def close(self) -> None:
        """Write the rest and let the file go."""
        self.flush()
        with self._writing:
            self.dropped += sum(text.count(b"\n") for text in self._lines)
            fd, self._fd = self._fd, -1
        self.publish()
        os.close(fd)

    def _append(self, line: bytes) -> None:
        if self._bytes + len(line) > self._max_bytes:
            self.dropped += 1
            return
        self._lines.append(line)
        self._bytes += len(line)


def open_access_log(path: Path) -> int:
    """A descriptor to append to, which never blocks; `InputError` if there is none."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        return os.open(path, flags, _MODE)
    except OSError as error:
        raise InputError(f"cannot be written: {error.strerror}", place=f"access_log: {path}") from None
