"""A real Prometheus with the configuration that is deployed scrapes a real proxy and a real recorder.

Only the files in `targets/` differ from the deployed ones: they name this test's ports; and the token of the
admin port lies in the test's own folder. Needs `prometheus`
(the Debian package of that name); says so where it is missing.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import Request, urlopen

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
DEADLINE_S = 60.0
POLL_S = 0.1
REQUESTS = 25
ANSWER = b'{"prediction": 1}'
TOKEN = "0123456789abcdef0123456789abcdef"
TOKEN_FILE = "/run/secrets/admin-token"
HISTOGRAM_ENDS = ("_bucket", "_count", "_sum")

pytestmark = [pytest.mark.slow]


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where the three processes answer."""

    proxy: str
    admin: str
    recorder: str


class Model(BaseHTTPRequestHandler):
    """A model server that is always sure."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Answer 1."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@contextmanager
def model() -> Iterator[str]:
    """The URL of a running model server."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Model) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def process(*words: str, **options: Any) -> Iterator[subprocess.Popen[str]]:  # Any: Popen's own options
    """A process that is ended with the block."""
    running = subprocess.Popen(words, text=True, cwd=ROOT, **options)
    try:
        yield running
    finally:
        running.terminate()
        running.wait(timeout=DEADLINE_S)


@contextmanager
def own(module: str, config: dict[str, Any], path: Path) -> Iterator[dict[str, Any]]:  # Any: JSON
    """One of our processes, once it has said that it is ready."""
    path.write_text(json.dumps(config))
    environment = {**os.environ, "SPARRING_ADMIN_TOKEN": TOKEN}
    command = (sys.executable, "-m", module, str(path))
    with process(*command, stdout=subprocess.PIPE, env=environment) as running:
        assert running.stdout is not None
        yield json.loads(running.stdout.readline())


@pytest.fixture
def places(tmp_path: Path) -> Iterator[Places]:
    """A proxy between two model servers, with a recorder; some requests have gone through."""
    with model() as baseline, model() as candidate:
        proxy = {
            "listen": "127.0.0.1:0",
            "admin": "127.0.0.1:0",
            "record": str(tmp_path / "run"),
            "targets": [
                {"name": "baseline", "role": "baseline", "url": baseline},
                {"name": "candidate", "role": "candidate", "url": candidate},
            ],
        }
        recorder = {"folder": str(tmp_path / "run"), "stay": True}
        with (
            own("sparring.recorder", recorder, tmp_path / "recorder.json") as recorder_ready,
            own("shadow_proxy", proxy, tmp_path / "proxy.json") as proxy_ready,
        ):
            yield Places(
                proxy=f"http://{proxy_ready['listen'][0]}",
                admin=proxy_ready["admin"],
                recorder=recorder_ready["listen"],
            )


def send(proxy: str) -> None:
    """Some requests, through the proxy."""
    for row in range(REQUESTS):
        body = json.dumps({"row": row}).encode()
        with urlopen(Request(f"{proxy}/predict", data=body), timeout=DEADLINE_S) as answer:
            assert answer.read() == ANSWER


def page(address: str) -> str:
    """The text of one page; empty while nobody answers."""
    try:
        request = Request(address, headers={"Authorization": f"Bearer {TOKEN}"})
        with urlopen(request, timeout=DEADLINE_S) as answer:
            return str(answer.read().decode())
    except URLError:
        return ""


def value(prometheus: str, query: str) -> float | None:
    """The one value that a query has now."""
    text = page(f"{prometheus}/api/v1/query?query={quote(query)}")
    found = json.loads(text)["data"]["result"] if text else []
    return float(found[0]["value"][1]) if found else None


def wait_for_value(prometheus: str, query: str, expected: float) -> None:
    """Poll until the query has the value; the server needs some seconds to start and to scrape."""
    deadline = time.monotonic() + DEADLINE_S
    while (now := value(prometheus, query)) != expected:
        assert time.monotonic() < deadline, f"{query} is {now}, not {expected}"
        time.sleep(POLL_S)


def deployed_configuration(folder: Path, places: Places) -> Path:
    """The deployed files, but for who is scraped."""
    shutil.copytree(DEPLOY / "prometheus", folder)
    scraped = {"proxy": places.admin, "recorder": places.recorder}
    for path in (folder / "targets").iterdir():
        address = scraped.get(path.stem, "").removeprefix("http://")
        path.write_text(yaml.safe_dump([{"targets": [address]}] if address else []))
    token = folder / "admin-token"
    token.write_text(TOKEN)
    config = folder / "prometheus.yml"
    config.write_text(config.read_text().replace(TOKEN_FILE, str(token)))
    return config


def test_the_deployed_configuration_scrapes_proxy_and_recorder(
    places: Places, tmp_path: Path, unused_port: int
) -> None:
    """Both are up, and what was sent through the proxy is what Prometheus counts."""
    if shutil.which("prometheus") is None:
        pytest.skip("prometheus is missing here (Debian package prometheus): nothing was scraped")
    config = deployed_configuration(tmp_path / "prometheus", places)
    prometheus = f"http://127.0.0.1:{unused_port}"
    send(places.proxy)
    with process(
        "prometheus", f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{unused_port}", stderr=subprocess.DEVNULL,
    ):  # fmt: skip
        for job in ("sparring-proxy", "sparring-recorder"):
            wait_for_value(prometheus, f'up{{job="{job}"}}', 1)
        for role in ("baseline", "candidate"):
            wait_for_value(prometheus, f'sparring_exchanges_total{{role="{role}",outcome="ok"}}', REQUESTS)


def test_the_admin_port_shows_nothing_to_who_has_no_token(places: Places) -> None:
    """But that it is alive, for health checks."""
    with pytest.raises(HTTPError, match="401"):
        urlopen(f"{places.admin}/metrics", timeout=DEADLINE_S)
    with urlopen(f"{places.admin}/healthz", timeout=DEADLINE_S) as answer:
        assert answer.status == 200


def test_rules_and_dashboard_use_series_that_are_there(places: Places) -> None:
    """Every metric name in them stands on a page of the proxy or the recorder."""
    send(places.proxy)
    written = (DEPLOY / "prometheus" / "rules.yml").read_text()
    written += (DEPLOY / "grafana" / "dashboards" / "rehearsal.json").read_text()
    used = set(re.findall(r"\bsparring_\w+", written))
    pages = page(f"{places.admin}/metrics") + page(f"{places.recorder}/metrics")
    described = {(name, kind) for name, kind in re.findall(r"^# TYPE (\w+) (\w+)", pages, re.MULTILINE)}
    offered = {name for name, _ in described}
    offered |= {f"{name}{end}" for name, kind in described if kind == "histogram" for end in HISTOGRAM_ENDS}
    assert used <= offered, used - offered
