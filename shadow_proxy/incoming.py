"""One request as it came in: its head, and its body so far.

Knows what has arrived and how much of it is still held for copies, for the journal and for a second try;
refuses to know targets. Made by the client connection, read by everything that sends, copies or records it.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from scenarios.fault import Chosen
from wire.request_reader import RequestHead

if TYPE_CHECKING:
    from shadow_proxy.exchange import Exchange


class Incoming:
    """`held` is false once the body went over `max_held_bytes`: then only `fresh` pieces pass through.

    `copies` are the shadow exchanges that wait for the body's end, `chosen` the faults that hold for it.
    `lines` are the end-to-end fields as they came, `start` is its head on the way to any target.
    `received_ns` is a raw monotonic stamp, `due_ns` counts from the run's origin.
    """

    body_bytes: int = 0
    complete: bool = False
    copies: "Sequence[Exchange]" = ()
    chosen: tuple[Chosen, ...] = ()
    _whole: bytes | None = None

    def __init__(
        self,
        head: RequestHead,
        *,
        request_id: bytes,
        lines: bytes,
        start: bytes,
        received_ns: int,
        due_ns: int,
        max_held_bytes: int,
    ) -> None:
        self.head = head
        self.request_id = request_id
        self.received_ns = received_ns
        self.due_ns = due_ns
        self.lines = lines
        self.pieces: list[bytes] = []
        self.fresh: list[bytes] = []
        self.held = head.content_length <= max_held_bytes
        self.start = start
        self._max_held_bytes = max_held_bytes

    def take(self, piece: bytes) -> None:
        """One more piece of the body."""
        self.body_bytes += len(piece)
        self.fresh.append(piece)
        if self.held:
            self.pieces.append(piece)
            if self.body_bytes > self._max_held_bytes:
                self.held = False
                self.pieces.clear()

    def take_fresh(self) -> bytes:
        """What arrived since the last call, in one piece."""
        fresh = self.fresh
        if not fresh:
            return b""
        joined = fresh[0] if len(fresh) == 1 else b"".join(fresh)
        fresh.clear()
        return joined

    def whole(self) -> bytes:
        """The held body so far; empty if it was too large to hold."""
        if self._whole is not None:
            return self._whole
        joined = self.pieces[0] if len(self.pieces) == 1 else b"".join(self.pieces)
        if self.complete:
            self._whole = joined
        return joined
