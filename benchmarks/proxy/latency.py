"""The latency that a proxy adds over asking the target directly, at steady rates that are far from its limit.

    python -m benchmarks.proxy.latency [--windows 5] [--seconds 2.5] [--python]

Open loop (`sender.py`), latency from due, at 1, 100 and 1,000 requests a second: direct, ours (compiled,
journal on, mirroring), nginx's mirror module and nginx without one. At 1 request a second the four take turns
request by request for 30 s; above that, windows are interleaved. Printed is each quantile minus the same of
direct: for p50 and p99 the median over the rounds, for p99.9 over all rounds taken together, and a dash where
there is too little to say. The proxy has core 0, sender and targets share core 1: at these rates most of what
is added is the waking of cores that sleep. Takes under three minutes.
"""

import argparse
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
from benchmarks.proxy.processes import LOAD_CORE, PROXY_CORE, free_port, running
from benchmarks.proxy.quantiles import maybe_quantile
from benchmarks.proxy.sender import Sent, open_loop

NEEDED: Final = ("nginx", "taskset")
SLOW_PER_S: Final = 1.0
SLOW_SECONDS: Final = 30.0
RATES_PER_S: Final = (100.0, 1000.0)
DIRECT: Final = "direct"


@dataclass(slots=True, kw_only=True)
class Way:
    """One way to the target, and what its windows showed."""

    name: str
    port: int
    seen: list[Sent] = field(default_factory=list)

    def pooled_us(self) -> list[float]:
        """All windows together."""
        return [each for one in self.seen for each in one.latency_us]


@contextmanager
def all_ways(folder: Path) -> Iterator[dict[str, int]]:
    """Targets and proxies, running: the port of each way."""
    with ExitStack() as stack:

        def start(name: str, command: list[str], *, port: int, cores: str = PROXY_CORE) -> None:
            stack.enter_context(running(command, cores=cores, port=port, log=folder / f"{name}.log"))

        target, shadow, own, mirror, plain = (free_port() for _ in range(5))
        for name, port in (("baseline", target), ("candidate", shadow)):
            start(name, nginx.command(nginx.stub(folder / name, port=port)), port=port, cores=LOAD_CORE)
        targets = sparring_proxy.plain_targets(baseline=target, candidate=shadow)
        config = sparring_proxy.configured(folder / "own", port=own, targets=targets)
        start("sparring", sparring_proxy.command(config), port=own)
        mirroring = nginx.mirror(folder / "mirror", port=mirror, target=target, shadow=shadow)
        start("mirror", nginx.command(mirroring), port=mirror)
        start("plain", nginx.command(nginx.plain(folder / "plain", port=plain, target=target)), port=plain)
        yield {DIRECT: target, "sparring": own, "nginx mirror": mirror, "nginx plain": plain}


def measured(ports: dict[str, int], *, rate_per_s: float, windows: int, seconds: float) -> list[Way]:
    """Interleaved windows at one rate."""
    ways = [Way(name=name, port=port) for name, port in ports.items()]
    for _ in range(windows):
        for way in ways:
            way.seen += open_loop([way.port], rate_per_s=rate_per_s, seconds=seconds)
    return ways


def measured_slowly(ports: dict[str, int], *, seconds: float) -> list[Way]:
    """All ways at once, taking turns, one request a second each."""
    rate_per_s = SLOW_PER_S * len(ports)
    seen = open_loop(list(ports.values()), rate_per_s=rate_per_s, seconds=seconds, warm_s=2.0)
    return [
        Way(name=name, port=port, seen=[one]) for (name, port), one in zip(ports.items(), seen, strict=True)
    ]


def own_us(way: Way, share: float) -> list[float | None]:
    """A quantile in each round."""
    return [maybe_quantile(one.latency_us, share) for one in way.seen]


def added_us(way: Way, direct: Way | None, share: float) -> float | None:
    """What the way adds to a quantile of direct, the median over the rounds; without direct its own."""
    others = own_us(direct, share) if direct else [0.0] * len(way.seen)
    pairs = zip(own_us(way, share), others, strict=True)
    differences = [own - other for own, other in pairs if own is not None and other is not None]
    return statistics.median(differences) if differences else None


def added_in_all_us(way: Way, direct: Way | None, share: float) -> float | None:
    """The same, over all rounds taken together."""
    own = maybe_quantile(way.pooled_us(), share)
    other = maybe_quantile(direct.pooled_us(), share) if direct else 0.0
    return None if own is None or other is None else own - other


def print_table(ways: list[Way], *, rate_per_s: float) -> None:
    """One rate; the first way is the direct one, whose own quantiles are printed."""
    print(f"\n{rate_per_s:,.0f} requests/s: added us (direct: its own)")
    print(f"{'way':<16}{'p50':>9}{'p99':>9}{'p99.9':>9}{'requests':>10}{'errors':>8}{'sent late p50':>15}")
    for way in ways:
        base = None if way is ways[0] else ways[0]
        cells = [added_us(way, base, 0.5), added_us(way, base, 0.99), added_in_all_us(way, base, 0.999)]
        shown = "".join("        -" if cell is None else f"{cell:>9,.0f}" for cell in cells)
        errors = sum(one.errors for one in way.seen)
        late_us = statistics.median(one.lag_us for one in way.seen)
        print(f"{way.name:<16}{shown}{len(way.pooled_us()):>10,}{errors:>8}{late_us:>12,.0f} us", flush=True)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--windows", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.5)
    parser.add_argument("--slow-seconds", type=float, default=SLOW_SECONDS)
    parser.add_argument("--python", action="store_true", help="do not compile the proxy's hot path first")
    given = parser.parse_args()
    if not prepared(NEEDED, as_python=given.python):
        return 2
    with tempfile.TemporaryDirectory(prefix="sparring-bench-") as scratch, all_ways(Path(scratch)) as ports:
        print_table(measured_slowly(ports, seconds=given.slow_seconds), rate_per_s=SLOW_PER_S)
        for rate_per_s in RATES_PER_S:
            ways = measured(ports, rate_per_s=rate_per_s, windows=given.windows, seconds=given.seconds)
            print_table(ways, rate_per_s=rate_per_s)
    return 0


if __name__ == "__main__":
    sys.exit(main())
