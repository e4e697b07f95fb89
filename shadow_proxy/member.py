"""One worker process as its parent sees it: started, listened to, asked, and waited for.

Knows a process and its two pipes; refuses to know the others. Owned by `crew.py`.
"""

import asyncio
import socket
from asyncio.subprocess import PIPE, Process
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from shadow_proxy.compiled import worker_command, worker_environment
from shadow_proxy.orders import READY, Order, order_line, parsed_reply

ORDER_TIMEOUT_S = 30.0
LATE = f"no answer within {ORDER_TIMEOUT_S:g} s"
DIED = "died before it had carried it out"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedBy:
    """What a worker serves by; the parent replaces it, whole, once a change has been carried out.

    `document` is what stands in the file `config`, which a tidy system may have removed meanwhile.
    """

    config: Path
    counters: Path
    document: bytes
    drain_s: float

    def put(self) -> None:
        """Have the file there, whole."""
        if not self.config.exists():
            self.config.parent.mkdir(parents=True, exist_ok=True)
            partial = self.config.with_suffix(".partial")
            partial.write_bytes(self.document)
            partial.rename(self.config)


@dataclass(slots=True, kw_only=True)
class Member:
    """A worker. `serving` from when it said so until it ends, `served` if it ever did."""

    number: int
    process: Process
    served_by: ServedBy | None
    serving: bool = False
    served: bool = False
    _waiting: dict[int, asyncio.Future[str]] = field(default_factory=dict)
    _asked: int = 0

    @classmethod
    async def start(cls, number: int, listener: socket.socket, *, served_by: ServedBy) -> Self:
        """A new process that accepts from `listener`; `OSError` if there can be none now."""
        served_by.put()
        arguments = [*worker_command("shadow_proxy.worker"), str(served_by.config)]
        arguments += ["--number", str(number), "--listener", str(listener.fileno())]
        arguments += ["--counters", str(served_by.counters)]
        process = await asyncio.create_subprocess_exec(
            *arguments, stdin=PIPE, stdout=PIPE, pass_fds=(listener.fileno(),), env=worker_environment()
        )
        return cls(number=number, process=process, served_by=served_by)

    async def ask(self, order: Order) -> str:
        """Give it an order and wait until that is carried out; what went wrong, or an empty text."""
        self._asked += 1
        number = self._asked
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(order_line(number, order))
            async with asyncio.timeout(ORDER_TIMEOUT_S):
                return await answer
        except TimeoutError:
            return LATE
        finally:
            self._waiting.pop(number, None)

    async def listen(self, *, on_ready: asyncio.Event) -> None:
        """Its lines until it ends: that it is ready, its answers; what it owes then is answered for it."""
        output = self.process.stdout
        assert output is not None
        while line := await _line_of(output):
            if line.strip() == READY.encode():
                on_ready.set()
            elif (reply := parsed_reply(line)) is not None:
                self._settle(reply[0], reply[1])
        self.serving = False
        for number in tuple(self._waiting):
            self._settle(number, DIED)

    def _settle(self, number: int, problem: str) -> None:
        answer = self._waiting.get(number)
        if answer is not None and not answer.done():
            answer.set_result(problem)


async def _line_of(output: asyncio.StreamReader) -> bytes:
    """The next line, or a part of one that is too long to be ours; empty at the end."""
    try:
        return await output.readline()
    except ValueError:
        return b"\n"
