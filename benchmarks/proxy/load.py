"""One window of load: wrk against a port, and what it said.

Knows wrk's command line and its report; refuses to know what is behind the port. Every request of the usual
script is a POST of about 600 bytes with an id of its own; a script of one body sends the same request again.
"""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from benchmarks.proxy.processes import LOAD_CORE

SCRIPT: Final = """
local number = 0
local row = "[5.1,3.5,1.4,0.2],"
local body = '{"inputs":[{"name":"predict","shape":[28,4],"datatype":"FP64","data":['
  .. string.rep(row, 27) .. '[6.7,3.0,5.2,2.3]]}]}'
local headers = {["Content-Type"] = "application/json"}
request = function()
  number = number + 1
  headers["X-Request-Id"] = "bench-" .. number
  return wrk.format("POST", "/v2/models/iris/infer", headers, body)
end
"""
ONE_BODY: Final = """
wrk.method = "POST"
wrk.path = "/v2/models/iris/infer"
wrk.headers["Content-Type"] = "application/octet-stream"
wrk.body = string.rep("x", %d)
"""
_REQUESTS: Final = re.compile(r"(\d+) requests in ([\d.]+)(ms|s|m)")
_PERCENTILE: Final = re.compile(r"^\s+(50|99)%\s+([\d.]+)(us|ms|s)", re.MULTILINE)
_TO_US: Final = {"us": 1.0, "ms": 1e3, "s": 1e6}
_TO_S: Final = {"ms": 1e-3, "s": 1.0, "m": 60.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What wrk does, whatever for how long."""

    port: int
    script: Path
    connections: int = 32
    threads: int = 1
    cores: str = LOAD_CORE
    scheme: Literal["http", "https"] = "http"


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What one window showed."""

    requests: int
    seconds: float
    p50_us: float
    p99_us: float
    errors: str

    @property
    def rate_per_s(self) -> float:
        """Requests answered a second."""
        return self.requests / self.seconds


def write_script(folder: Path) -> Path:
    """The usual script."""
    path = folder / "post.lua"
    path.write_text(SCRIPT)
    return path


def write_one_body(folder: Path, *, size_bytes: int) -> Path:
    """A script that sends one body of that size again and again."""
    path = folder / f"post-{size_bytes}.lua"
    path.write_text(ONE_BODY % size_bytes)
    return path


def window(load: Load, *, seconds: int) -> Window:
    """Run wrk once."""
    command = ["taskset", "-c", load.cores, "wrk", "--latency", f"-t{load.threads}", f"-c{load.connections}"]
    command += [f"-d{seconds}s", "-s", str(load.script), f"{load.scheme}://127.0.0.1:{load.port}/"]
    ended = subprocess.run(command, check=True, capture_output=True, text=True, timeout=seconds + 60)
    return parsed(ended.stdout)


def parsed(report: str) -> Window:
    """A window from wrk's report."""
    total = _REQUESTS.search(report)
    if total is None:
        raise RuntimeError(f"wrk's report has no count of requests:\n{report}")
    percentiles = {which: float(value) * _TO_US[unit] for which, value, unit in _PERCENTILE.findall(report)}
    bad = [line.strip() for line in report.splitlines() if "Socket errors" in line or "Non-2xx" in line]
    return Window(
        requests=int(total[1]),
        seconds=float(total[2]) * _TO_S[total[3]],
        p50_us=percentiles.get("50", 0.0),
        p99_us=percentiles.get("99", 0.0),
        errors="; ".join(bad),
    )
