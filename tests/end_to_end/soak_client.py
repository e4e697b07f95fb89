"""A client of the slow tests: raw bytes out, and answers read by llhttp and compared with the right one.

Knows one connection; refuses to know what a test makes of a cut answer.
"""

import asyncio
from dataclasses import dataclass, field

import httptools

READ_BYTES = 1 << 16
PATIENCE_S = 20.0


class CutError(Exception):
    """The connection ended inside an answer, or before it."""


@dataclass(slots=True, kw_only=True)
class Answer:
    """What came back."""

    status: int = 0
    body: bytearray = field(default_factory=bytearray)
    complete: bool = False
    keep: bool = True


class _Collector:
    """llhttp's callbacks into an `Answer`."""

    def __init__(self) -> None:
        self.answer = Answer()
        self.parser = httptools.HttpResponseParser(self)

    def on_headers_complete(self) -> None:
        """The head is here."""
        self.answer.status = self.parser.get_status_code()
        self.answer.keep = self.parser.should_keep_alive()

    def on_body(self, piece: bytes) -> None:
        """A piece of the body."""
        self.answer.body += piece

    def on_message_complete(self) -> None:
        """All of it."""
        self.answer.complete = True


class Client:
    """One client; it connects when it has something to send and has no connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, request: bytes, *, within_s: float = PATIENCE_S) -> Answer:
        """The whole answer; `CutError` or `OSError` if there is none, `TimeoutError` if it is late."""
        try:
            async with asyncio.timeout(within_s):
                answer = await self._exchange(request)
        except BaseException:
            self.close()
            raise
        if not answer.keep:
            self.close()
        return answer

    async def leave_early(self, request: bytes) -> None:
        """Ask, wait for the first bytes of the answer, and go."""
        async with asyncio.timeout(PATIENCE_S):
            reader = await self._send(request)
            if not await reader.read(1):
                raise CutError("no answer")
        self.close()

    def close(self) -> None:
        """Go, without a word."""
        if self._writer is not None:
            self._writer.transport.abort()
        self._reader = self._writer = None

    async def _send(self, request: bytes) -> asyncio.StreamReader:
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writer.write(request)
        await self._writer.drain()
        return self._reader

    async def _exchange(self, request: bytes) -> Answer:
        reader = await self._send(request)
        collector = _Collector()
        while not collector.answer.complete:
            received = await reader.read(READ_BYTES)
            if not received:
                raise CutError(f"after {len(collector.answer.body)} bytes of a body")
            collector.parser.feed_data(received)
        return collector.answer
