"""5,000 streams of events held open at once: memory for each, CPU while idle, and that events arrive.

Each row starts its own proxy, opens the streams through it, waits until every client has its first event,
looks at the proxy for two idle seconds, has the target send one event to all, and waits until all have it.
nginx has no mirror here and does not buffer answers; ours is shown without a mirror, and with one, where the
candidate streams as well and every event is read twice. Clients and target are on the other core.
"""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.proxy.bench import Bench, Started, bench
from benchmarks.proxy.nginx import Shape
from benchmarks.proxy.processes import LOAD_CORE, cpu_ns, resident_kib
from benchmarks.proxy.sparring_proxy import plain_targets

STREAMS: Final = 5_000
AT_ONCE: Final = 250
IDLE_S: Final = 2.0
ARRIVE_S: Final = 15.0
BOUND: Final = 6_000
EVENT: Final = b"data: now\n\n"
REQUEST: Final = b"GET /v1/events HTTP/1.1\r\nHost: model\r\nAccept: text/event-stream\r\n\r\n"
LIMITS: Final = {
    "client_connections": BOUND,
    "primary_connections": BOUND,
    "shadow_connections": BOUND,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What holding the streams showed."""

    opened: int
    kib_each: float
    idle_cpu: float
    arrived: int
    last_ms: float
    cpu_us_each: float


class Listener(asyncio.Protocol):
    """One client: asks for a stream and counts its events."""

    def __init__(self) -> None:
        self.events = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(REQUEST)

    def data_received(self, data: bytes) -> None:
        """Count; an event is small enough to come whole."""
        self.events += data.count(EVENT)


def run(folder: Path, windows: int, seconds: int) -> None:
    """Measure each row once and print; windows and seconds are the part's own."""
    del windows, seconds
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {int(LOAD_CORE)})
    try:
        print_rows(folder)
    finally:
        os.sched_setaffinity(0, cores)


def print_rows(folder: Path) -> None:
    """Each row from its proxy's start to its end."""
    print(f"{'streams':<26}{'open':>7}{'KiB each':>10}{'idle CPU':>10}", end="")
    print(f"{'arrived':>9}{'last ms':>9}{'CPU us each':>13}", flush=True)
    for name, start in ROWS.items():
        place = folder / name.replace(" ", "-").replace(",", "")
        place.mkdir()
        with bench(place) as on:
            target, shadow = (on.target("stream", role) for role in ("baseline", "candidate"))
            proxy = start(on, target, shadow)
            print(f"{name:<26}{_shown(asyncio.run(held(proxy, (target.pid, shadow.pid))))}", flush=True)


async def held(proxy: Started, target_pids: tuple[int, ...]) -> Held:
    """Open them, look, and close them."""
    before_kib = resident_kib(proxy.pid)
    listeners = await opened(proxy.port)
    arrived_first = await arrived(listeners, events=1)
    kib_each = (resident_kib(proxy.pid) - before_kib) / STREAMS
    began_ns, began_at = cpu_ns(proxy.pid), time.monotonic()
    await asyncio.sleep(IDLE_S)  # what is measured is that nothing happens
    idle_cpu = (cpu_ns(proxy.pid) - began_ns) / 1e9 / (time.monotonic() - began_at)
    began_ns, began_at = cpu_ns(proxy.pid), time.monotonic()
    for pid in target_pids:
        os.kill(pid, signal.SIGUSR1)
    got = await arrived(listeners, events=2)
    last_ms, spent_ns = (time.monotonic() - began_at) * 1000, cpu_ns(proxy.pid) - began_ns
    for listener in listeners:
        listener.transport.abort()
    return Held(
        opened=arrived_first, kib_each=kib_each, idle_cpu=idle_cpu,
        arrived=got, last_ms=last_ms, cpu_us_each=spent_ns / 1000 / STREAMS,
    )  # fmt: skip


async def opened(port: int) -> list[Listener]:
    """All clients, some hundreds at a time, each batch once the one before has its first event."""
    loop = asyncio.get_running_loop()
    listeners: list[Listener] = []
    while len(listeners) < STREAMS:
        batch = [loop.create_connection(Listener, "127.0.0.1", port) for _ in range(AT_ONCE)]
        listeners += [listener for _, listener in await asyncio.gather(*batch)]
        await arrived(listeners, events=1)
    return listeners


async def arrived(listeners: list[Listener], *, events: int) -> int:
    """How many have so many events, once all have or time is up."""
    deadline = time.monotonic() + ARRIVE_S
    while (count := sum(each.events >= events for each in listeners)) < len(listeners):
        if time.monotonic() > deadline:
            break
        await asyncio.sleep(0.01)
    return count


def _plain_nginx(on: Bench, target: Started, _: Started) -> Started:
    return on.nginx_plain("plain", target=target.port, shape=Shape(files=15_000, buffering="off"))


def _ours_alone(on: Bench, target: Started, _: Started) -> Started:
    return on.ours("ours", plain_targets(baseline=target.port), more={"limits": LIMITS})


def _ours_mirrored(on: Bench, target: Started, shadow: Started) -> Started:
    targets = plain_targets(baseline=target.port, candidate=shadow.port)
    return on.ours("ours", targets, more={"limits": LIMITS})


def _shown(held: Held) -> str:
    return (
        f"{held.opened:>7,}{held.kib_each:>10.1f}{held.idle_cpu:>10.1%}{held.arrived:>9,}"
        f"{held.last_ms:>9.0f}{held.cpu_us_each:>13.1f}"
    )


ROWS: Final[dict[str, Callable[[Bench, Started, Started], Started]]] = {
    "nginx plain": _plain_nginx,
    "sparring, no mirror": _ours_alone,
    "sparring, mirrored": _ours_mirrored,
}
