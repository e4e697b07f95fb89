"""One window of load: wrk against a port, and what it said.

Knows wrk's command line and its report; refuses to know what is behind the port. Every request is a POST of
about 600 bytes with an id of its own.
"""

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

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
_REQUESTS: Final = re.compile(r"(\d+) requests in ([\d.]+)(ms|s|m)")
_PERCENTILE: Final = re.compile(r"^\s+(50|99)%\s+([\d.]+)(us|ms|s)", re.MULTILINE)
_TO_US: Final = {"us": 1.0, "ms": 1e3, "s": 1e6}
_TO_S: Final = {"ms": 1e-3, "s": 1.0, "m": 60.0}


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
    """The script that wrk runs."""
    path = folder / "post.lua"
    path.write_text(SCRIPT)
    return path


def window(*, port: int, connections: int, seconds: int, core: int, script: Path) -> Window:
    """Run wrk once with one thread on `core`."""
    command = ["taskset", "-c", str(core), "wrk", "--latency", "-t1", f"-c{connections}", f"-d{seconds}s"]
    command += ["-s", str(script), f"http://127.0.0.1:{port}/"]
    return parsed(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


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
