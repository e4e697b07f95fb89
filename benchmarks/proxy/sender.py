"""A small open-loop sender: requests at a steady rate, latency counted from the instant each was due.

Knows blocking-free sockets and the clock; refuses to know what answers. With several ports the requests go to
them in turn, so that a slow rate is interleaved request by request. It is not the product's engine, so that
the proxy is not measured with a ruler of its own make. Run by `open_loop` as a process of its own on the
load's core, in the lowest realtime class where that is granted.
"""

import argparse
import json
import re
import select
import socket
import subprocess
import time
from dataclasses import dataclass, field
from typing import Final

from benchmarks.proxy.processes import LOAD_CORE, python
from replay.priority import prompt_wakes

NS_PER_S: Final = 1_000_000_000
MAX_IN_FLIGHT: Final = 512
GRACE_S: Final = 3.0
CONNECT_S: Final = 1.0
_LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_BODY: Final = b'{"inputs":[{"name":"predict","shape":[28,4],"datatype":"FP64","data":[%s]}]}' % b",".join(
    [b"[5.1,3.5,1.4,0.2]"] * 28
)
_REQUEST: Final = (
    b"POST /v2/models/iris/infer HTTP/1.1\r\nHost: model\r\nContent-Type: application/json\r\n"
    b"X-Request-Id: bench-%d\r\nContent-Length: " + str(len(_BODY)).encode() + b"\r\n\r\n" + _BODY
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What became of one port's requests; `lag_us` is how late they were sent, in the median."""

    latency_us: list[float]
    errors: int
    lag_us: float


@dataclass(slots=True, kw_only=True)
class _Lane:
    port: int
    idle: list[socket.socket] = field(default_factory=list)
    latency_ns: list[int] = field(default_factory=list)
    lag_ns: list[int] = field(default_factory=list)
    errors: int = 0


@dataclass(slots=True, kw_only=True)
class _Flight:
    lane: _Lane
    due_ns: int
    counts: bool
    received: bytes = b""


class Sender:
    """One run at one rate."""

    def __init__(self, ports: list[int]) -> None:
        self.lanes = [_Lane(port=port) for port in ports]
        self._flights: dict[socket.socket, _Flight] = {}

    def run(self, *, rate_per_s: float, warm: int, total: int) -> None:
        """Send `total` requests, of which the first `warm` do not count; what is late beyond grace failed."""
        start_ns = time.monotonic_ns() + NS_PER_S // 20
        end_ns = start_ns + round((total / rate_per_s + GRACE_S) * NS_PER_S)
        for number in range(total):
            due_ns = start_ns + round(number * NS_PER_S / rate_per_s)
            self._take_until(due_ns)
            lane = self.lanes[number % len(self.lanes)]
            flight = _Flight(lane=lane, due_ns=due_ns, counts=number >= warm)
            if time.monotonic_ns() > end_ns or not self._send(flight, number):
                lane.errors += 1
        while self._flights and time.monotonic_ns() < end_ns:
            self._take(timeout_s=0.1)
        for flight in self._flights.values():
            flight.lane.errors += 1

    def _take_until(self, due_ns: int) -> None:
        while (left_ns := due_ns - time.monotonic_ns()) > 0:
            self._take(timeout_s=left_ns / NS_PER_S)

    def _take(self, *, timeout_s: float) -> None:
        readable, _, _ = select.select(self._flights, (), (), timeout_s)
        for connection in readable:
            self._receive(connection)

    def _send(self, flight: _Flight, number: int) -> bool:
        lane = flight.lane
        if len(self._flights) >= MAX_IN_FLIGHT:
            return False
        try:
            connection = lane.idle.pop() if lane.idle else _connected(lane.port)
            connection.send(_REQUEST % number)
        except OSError:
            return False
        if flight.counts:
            lane.lag_ns.append(time.monotonic_ns() - flight.due_ns)
        self._flights[connection] = flight
        return True

    def _receive(self, connection: socket.socket) -> None:
        flight = self._flights[connection]
        try:
            data = connection.recv(65536)
        except OSError:
            data = b""
        flight.received += data
        if data and not _is_whole(flight.received):
            return
        del self._flights[connection]
        if not data or not flight.received.startswith(b"HTTP/1.1 200"):
            flight.lane.errors += 1
            connection.close()
            return
        flight.lane.idle.append(connection)
        if flight.counts:
            flight.lane.latency_ns.append(time.monotonic_ns() - flight.due_ns)


def _connected(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=CONNECT_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.setblocking(False)
    return connection


def _is_whole(received: bytes) -> bool:
    end = received.find(b"\r\n\r\n")
    length = _LENGTH.search(received, 0, end) if end >= 0 else None
    return length is not None and len(received) >= end + 4 + int(length[1])


def open_loop(ports: list[int], *, rate_per_s: float, seconds: float, warm_s: float = 0.5) -> list[Sent]:
    """One window from a process of its own; what became of each port's requests."""
    total, warm = round(rate_per_s * (seconds + warm_s)), round(rate_per_s * warm_s)
    command = ["taskset", "-c", LOAD_CORE, *python("-m", "benchmarks.proxy.sender", *map(str, ports))]
    command += ["--rate", str(rate_per_s), "--total", str(total), "--warm", str(warm)]
    ended = subprocess.run(command, check=True, capture_output=True, text=True, timeout=seconds + 60)
    return [Sent(**lane) for lane in json.loads(ended.stdout)]


def main() -> None:
    """The command line; prints one JSON object for each port."""
    parser = argparse.ArgumentParser()
    parser.add_argument("ports", type=int, nargs="+")
    parser.add_argument("--rate", type=float, required=True)
    parser.add_argument("--total", type=int, required=True)
    parser.add_argument("--warm", type=int, required=True)
    given = parser.parse_args()
    sender = Sender(given.ports)
    with prompt_wakes(wanted=True):
        sender.run(rate_per_s=given.rate, warm=given.warm, total=given.total)
    found = [
        {
            "latency_us": [each / 1000 for each in lane.latency_ns],
            "errors": lane.errors,
            "lag_us": sorted(lane.lag_ns)[len(lane.lag_ns) // 2] / 1000 if lane.lag_ns else 0.0,
        }
        for lane in sender.lanes
    ]
    print(json.dumps(found))


if __name__ == "__main__":
    main()
