"""The soak's traffic: every kind of client at once, at a steady pace, each answer checked.

Knows kinds and what each must get; refuses to know processes. One table: kind, share, what it does.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tests.end_to_end.soak_client import Client
from tests.end_to_end.soak_messages import answer_body, request_bytes

MALFORMED = (
    b"POST /fixed/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"GET /fixed/1 HTTP/1.1\r\nHost: a\r\nBad Name: x\r\n\r\n",
    b"GET /fixed/1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1x\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 this is TLS\r\n\r\n",
)


@dataclass(slots=True, kw_only=True)
class Load:
    """`per_s` questions a second from `clients` clients until `stopping`; `done` counts by kind."""

    port: int
    per_s: float
    clients: int
    chance: random.Random
    done: Counter[str] = field(default_factory=Counter)
    stopping: bool = False

    @property
    def asked(self) -> int:
        """Requests that the proxy must have taken up."""
        return self.done.total() - self.done["malformed"]

    async def go_on(self) -> None:
        """All clients, each at its own pace."""
        async with asyncio.TaskGroup() as tasks:
            for number in range(self.clients):
                tasks.create_task(self._one(number))

    async def _one(self, number: int) -> None:
        loop = asyncio.get_running_loop()
        client, due_s = Client(self.port), loop.time()
        pace_s = self.clients / self.per_s
        count = 0
        while not self.stopping:
            due_s += pace_s * self.chance.uniform(0.5, 1.5)
            await asyncio.sleep(max(0.0, due_s - loop.time()))
            kind = self.chance.choices(list(KINDS), [share for share, _ in KINDS.values()])[0]
            await KINDS[kind][1](self, client, f"s{number}-{count}")
            self.done[kind] += 1
            count += 1
        client.close()


def asking(path: str, *, body_bytes: int, chunked: bool = False) -> Callable[..., Awaitable[None]]:
    """A good request, and the right answer."""

    async def ask(load: Load, client: Client, request_id: str) -> None:
        del load
        body = (request_id.encode() * body_bytes)[:body_bytes]
        answer = await client.ask(request_bytes(request_id, path, body=body, chunked=chunked))
        assert answer.status == 200
        assert bytes(answer.body) == answer_body(path, request_id=request_id.encode(), body=body)

    return ask


async def leave_early(load: Load, client: Client, request_id: str) -> None:
    """A client that goes away in the middle of its answer."""
    del client
    await Client(load.port).leave_early(request_bytes(request_id, "/chunked/200000", body=b"x" * 100))


async def send_malformed(load: Load, client: Client, request_id: str) -> None:
    """Bytes that must be refused."""
    del client, request_id
    answer = await Client(load.port).ask(load.chance.choice(MALFORMED))
    assert answer.status == 400
    assert not answer.keep


KINDS: dict[str, tuple[float, Callable[[Load, Client, str], Awaitable[None]]]] = {
    "small": (60, asking("/fixed/300", body_bytes=600)),
    "large answer": (8, asking("/fixed/100000", body_bytes=600)),
    "large question": (6, asking("/fixed/300", body_bytes=100_000)),
    "chunked both ways": (8, asking("/chunked/20000", body_bytes=20_000, chunked=True)),
    "events": (8, asking("/sse/6", body_bytes=300)),
    "left early": (5, leave_early),
    "malformed": (5, send_malformed),
}
