"""How late the engine sends, and how much it sends, on one core.

    python benchmarks/engine/bench_engine.py [--rounds 5] [--seconds 4] [--rates 1000,5000,10000,20000,40000]

The engine runs as a process of its own on core 0, with everything that a recorded run has: Poisson arrivals,
ids and due times in every request, one journal row for each. On core 1 an nginx worker answers 20 bytes from
memory. Rounds are interleaved over the rates; printed are medians over the rounds. The last rates are meant
to be more than a core can do: there `achieved` is the most that it can.

Needs nginx and taskset. The promise (docs: lag p50 ≤ 0.3 ms, p99 ≤ 2 ms at 1,000/s on one core) is checked at
the end; the exit code is 1 if it does not hold. A machine that is busy with other things says nothing: look
at `foreign`, the share of both cores that went to processes other than the two, and repeat when it is quiet.
"""

import argparse
import json
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from recording.exchange import Request
from recording.trace import TraceWriter

REQUESTS = 20_000
CORES = 2
PROMISED_RATE, PROMISED_P50_MS, PROMISED_P99_MS = 1000, 0.3, 2.0
NGINX = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log crit;
events {{ worker_connections 4096; }}
http {{ access_log off; keepalive_requests 100000000; client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/a; fastcgi_temp_path {folder}/b; uwsgi_temp_path {folder}/c;
  scgi_temp_path {folder}/d;
  server {{ listen 127.0.0.1:{port}; location / {{ return 200 '{{"predictions":[1]}}  '; }} }} }}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One replay at one rate."""

    achieved_per_s: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    shed: int
    cpu_us: float
    foreign: float


@contextmanager
def stub(folder: Path) -> Iterator[tuple[str, psutil.Process]]:
    """nginx on core 1: its address, and its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port))
    command = [
        "taskset",
        "-c",
        "1",
        "nginx",
        "-c",
        str(folder / "nginx.conf"),
        "-e",
        str(folder / "error.log"),
    ]
    with subprocess.Popen(command) as process:
        try:
            wait_for(port)
            yield f"http://127.0.0.1:{port}", psutil.Process(process.pid)
        finally:
            process.send_signal(signal.SIGTERM)


def wait_for(port: int) -> None:
    """Until something listens, five seconds at most."""
    for _ in range(100):
        with socket.socket() as attempt:
            if attempt.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise SystemExit("nginx did not start")


def write_trace(path: Path) -> None:
    """Requests with JSON bodies of 600 bytes, each with an id and a body of its own."""
    with TraceWriter(path, origin="benchmark") as writer:
        for number in range(REQUESTS):
            body = b'{"instances":[[%d,%s]]}' % (number, b",".join([b"0.1234"] * 82))
            fields = (("Host", "model"), ("Content-Type", "application/json"), ("Accept", "*/*"))
            writer.append(
                Request(id=f"r{number}", at_ns=number, method="POST", path="/p", headers=fields, body=body)
            )


def measure(folder: Path, *, url: str, server: psutil.Process, rate: int, seconds: float, seed: int) -> Round:
    """One replay on core 0."""
    config = {
        "trace": str(folder / "trace.parquet"), "to": url, "profile": f"constant {rate}/s for {seconds:g}s",
        "arrival": "poisson", "seed": seed, "due_header": True, "record": str(folder / "run"),
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    command = ["taskset", "-c", "0", sys.executable, "-m", "replay", str(folder / "config.json")]
    ours, busy, at = ours_s(server), machine_busy_s(), time.monotonic()
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    foreign_s = machine_busy_s() - busy - (ours_s(server) - ours)
    shutil.rmtree(folder / "run")
    done = json.loads(ended.stdout.splitlines()[-1])["done"]
    return Round(
        achieved_per_s=done["achieved_rate_per_s"], p50_ms=done["lag_p50_ms"], p99_ms=done["lag_p99_ms"],
        max_ms=done["lag_max_ms"], shed=done["shed"], cpu_us=done["cpu_s"] / done["due"] * 1e6,
        foreign=max(0.0, foreign_s) / (time.monotonic() - at) / CORES,
    )  # fmt: skip


def ours_s(server: psutil.Process) -> float:
    """CPU time of the server and of all engines that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    served = [process.cpu_times() for process in (server, *server.children())]
    return usage.ru_utime + usage.ru_stime + sum(times.user + times.system for times in served)


def machine_busy_s() -> float:
    """CPU time that the machine's cores have spent on anything."""
    times = psutil.cpu_times()
    return float(times.user + times.nice + times.system + times.irq + times.softirq)


def line(rate: int, rounds: list[Round]) -> str:
    """One row of the table: medians."""

    def middle(name: str) -> float:
        return float(statistics.median(getattr(each, name) for each in rounds))

    return (
        f"{rate:>7,} {middle('achieved_per_s'):>10,.0f} {middle('p50_ms'):>9.3f} {middle('p99_ms'):>9.3f} "
        f"{middle('max_ms'):>9.3f} {middle('shed'):>7,.0f} {middle('cpu_us'):>9.1f} {middle('foreign'):>8.0%}"
    )


def main() -> int:
    """Measure, print, check the promise."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--rates", default="1000,5000,10000,20000,40000")
    options = parser.parse_args()
    rates = [int(rate) for rate in options.rates.split(",")]
    found: dict[int, list[Round]] = {rate: [] for rate in rates}
    with tempfile.TemporaryDirectory(prefix="bench-engine-") as name:
        folder = Path(name)
        write_trace(folder / "trace.parquet")
        with stub(folder) as (url, server):
            for seed in range(options.rounds):
                for rate in rates:
                    found[rate].append(
                        measure(folder, url=url, server=server, rate=rate, seconds=options.seconds, seed=seed)
                    )
    print("  asked   achieved   lag p50   lag p99   lag max    shed  CPU us/r  foreign     (lag in ms)")
    for rate in rates:
        print(line(rate, found[rate]))
    return verdict(found.get(PROMISED_RATE, []))


def verdict(rounds: list[Round]) -> int:
    """Whether the promise holds, in words and as an exit code."""
    if not rounds:
        return 0
    p50_ms, p99_ms = (
        statistics.median(getattr(each, name) for each in rounds) for name in ("p50_ms", "p99_ms")
    )
    holds = p50_ms <= PROMISED_P50_MS and p99_ms <= PROMISED_P99_MS
    print(
        f"promise at {PROMISED_RATE}/s: p50 {p50_ms:.3f} ≤ {PROMISED_P50_MS} ms and "
        f"p99 {p99_ms:.3f} ≤ {PROMISED_P99_MS} ms: {'holds' if holds else 'DOES NOT HOLD'}"
    )
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
