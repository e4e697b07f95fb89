"""Our proxy beside nginx's mirror module, an aiohttp proxy and plain nginx, in one interleaved run.

    python -m benchmarks.proxy.compare [--windows 5] [--seconds 2] [--python]

Ours runs compiled (`python -m shadow_proxy.compiled`) unless told otherwise. Each proxy has core 0 to itself
while it is measured; wrk and two nginx stub targets share core 1. Ours journals every request and both
answers. Windows are interleaved, medians are printed: on a shared machine the ratios and the CPU time per
request mean more than the rates. Exits 1 when a target of ours is missed, 2 when a program is missing.
"""

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from benchmarks.proxy import nginx
from benchmarks.proxy.load import Window, window, write_script
from benchmarks.proxy.processes import cpu_ns, free_port, python, running
from shadow_proxy import compiled

PROXY_CORE: Final = 0
LOAD_CORE: Final = 1
BUSY_CONNECTIONS: Final = 32
NEEDED: Final = {
    "nginx": "apt-get install nginx-light",
    "wrk": "apt-get install wrk",
    "taskset": "util-linux",
}
WANTED_RATIOS: Final = {"nginx mirror": 1.5, "aiohttp proxy": 6.0}
OURS: Final = "sparring"


@dataclass(slots=True, kw_only=True)
class Peer:
    """One row of the table: where it listens, whose CPU counts, and what its windows showed."""

    name: str
    port: int
    pid: int = 0
    busy: list[Window] = field(default_factory=list)
    calm: list[Window] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)

    def rate(self) -> float:
        """Median requests a second."""
        return statistics.median(one.rate_per_s for one in self.busy)


def missing_programs() -> list[str]:
    """What has to be installed first, in words."""
    found = [f"{name} is missing: {how}" for name, how in NEEDED.items() if shutil.which(name) is None]
    if (os.cpu_count() or 1) < 2:
        found.append("two cores are needed: one for the proxy, one for the load")
    return found


@contextmanager
def all_peers(folder: Path) -> Iterator[list[Peer]]:
    """Stubs and proxies, running."""
    target, shadow = free_port(), free_port()
    with ExitStack() as stack:

        def start(name: str, command: list[str], *, port: int, core: int = PROXY_CORE) -> Peer:
            pid = stack.enter_context(running(command, core=core, port=port, log=folder / f"{name}.log"))
            return Peer(name=name, port=port, pid=pid)

        for name, port in (("baseline", target), ("candidate", shadow)):
            start(name, nginx.command(nginx.stub(folder / name, port=port)), port=port, core=LOAD_CORE)
        ports = [free_port() for _ in range(4)]
        own = _own_config(folder, port=ports[0], target=target, shadow=shadow)
        mirror = nginx.mirror(folder / "mirror", port=ports[1], target=target, shadow=shadow)
        plain = nginx.plain(folder / "plain", port=ports[3], target=target)
        usual = ["-m", "benchmarks.proxy.aiohttp_proxy", "--port", str(ports[2])]
        usual += ["--target", f"http://127.0.0.1:{target}", "--shadow", f"http://127.0.0.1:{shadow}"]
        yield [
            Peer(name="direct", port=target),
            start(OURS, python("-m", "shadow_proxy", str(own)), port=ports[0]),
            start("nginx mirror", nginx.command(mirror), port=ports[1]),
            start("aiohttp proxy", python(*usual), port=ports[2]),
            start("nginx plain", nginx.command(plain), port=ports[3]),
        ]


def measure(peers: list[Peer], *, windows: int, seconds: int, folder: Path) -> None:
    """Fill the peers' windows, one of each in turn."""
    script = write_script(folder)
    for peer in peers:
        window(port=peer.port, connections=BUSY_CONNECTIONS, seconds=1, core=LOAD_CORE, script=script)
    for _ in range(windows):
        for peer in peers:
            before = cpu_ns(peer.pid) if peer.pid else 0
            seen = window(
                port=peer.port, connections=BUSY_CONNECTIONS, seconds=seconds, core=LOAD_CORE, script=script
            )
            spent_ns = (cpu_ns(peer.pid) if peer.pid else 0) - before
            peer.busy.append(seen)
            peer.cpu_us.append(spent_ns / 1000 / max(seen.requests, 1))
            peer.calm.append(
                window(
                    port=peer.port, connections=1, seconds=max(1, seconds // 2), core=LOAD_CORE, script=script
                )
            )
        _forget_old_segments(folder)


def table(peers: list[Peer]) -> str:
    """The medians, and the range of the CPU time."""
    direct = peers[0]
    p50, p99 = _calm_latency(direct)
    columns = f"{'requests/s':>12}{'CPU us/request (min..max)':>30}{'added us p50':>14}{'p99':>8}"
    lines = [f"{'proxy':<16}{columns}  errors"]
    for peer in peers:
        own_p50, own_p99 = _calm_latency(peer)
        cpu = sorted(peer.cpu_us)
        shown = f"{statistics.median(cpu):.1f} ({cpu[0]:.1f}..{cpu[-1]:.1f})" if peer.pid else "-"
        errors = "; ".join(sorted({one.errors for one in peer.busy + peer.calm if one.errors})) or "none"
        added = f"{own_p50 - p50:>14.0f}{own_p99 - p99:>8.0f}" if peer.pid else f"{p50:>14.0f}{p99:>8.0f}"
        lines.append(f"{peer.name:<16}{peer.rate():>12.0f}{shown:>30}{added}  {errors}")
    return "\n".join(lines)


def missed(peers: list[Peer]) -> list[str]:
    """Prints each ratio that we promise; returns those that were not kept."""
    by_name = {peer.name: peer for peer in peers}
    found = []
    for name, wanted in WANTED_RATIOS.items():
        pairs = zip(by_name[OURS].busy, by_name[name].busy, strict=True)
        ratio = statistics.median(ours.rate_per_s / max(theirs.rate_per_s, 1) for ours, theirs in pairs)
        cost = statistics.median(by_name[name].cpu_us) / statistics.median(by_name[OURS].cpu_us)
        print(
            f"{ratio:.2f} x the requests/s of {name} (wanted {wanted:g}); {1 / cost:.2f} x its CPU a request"
        )
        if ratio < wanted:
            found.append(name)
    return found


def _calm_latency(peer: Peer) -> tuple[float, float]:
    return (
        statistics.median(one.p50_us for one in peer.calm),
        statistics.median(one.p99_us for one in peer.calm),
    )


def _own_config(folder: Path, *, port: int, target: int, shadow: int) -> Path:
    path = folder / "sparring.json"
    config = {
        "listen": f"127.0.0.1:{port}",
        "admin": f"127.0.0.1:{free_port()}",
        "record": str(folder / "run"),
        "targets": [
            {"name": "baseline", "role": "baseline", "url": f"http://127.0.0.1:{target}"},
            {"name": "candidate", "role": "candidate", "url": f"http://127.0.0.1:{shadow}"},
        ],
    }
    path.write_text(json.dumps(config))
    return path


def _forget_old_segments(folder: Path) -> None:
    """What the recorder does once it has a segment in a file: nobody records here."""
    for segment in sorted((folder / "run" / "journal" / "exchanges-0").glob("*.seg"))[:-1]:
        segment.unlink()


def _own_account(folder: Path) -> str:
    config = json.loads((folder / "sparring.json").read_text())
    with urllib.request.urlopen(f"http://{config['admin']}/accounting") as answer:
        account = json.load(answer)
    candidate, journal = account["targets"]["candidate"], account["journal"]
    dropped = {reason: count for reason, count in candidate["dropped"].items() if count}
    return (
        f"sparring: {account['requests']} requests = {candidate['mirrored']} mirrored + dropped {dropped}; "
        f"{journal['records']} journal records, {journal['dropped']} not recorded"
    )


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--windows", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--python", action="store_true", help="do not compile the proxy's hot path first")
    given = parser.parse_args()
    missing = missing_programs()
    if missing:
        print("\n".join(missing), file=sys.stderr)
        return 2
    if not given.python and compiled.main():
        return 2
    print(f"{OURS} runs {'compiled' if compiled.is_built() else 'as Python'}, one worker, journal on")
    with tempfile.TemporaryDirectory(prefix="sparring-bench-") as scratch:
        folder = Path(scratch)
        with all_peers(folder) as peers:
            measure(peers, windows=given.windows, seconds=given.seconds, folder=folder)
            print(table(peers))
            print(_own_account(folder))
            return 1 if missed(peers) else 0


if __name__ == "__main__":
    sys.exit(main())
