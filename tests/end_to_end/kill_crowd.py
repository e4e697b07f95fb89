"""Clients that go on asking while processes are killed around them, and remember what they saw answered.

Knows ids and right answers; refuses to know who is killed when. An answer that is there must be whole and
right; one that is cut, or a connection that is refused, is the kill's: the client asks its next question.
"""

import asyncio
import hashlib
import itertools
from dataclasses import dataclass, field

from tests.end_to_end.soak_client import Client, CutError
from tests.end_to_end.soak_messages import answer_body, request_bytes

PAUSE_S = 0.015  # between two questions of one client: the pace of the load
PATHS = ("/fixed/300", "/fixed/20000", "/chunked/6000", "/sse/3")


@dataclass(slots=True, kw_only=True)
class Crowd:
    """`answered` has the digest of the answer by the id of the request."""

    port: int
    clients: int = 6
    answered: dict[str, str] = field(default_factory=dict)
    asked: int = 0
    unanswered: int = 0
    stopping: bool = False

    async def ask_on(self) -> None:
        """Until `stopping`."""
        async with asyncio.TaskGroup() as tasks:
            for number in range(self.clients):
                tasks.create_task(self._one(number))

    async def _one(self, number: int) -> None:
        client = Client(self.port)
        for count in itertools.count():
            if self.stopping:
                break
            try:
                await self._ask(client, f"c{number}-{count}", path=PATHS[count % len(PATHS)])
            except (CutError, ConnectionError):
                self.unanswered += 1
            await asyncio.sleep(PAUSE_S)
        client.close()

    async def _ask(self, client: Client, request_id: str, *, path: str) -> None:
        self.asked += 1
        body = request_id.encode() * 40
        answer = await client.ask(request_bytes(request_id, path, body=body))
        if answer.status == 200:
            assert bytes(answer.body) == answer_body(path, request_id=request_id.encode(), body=body)
            self.answered[request_id] = hashlib.sha256(answer.body).hexdigest()
        else:
            assert answer.status == 503, "a worker that drains may say so, and nothing else"
            self.unanswered += 1
