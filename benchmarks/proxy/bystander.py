"""Non-interference: what each bad shadow does to the primary's latency.

    python -m benchmarks.proxy.bystander [--windows 5] [--seconds 1.5] [--only NAME] [--python]

One of our proxies for each shadow (compiled, one worker on core 0, journal on), asked 500 requests a
second in an open loop (`sender.py`), latency from due. All proxies share one baseline; windows are
interleaved, and a row that is not measured is frozen with its shadow (SIGSTOP), so that no row pays for
another's. Shadows run on the load's core with `nice 19`: what they cost is to be seen in the proxy, not in
the race for a core.

The ratio is to the proxy without a mirror in the same round, the median over the rounds. "No mirror again" is
the A/A row: a second proxy like the first; its noise is the middle distance of its rounds' ratios from 1. A
row is within bounds if its ratios are at most 1.05 + noise, no request failed and no worker died.
The last column shows that the shadow was as bad as it should be. Exits 1 if a row is out of bounds.
"""

import argparse
import os
import signal
import socket
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.proxy import nginx, sparring_proxy
from benchmarks.proxy.preparing import prepared
from benchmarks.proxy.processes import (
    LOAD_CORE,
    PROXY_CORE,
    free_port,
    freeze,
    python,
    resident_kib,
    running,
    thaw,
    wait_for,
)
from benchmarks.proxy.quantiles import quantile
from benchmarks.proxy.sender import Sent, open_loop

NEEDED: Final = ("nginx", "taskset")
RATE_PER_S: Final = 500.0
ALLOWED: Final = 1.05
BACKLOG: Final = 1
NO_MIRROR: Final = "no mirror"
AGAIN: Final = "no mirror again (A/A)"
NO_SHADOW: Final = {NO_MIRROR, AGAIN}
SHADOWS: Final = {
    "healthy": "answer",
    "closed port": "",
    "connects never end": "full",
    "resets at accept": "reset_at_once",
    "stopped (SIGSTOP)": "answer",
    "answers after 30 s": "answer_late",
    "garbage": "garbage",
    "floods 1 GB": "flood",
    "resets in mid-body": "reset_in_body",
    "drips 1 byte/s": "drip",
}
STOPPED: Final = "stopped (SIGSTOP)"


@dataclass(slots=True, kw_only=True)
class Row:
    """One shadow with the proxy that has it: their processes, and the primary's windows."""

    name: str
    port: int
    pids: list[int]
    config: Path
    seen: list[Sent] = field(default_factory=list)
    peak_kib: int = 0

    def measure(self, *, seconds: float) -> None:
        """One window more, awake for no longer than that."""
        for pid in self.pids:
            thaw(pid)
        self.seen += open_loop([self.port], rate_per_s=RATE_PER_S, seconds=seconds)
        self.peak_kib = max(self.peak_kib, resident_kib(self.pids[0]))
        for pid in self.pids:
            freeze(pid)

    def ratios(self, other: "Row", share: float) -> list[float]:
        """To another row, round by round, at a quantile."""
        return [
            quantile(own.latency_us, share) / quantile(base.latency_us, share)
            for own, base in zip(self.seen, other.seen, strict=True)
        ]

    def median_us(self, share: float) -> float:
        """A quantile, the median over the rounds."""
        return statistics.median(quantile(one.latency_us, share) for one in self.seen)


class Stage:
    """Starts rows; everything ends with the stack."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self._stack = stack
        self._folder = folder
        self.baseline = self._nginx_stub("baseline")

    def row(self, name: str, *, behaviour: str | None) -> Row:
        """One of our proxies; it serves once `wait_for` its port is over."""
        port, folder = free_port(), self._folder / f"row-{len(list(self._folder.iterdir()))}"
        shadow_port, shadow_pids = self._shadow(behaviour, folder)
        targets = sparring_proxy.plain_targets(baseline=self.baseline, candidate=shadow_port)
        config = sparring_proxy.configured(folder, port=port, targets=targets)
        command = sparring_proxy.command(config)
        log = folder / "proxy.log"
        pid = self._stack.enter_context(running(command, cores=PROXY_CORE, port=port, log=log, wait=False))
        return Row(name=name, port=port, pids=[pid, *shadow_pids], config=config)

    def _shadow(self, behaviour: str | None, folder: Path) -> tuple[int | None, list[int]]:
        folder.mkdir()
        if behaviour is None:
            return None, []
        if behaviour == "full":
            return self._full_backlog(), []
        port = free_port()
        if not behaviour:
            return port, []
        command = python("-m", "benchmarks.proxy.targets", behaviour, str(port))
        log = folder / "shadow.log"
        return port, [
            self._stack.enter_context(running(command, cores=LOAD_CORE, port=port, log=log, nice=19))
        ]

    def _full_backlog(self) -> int:
        """A port whose queue of connections is full, so that the kernel drops every further SYN."""
        listener = self._stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(BACKLOG)
        port: int = listener.getsockname()[1]
        for _ in range(BACKLOG + 2):
            waiting = self._stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", port))
        return port

    def _nginx_stub(self, name: str) -> int:
        port = free_port()
        command = nginx.command(nginx.stub(self._folder / name, port=port))
        log = self._folder / f"{name}.log"
        self._stack.enter_context(running(command, cores=LOAD_CORE, port=port, log=log))
        return port


@contextmanager
def all_rows(folder: Path, *, only: str = "") -> Iterator[list[Row]]:
    """The rows whose shadow's name has `only` in it, started together and frozen once they serve."""
    with ExitStack() as stack:
        stage = Stage(stack, folder)
        rows = [stage.row(name, behaviour=None) for name in (NO_MIRROR, AGAIN)]
        rows += [stage.row(name, behaviour=behaviour) for name, behaviour in SHADOWS.items() if only in name]
        for row in rows:
            wait_for(row.port, log=row.config.parent / "proxy.log")
            sparring_proxy.wait_until_ready(row.config)
            if row.name == STOPPED:
                os.kill(row.pids.pop(), signal.SIGSTOP)
        for row in rows:
            for pid in row.pids:
                freeze(pid)
        yield rows


def account_of(row: Row) -> tuple[str, int]:
    """What became of the copies, from the proxy's own account, and how often its worker died."""
    thaw(row.pids[0])
    account = sparring_proxy.account(row.config)
    restarts: int = account["workers"]["restarts"]
    if row.name in NO_SHADOW:
        return "-", restarts
    candidate = account["targets"]["candidate"]
    dropped = {f"dropped/{why}": count for why, count in candidate["dropped"].items()}
    counts = {**candidate["endings"], **dropped, "in flight": candidate["in_flight"]}
    largest = sorted(((count, name) for name, count in counts.items() if count), reverse=True)[:3]
    return ", ".join(f"{name} {count:,}" for count, name in largest), restarts


def print_table(rows: list[Row]) -> bool:
    """Whether every row is within bounds."""
    base = rows[0]
    noise = {
        share: statistics.median(abs(ratio - 1) for ratio in rows[1].ratios(base, share))
        for share in (0.5, 0.99)
    }
    print(f"A/A noise: {noise[0.5]:.1%} of p50, {noise[0.99]:.1%} of p99; allowed is 1.05 + noise")
    print(
        f"{'shadow':<24}{'p50 us':>8}{'p99 us':>8}{'ratio p50 (min..max)':>24}{'p99 (min..max)':>24}", end=""
    )
    print(f"{'failed':>8}{'died':>6}{'within':>8}{'MiB':>6}  copies")
    return sum(_print_row(row, base, noise) for row in rows) == len(rows)


def _print_row(row: Row, base: Row, noise: dict[float, float]) -> bool:
    ratios = {share: row.ratios(base, share) for share in noise}
    cells = "".join(
        f"{statistics.median(r):>10.2f} ({min(r):.2f}..{max(r):.2f})".rjust(24) for r in ratios.values()
    )
    failed, (copies, died) = sum(one.errors for one in row.seen), account_of(row)
    within = all(statistics.median(r) <= ALLOWED + noise[share] for share, r in ratios.items())
    within = within and not failed and not died
    print(
        f"{row.name:<24}{row.median_us(0.5):>8,.0f}{row.median_us(0.99):>8,.0f}{cells}{failed:>8,}{died:>6}"
        f"{'yes' if within else 'NO':>8}{row.peak_kib / 1024:>6.0f}  {copies}",
        flush=True,
    )
    return within


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--windows", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--only", default="", help="only shadows whose name has this in it")
    parser.add_argument("--python", action="store_true", help="do not compile the proxy's hot path first")
    given = parser.parse_args()
    if not prepared(NEEDED, as_python=given.python):
        return 2
    with (
        tempfile.TemporaryDirectory(prefix="sparring-bench-") as scratch,
        all_rows(Path(scratch), only=given.only) as rows,
    ):
        for _ in range(given.windows):
            for row in rows:
                row.measure(seconds=given.seconds)
        good = print_table(rows)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
