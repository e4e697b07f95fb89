"""The floor: the least that Python can do and still send every request to two targets.

Copies whatever a client sends to two connections of its own, and whatever the first answers back; knows no
HTTP at all, so no pool, no limits, no deadlines, no record. It is here to be measured: what a real proxy
costs above it is the price of being one.
"""

import argparse
import asyncio
from typing import cast

import uvloop


class Upstream(asyncio.Protocol):
    """One target's connection for one client; answers go to the client, if it is the one that answers."""

    def __init__(self, client: "Client", *, answers: bool) -> None:
        self._client = client
        self._answers = answers

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send what came meanwhile."""
        self._client.join(cast("asyncio.Transport", transport))  # uvloop's is one by its methods only

    def data_received(self, data: bytes) -> None:
        """Pass it on or forget it."""
        if self._answers:
            self._client.transport.write(data)


class Client(asyncio.Protocol):
    """One client with its two upstream connections."""

    transport: asyncio.Transport

    def __init__(self, tasks: asyncio.TaskGroup, *, ports: tuple[int, int]) -> None:
        self._tasks = tasks
        self._ports = ports
        self._early = bytearray()
        self._upstreams: list[asyncio.Transport] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Open both upstream connections."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is one by its methods only
        for number, port in enumerate(self._ports):
            self._tasks.create_task(self._connect(port, answers=number == 0))

    def data_received(self, data: bytes) -> None:
        """The same bytes to both."""
        if len(self._upstreams) < len(self._ports):
            self._early += data
            return
        for upstream in self._upstreams:
            upstream.write(data)

    def connection_lost(self, _: Exception | None) -> None:
        """Nobody is there any more."""
        for upstream in self._upstreams:
            upstream.abort()

    def join(self, upstream: asyncio.Transport) -> None:
        """One more upstream connection stands."""
        self._upstreams.append(upstream)
        if self._early and len(self._upstreams) == len(self._ports):
            early, self._early = bytes(self._early), bytearray()
            self.data_received(early)

    async def _connect(self, port: int, *, answers: bool) -> None:
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: Upstream(self, answers=answers), "127.0.0.1", port)


async def serve(*, port: int, targets: tuple[int, int]) -> None:
    """Until killed."""
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as tasks:
        await loop.create_server(lambda: Client(tasks, ports=targets), "127.0.0.1", port)
        await asyncio.Event().wait()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("target", type=int)
    parser.add_argument("shadow", type=int)
    given = parser.parse_args()
    uvloop.run(serve(port=given.port, targets=(given.target, given.shadow)))


if __name__ == "__main__":
    main()
