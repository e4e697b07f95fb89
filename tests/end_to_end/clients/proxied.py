"""A real proxy process in front of a baseline and a candidate, and the account it leaves.

Knows how the proxy is started, heard of and stopped; refuses to know who asks and who answers. `Scene` adds
two recording targets and a tee, for tests that compare what a client sent with what both targets saw.
"""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPResponse
from pathlib import Path
from typing import Any

from tests.end_to_end.clients.messages import Answered, Asked, forwarded, requests_in, to_forward
from tests.end_to_end.clients.targets import PATIENCE_S, Target, Tee, serving

ROOT = Path(__file__).parents[3]
POLL_S = 0.01

Document = dict[str, Any]  # Any: JSON


def wait_until(holds: Callable[[], bool], *, what: str, patience_s: float = PATIENCE_S) -> None:
    """Look again and again; AssertionError if it never holds."""
    deadline = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < deadline, f"{what}: not within {patience_s} s"
        time.sleep(POLL_S)


def connected(port: int) -> socket.socket:
    """A connection to somebody on this machine."""
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)


def ask(connection: socket.socket, raw: bytes) -> Answered:
    """Send these bytes and read one answer."""
    connection.sendall(raw)
    return read_answer(connection, method=raw.split(b" ", 1)[0].decode())


def read_answer(connection: socket.socket, *, method: str) -> Answered:
    """The next answer; what stood in its head is only told as far as a test asks."""
    answer = HTTPResponse(connection, method=method)
    answer.begin()
    head = str(answer.msg).encode("latin-1")
    return Answered(status=answer.status, head=b"%b\n%b" % (answer.reason.encode(), head), body=answer.read())


@dataclass(kw_only=True)
class Proxy:
    """A running proxy."""

    process: subprocess.Popen[str]
    port: int
    folder: Path

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"http://127.0.0.1:{self.port}"

    def account(self) -> Document:
        """Stop it in good order; what it counted, which must add up."""
        self.process.terminate()
        assert self.process.wait(PATIENCE_S) == 0
        document: Document = json.loads((self.folder / "accounting.json").read_text())
        assert document["problems"] == []
        assert document["workers"]["restarts"] == 0
        return document


@contextmanager
def proxy(folder: Path, *, baseline: str, candidate: str, **settings: object) -> Iterator[Proxy]:
    """One worker, recording into `folder`."""
    urls = {"baseline": baseline, "candidate": candidate}
    config = {
        "listen": "127.0.0.1:0",
        "record": str(folder / "record"),
        "targets": [{"name": name, "role": name, "url": url} for name, url in urls.items()],
        **settings,
    }
    path = folder / "proxy.json"
    path.write_text(json.dumps(config))
    command = [sys.executable, "-m", "shadow_proxy", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            ready = json.loads(process.stdout.readline())
            port = int(ready["listen"][0].rpartition(":")[2])
            yield Proxy(process=process, port=port, folder=folder / "record")
        finally:
            if process.poll() is None:
                process.kill()


@dataclass(kw_only=True)
class Scene:
    """client → tee → proxy → two recording targets."""

    proxy: Proxy
    tee: Tee
    baseline: Target
    candidate: Target

    @property
    def sent(self) -> list[Asked]:
        """What clients put on the wire."""
        return requests_in(bytes(sent) for sent in self.tee.sent)

    def settle(self, *, requests: int) -> None:
        """Until both targets have been asked so often."""
        wait_until(lambda: len(self.baseline.seen) >= requests, what=f"{requests} requests")
        wait_until(lambda: len(self.candidate.seen) >= requests, what=f"{requests} copies")

    def open_gates(self) -> None:
        """Let both targets' streams go on."""
        self.baseline.gate.set()
        self.candidate.gate.set()

    def close_gates(self) -> None:
        """Hold them again."""
        self.baseline.gate.clear()
        self.candidate.gate.clear()

    def send(self, asked: Asked) -> int:
        """A request as it was recorded; the answer's status."""
        with connected(self.tee.port) as connection:
            return ask(connection, asked.raw).status

    def check(self, *, requests: int) -> list[Asked]:
        """Both targets saw all that was sent, alike, and nothing else; returns what the baseline saw."""
        self.settle(requests=requests)
        account = self.proxy.account()
        assert account["requests"] == requests
        for target in account["targets"].values():
            assert target["endings"]["ok"] == target["sent"] == requests
        self.check_alike()
        assert sorted(map(forwarded, self.baseline.seen)) == sorted(map(to_forward, self.sent))
        assert ids(self.sent) <= ids(self.baseline.seen)
        return self.baseline.seen

    def check_alike(self) -> None:
        """Byte for byte, but for where chunks are cut."""
        ours, theirs = sorted(self.baseline.seen), sorted(self.candidate.seen)
        assert [asked.head for asked in ours] == [asked.head for asked in theirs]
        assert [asked.body for asked in ours] == [asked.body for asked in theirs]
        for asked in ours:
            assert len(asked.values(b"via")) == len(asked.values(b"x-request-id")) == 1


def ids(asked: list[Asked]) -> set[bytes]:
    """Their request ids, where they have one."""
    return {value for one in asked for value in one.values(b"x-request-id")}


@contextmanager
def scene(folder: Path, **settings: object) -> Iterator[Scene]:
    """All of it, running."""
    baseline, candidate = Target(), Target()
    with (
        serving(baseline, candidate),
        proxy(folder, baseline=baseline.url, candidate=candidate.url, **settings) as running,
    ):
        tee = Tee(to_port=running.port)
        with serving(tee):
            yield Scene(proxy=running, tee=tee, baseline=baseline, candidate=candidate)
