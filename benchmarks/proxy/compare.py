"""Our proxy beside nginx's mirror module, HAProxy, an aiohttp proxy and the floor, in one interleaved run.

    python -m benchmarks.proxy.compare [--windows 5] [--seconds 2] [--no-record] [--python]

Ours runs compiled (`python -m shadow_proxy.compiled`) unless told otherwise, and journals every request and
both answers; `--no-record` adds a row without the journal. Each proxy has core 0 to itself while it is
measured; wrk and the nginx stub targets share core 1. nginx keeps its connection to the candidate only if
that answers without a body: "empty" rows have such a candidate, which is nginx's best case. "Floor"
copies bytes and knows no HTTP (`floor_proxy.py`). nginx and HAProxy record nothing. Windows are interleaved,
medians are printed: on a shared machine the ratios and the CPU time per request mean more than the rates.
Exits 1 when an aim of ours is missed, 2 when a program is missing. Takes under three minutes.
"""

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.proxy import haproxy, nginx, sparring_proxy
from benchmarks.proxy.load import Load, write_script
from benchmarks.proxy.preparing import prepared
from benchmarks.proxy.processes import (
    LOAD_CORE,
    PROXY_CORE,
    free_port,
    python,
    running,
)
from benchmarks.proxy.rounds import Row, cost_ratio, measure, rate_ratio, table

NEEDED: Final = ("nginx", "wrk", "haproxy", "taskset")
BUSY_CONNECTIONS: Final = 32
OURS: Final = "sparring"
OURS_EMPTY: Final = "sparring, empty"
OURS_UNRECORDED: Final = "sparring, no journal"
PARTED: Final = {"client_gone"}  # wrk leaves in the middle of its last requests


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """How many times a peer's requests a second ours wants to answer."""

    ours: str
    theirs: str
    ratio: float


AIMS: Final = (
    Aim(ours=OURS, theirs="nginx mirror", ratio=2.0),
    Aim(ours=OURS, theirs="nginx plain", ratio=0.5),
    Aim(ours=OURS, theirs="aiohttp proxy", ratio=6.0),
    Aim(ours=OURS_EMPTY, theirs="nginx mirror, empty", ratio=0.8),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where the stub targets listen."""

    baseline: int
    candidate: int
    empty: int


class Line:
    """The peers, started one after the other on the proxy's core."""

    def __init__(self, stack: ExitStack, folder: Path) -> None:
        self.rows: list[Row] = []
        self.configs: dict[str, Path] = {}
        self._stack = stack
        self._folder = folder
        self._script = write_script(folder)

    def target(self, name: str, *, answer: str = nginx.ANSWER) -> int:
        """Start a stub; its port."""
        port = free_port()
        command = nginx.command(nginx.stub(self._folder / name, port=port, answer=answer))
        self._start(name, command, port=port, cores=LOAD_CORE)
        return port

    def add(self, name: str, command: list[str], *, port: int) -> None:
        """Start a proxy."""
        self._add(name, port=port, pid=self._start(name, command, port=port, cores=PROXY_CORE))

    def add_ours(self, name: str, *, baseline: int, candidate: int, record: bool = True) -> None:
        """Start our own."""
        port = free_port()
        targets = sparring_proxy.plain_targets(baseline=baseline, candidate=candidate)
        config = sparring_proxy.configured(self._place(name), port=port, targets=targets, record=record)
        self.configs[name] = config
        self.add(name, sparring_proxy.command(config), port=port)

    def add_direct(self, port: int) -> None:
        """No proxy at all."""
        self._add("direct", port=port, pid=0)

    def forget_old_segments(self) -> None:
        """Keep the disk from filling."""
        for config in self.configs.values():
            sparring_proxy.forget_old_segments(config.parent)

    def is_whole(self, row: Row) -> bool:
        """Whether one of ours answered all it was asked, and mirrored it."""
        dropped = sparring_proxy.account(self.configs[row.name])["targets"]["candidate"]["dropped"]
        refused = sum(count for why, count in dropped.items() if why not in PARTED)
        if refused:
            print(f"MISSED {row.name}: {refused} copies dropped: {dropped}")
        return row.errors == "none" and not refused

    def _add(self, name: str, *, port: int, pid: int) -> None:
        load = Load(port=port, script=self._script, connections=BUSY_CONNECTIONS)
        self.rows.append(Row(name=name, load=load, pid=pid))

    def _start(self, name: str, command: list[str], *, port: int, cores: str) -> int:
        log = self._folder / f"{self._place(name).name}.log"
        return self._stack.enter_context(running(command, cores=cores, port=port, log=log))

    def _place(self, name: str) -> Path:
        return self._folder / name.replace(", ", "-").replace(" ", "-")


@contextmanager
def all_peers(folder: Path, *, unrecorded: bool) -> Iterator[Line]:
    """Stubs and proxies, running."""
    with ExitStack() as stack:
        line = Line(stack, folder)
        ports = Ports(
            baseline=line.target("baseline"),
            candidate=line.target("candidate"),
            empty=line.target("empty", answer=""),
        )
        line.add_direct(ports.baseline)
        line.add_ours(OURS, baseline=ports.baseline, candidate=ports.candidate)
        line.add_ours(OURS_EMPTY, baseline=ports.baseline, candidate=ports.empty)
        if unrecorded:
            line.add_ours(OURS_UNRECORDED, baseline=ports.baseline, candidate=ports.candidate, record=False)
        for name, (command, port) in others(folder, ports).items():
            line.add(name, command, port=port)
        yield line


def others(folder: Path, ports: Ports) -> dict[str, tuple[list[str], int]]:
    """The peers by name: the command and the port of each."""
    mirror, best, plain, ha, usual, floor = (free_port() for _ in range(6))
    target = ports.baseline
    urls = ["--target", f"http://127.0.0.1:{target}", "--shadow", f"http://127.0.0.1:{ports.candidate}"]
    configs = {
        "nginx mirror": nginx.mirror(folder / "mirror", port=mirror, target=target, shadow=ports.candidate),
        "nginx mirror, empty": nginx.mirror(folder / "best", port=best, target=target, shadow=ports.empty),
        "nginx plain": nginx.plain(folder / "plain", port=plain, target=target),
    }
    return {
        **{
            name: (nginx.command(config), port)
            for (name, config), port in zip(configs.items(), (mirror, best, plain), strict=True)
        },
        "HAProxy plain": (haproxy.command(haproxy.plain(folder / "ha", port=ha, target=target)), ha),
        "aiohttp proxy": (
            python("-m", "benchmarks.proxy.aiohttp_proxy", "--port", str(usual), *urls),
            usual,
        ),
        "floor": (
            python("-m", "benchmarks.proxy.floor_proxy", *map(str, (floor, target, ports.candidate))),
            floor,
        ),
    }


def missed(line: Line) -> list[str]:
    """Prints each ratio that we aim at; returns those that were missed, or bought with errors or drops."""
    rows = {row.name: row for row in line.rows}
    found = [
        f"{name} dropped copies or failed" for name in (OURS, OURS_EMPTY) if not line.is_whole(rows[name])
    ]
    for aim in AIMS:
        ratio = rate_ratio(rows[aim.ours], rows[aim.theirs])
        cost = cost_ratio(rows[aim.ours], rows[aim.theirs])
        kept = ratio >= aim.ratio
        print(
            f"{'kept  ' if kept else 'MISSED'} {aim.ours}: {ratio:.2f} x the requests/s of {aim.theirs} "
            f"(wanted {aim.ratio:g}), {cost:.2f} x its CPU a request"
        )
        found += [] if kept else [aim.theirs]
    return found


def print_beside(rows: list[Row]) -> None:
    """The ratios to everybody else, for what they are worth."""
    by_name = {row.name: row for row in rows if row.pid}
    aimed_at = {aim.theirs for aim in AIMS} | {OURS, OURS_EMPTY}
    for name in sorted(by_name.keys() - aimed_at):
        ours, other = by_name[OURS], by_name[name]
        ratio, cost = rate_ratio(ours, other), cost_ratio(ours, other)
        print(f"       {OURS}: {ratio:.2f} x the requests/s of {name}, {cost:.2f} x its CPU a request")


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--windows", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--no-record", action="store_true", help="add a row of ours without the journal")
    parser.add_argument("--python", action="store_true", help="do not compile the proxy's hot path first")
    given = parser.parse_args()
    if not prepared(NEEDED, as_python=given.python):
        return 2
    with (
        tempfile.TemporaryDirectory(prefix="sparring-bench-") as scratch,
        all_peers(Path(scratch), unrecorded=given.no_record) as line,
    ):
        measure(line.rows, rounds=given.windows, seconds=given.seconds, between=line.forget_old_segments)
        print(table(line.rows, title=f"{BUSY_CONNECTIONS} connections"))
        print(f"{OURS}: {sparring_proxy.account_line(line.configs[OURS])}")
        found = missed(line)
        print_beside(line.rows)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
