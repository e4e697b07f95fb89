"""Locust sends a trace as it was recorded: real Locust processes against a server that writes down what came.

Needs Locust (the extra `distributed`) in the tests' environment or at `SPARRING_LOCUST`.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from recording.exchange import Request
from recording.trace import TraceWriter

ROOT = Path(__file__).parents[2]
REQUESTS = 60

pytestmark = [pytest.mark.slow]

Seen = tuple[str, str, str, bytes]


@pytest.fixture
def locust() -> str:
    """Where Locust is."""
    beside = Path(sys.executable).with_name("locust")
    found = os.environ.get("SPARRING_LOCUST") or (str(beside) if beside.exists() else shutil.which("locust"))
    if found is None:
        pytest.skip("locust is missing here (the extra `distributed`): nothing was checked")
    return found


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    """Some requests with an order, bodies and a header."""
    path = tmp_path / "trace.parquet"
    with TraceWriter(path, origin="test") as writer:
        for i in range(REQUESTS):
            headers = (("Content-Type", "application/json"), ("Content-Length", "999"))
            body = json.dumps({"row": i}).encode()
            writer.append(
                Request(id=f"r-{i}", at_ns=i, method="POST", path=f"/m?row={i}", headers=headers, body=body)
            )
    return path


@pytest.fixture
def server() -> Iterator[tuple[str, list[Seen]]]:
    """The address of a server, and all that it was asked."""
    seen: list[Seen] = []

    class Asked(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            seen.append((self.headers["X-Request-Id"], self.path, self.headers["Content-Type"], body))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Asked) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_port}", seen
        finally:
            listening.shutdown()
            thread.join()


def started(locust: str, *words: str, trace: Path, workers: int) -> subprocess.Popen[str]:
    """One Locust process with our file."""
    command = [locust, "-f", str(ROOT / "replay" / "locust_trace.py"), "--headless", "--only-summary", *words]
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "SPARRING_TRACE": str(trace),
        "SPARRING_LOCUST_WORKERS": str(workers),
        "SPARRING_LOCUST_RATE_PER_USER_S": "50",
    }
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def expected() -> list[Seen]:
    """Every request of the trace once."""
    return sorted(
        (f"r-{i}", f"/m?row={i}", "application/json", json.dumps({"row": i}).encode())
        for i in range(REQUESTS)
    )


def test_one_process_sends_every_request_once(
    locust: str, trace: Path, server: tuple[str, list[Seen]]
) -> None:
    """Method, path, body, content type and the trace's own id; lengths are the connection's matter."""
    address, seen = server
    words = ("--users", "4", "--spawn-rate", "4", "--run-time", "3s", "--host", address)
    process = started(locust, *words, trace=trace, workers=1)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0, said
    assert sorted(seen) == expected()


def test_two_workers_share_the_trace(
    locust: str, trace: Path, server: tuple[str, list[Seen]], unused_port: int
) -> None:
    """Nothing is sent twice, nothing is left out."""
    address, seen = server
    master = started(
        locust, "--master", "--expect-workers", "2", "--master-bind-port", str(unused_port),
        "--users", "4", "--spawn-rate", "4", "--run-time", "4s", "--host", address,
        trace=trace, workers=2,
    )  # fmt: skip
    workers = [
        started(locust, "--worker", "--master-port", str(unused_port), trace=trace, workers=2)
        for _ in range(2)
    ]
    said, _ = master.communicate(timeout=60)
    for worker in workers:
        worker.communicate(timeout=30)
    assert master.returncode == 0, said
    assert sorted(seen) == expected()
