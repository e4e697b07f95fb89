"""Targets that keep every byte and understand it with h11, and a proxy between them and a client.

Knows what arrived; refuses to know what should have. The tests of the byte table put their proxies here.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import h11

from shadow_proxy.testing import Rig, Visit, rig
from tests.shadow_proxy.byte_table.parsers import Request, h11_request
from tests.shadow_proxy.byte_table.rows import Seen

UNMIRRORED: Final = frozenset({b"PUT", b"PATCH", b"DELETE"})  # unless a route says that they are safe
TURNS: Final = 5  # of the loop, so that targets have read whatever lies in their sockets
OK: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class KeepingTarget:
    """Answers every request that h11 finds whole. `raw` is what each connection brought, in order."""

    def __init__(self, answer: bytes = OK) -> None:
        self.raw: list[bytes] = []
        self.whole: list[Request] = []
        self.whole_raw: list[bytes] = []
        self.broken: list[str] = []
        self._answer = answer

    async def behave(self, visit: Visit) -> None:
        """What it does on one connection."""
        at = len(self.raw)
        self.raw.append(b"")
        waiting = b""
        while part := await visit.part():
            self.raw[at] += part
            waiting += part
            while waiting and (rest := self._taken(waiting)) is not None:
                waiting = rest
                await visit.say(self._answer)

    def _taken(self, waiting: bytes) -> bytes | None:
        try:
            found = h11_request(waiting)
        except h11.RemoteProtocolError as error:
            self.broken.append(str(error))
            return None
        if found is None:
            return None
        request, rest = found
        self.whole.append(request)
        self.whole_raw.append(waiting[: len(waiting) - len(rest)])
        return rest

    @property
    def understood(self) -> list[Seen]:
        """The whole requests as the table writes them."""
        return [
            Seen(method=one.method, target=one.target, body=one.body, trailers=one.trailers)
            for one in self.whole
        ]

    @property
    def beginnings(self) -> list[bytes]:
        """What arrived of messages that never became whole."""
        whole = Counter(self.whole_raw)
        left = b"".join(self.raw)
        for raw in whole.elements():
            left = left.replace(raw, b"", 1)
        return [left] if left else []


class Watched:
    """A rig with a baseline and a candidate that keep what they get."""

    def __init__(self, here: Rig, arms: dict[str, KeepingTarget]) -> None:
        self.here = here
        self.baseline = arms["baseline"]
        self.candidate = arms["candidate"]

    async def saw_exactly(self, *seen: Seen) -> None:
        """Both arms saw these requests whole and nothing else, the baseline in this order."""
        await self.here.settled()
        for _ in range(TURNS):
            await asyncio.sleep(0)
        self.here.check()
        assert not self.baseline.broken + self.candidate.broken
        assert self.baseline.understood == list(seen)
        copied = [one for one in seen if one.method not in UNMIRRORED]
        assert Counter(self.candidate.understood) == Counter(copied)
        assert not self.candidate.beginnings


@asynccontextmanager
async def watched(*, answer: bytes = OK) -> AsyncIterator[Watched]:
    """A proxy in front of two such targets."""
    arms = {name: KeepingTarget(answer) for name in ("baseline", "candidate")}
    async with rig(arms["baseline"].behave, {"candidate": arms["candidate"].behave}) as here:
        yield Watched(here, arms)
