"""One request as it came in: its head, and its body so far.

Knows what has arrived, how much of it is still held for copies and a second try, and what a recording keeps
of it; refuses to know targets. Made by the client connection, read by everything that sends, copies or
records it.

A body is held whole until it is over its own limit or the worker's budget; from then on only its start is
kept, for the recording. The digest of a body that the recording cannot keep whole is taken as the pieces
come, and a body that it can keep never pays for one. A body that came in one small piece is not counted in
the budget: the number of requests in flight bounds those.
"""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from scenarios.fault import Chosen
from shadow_proxy.framing import whole_request
from shadow_proxy.held import HeldBudget
from wire.request_reader import RequestHead

if TYPE_CHECKING:
    from shadow_proxy.exchange import Exchange

UNCOUNTED_BYTES: Final = 64 << 10
RECORDED_BYTES: Final = 1 << 20
TOO_LARGE: Final = "too_large"
NO_BUDGET: Final = "copy_budget"
NO_COPIES: "Final[list[Exchange]]" = []  # never added to


class Incoming:
    """`held` is false once the body went over a limit, which `unheld_reason` names: then `fresh` pieces pass
    through, and `pieces` are what the recording keeps.

    `copies` are the shadow exchanges that wait for the body's end, `chosen` the faults that hold for it.
    `lines` are the end-to-end fields as they came, `start` is its head on the way to any target.
    `received_ns` is a raw monotonic stamp, `due_ns` counts from the run's origin. A recording keeps
    `max_kept_bytes` of the body; -1 says that nothing is recorded. `parties` are the exchanges that may still
    need the body, `trailers` the lines behind it; with an `own_status` the proxy answers itself.
    """

    body_bytes: int = 0
    complete: bool = False
    copies: "list[Exchange]" = NO_COPIES
    chosen: tuple[Chosen, ...] = ()
    unheld_reason: str = ""
    trailers: bytes = b""
    own_status: int = 0
    parties: int = 1
    _message: bytes | None = None
    _counted_bytes: int = 0
    _digest: "hashlib._Hash | None" = None

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
        max_kept_bytes: int = RECORDED_BYTES,
        budget: HeldBudget | None = None,
    ) -> None:
        self.head = head
        self.request_id = request_id
        self.received_ns = received_ns
        self.due_ns = due_ns
        self.lines = lines
        self.pieces: list[bytes] = []
        self.fresh: list[bytes] = []
        self.held = head.content_length <= max_held_bytes
        if not self.held:
            self.unheld_reason = TOO_LARGE
        self.start = start
        self._max_held_bytes = max_held_bytes
        self._max_kept_bytes = max_kept_bytes
        self._budget = budget

    def take(self, piece: bytes) -> None:
        """One more piece of the body."""
        before = self.body_bytes
        self.body_bytes = total = before + len(piece)
        self.fresh.append(piece)
        if self.held and (before or total > UNCOUNTED_BYTES or total > self._max_held_bytes):
            self._check(total)
        if not self.held:
            self._check_kept(before, total)
        if total > self._max_kept_bytes:
            self._digest_piece(piece)
        if self.held:
            self.pieces.append(piece)
        elif before < self._max_kept_bytes:
            self.pieces.append(piece[: self._max_kept_bytes - before])

    def take_fresh(self) -> bytes:
        """What arrived since the last call, in one piece."""
        fresh = self.fresh
        if not fresh:
            return b""
        joined = fresh[0] if len(fresh) == 1 else b"".join(fresh)
        fresh.clear()
        return joined

    def whole(self) -> bytes:
        """The held body so far; empty if it is not held."""
        if not self.held:
            return b""
        pieces = self.pieces
        if len(pieces) == 1:
            return pieces[0]
        joined = b"".join(pieces)
        if self.complete and pieces:
            pieces[:] = [joined]
        return joined

    def message(self) -> bytes:
        """The whole request as it goes to every target for which nothing is changed."""
        message = self._message
        if message is None:
            message = whole_request(self.start, self.head, self.whole(), trailers=self.trailers)
            self._message = message
        return message

    def recorded(self) -> bytes:
        """What a recording keeps of the body so far."""
        if self.held and self.body_bytes <= self._max_kept_bytes:
            return self.whole()
        return _start_of(self.pieces, self._max_kept_bytes)

    def digest(self) -> bytes:
        """The SHA-256 of the body so far if `recorded` is less than that, otherwise empty."""
        return self._digest.digest() if self._digest is not None else b""

    def release(self) -> None:
        """Nobody needs the body any more: hold nothing of it, and of what may still come."""
        self.held = False
        self._max_kept_bytes = -1
        self.pieces.clear()
        if self._counted_bytes:
            self._counts(0)

    def _check(self, total: int) -> None:
        """Whether that much can be held."""
        if total > self._max_held_bytes:
            self._unhold(TOO_LARGE)
        elif not self._counts(total):
            self._unhold(NO_BUDGET)

    def _unhold(self, reason: str) -> None:
        self.held = False
        self.unheld_reason = reason
        kept = _start_of(self.pieces, self._max_kept_bytes)
        self.pieces[:] = [kept] if kept else []
        self._counts(len(kept))

    def _check_kept(self, before: int, total: int) -> None:
        """Without room in the budget the recording keeps what it has, and no more."""
        limit = self._max_kept_bytes
        if before < limit and not self._counts(min(total, limit)):
            self._max_kept_bytes = before

    def _counts(self, size: int) -> bool:
        """Have `size` bytes counted in the budget; false if there is no room for so many."""
        budget = self._budget
        if budget is None:
            return True
        more = size - self._counted_bytes
        if more > 0 and not budget.take(more):
            return False
        if more < 0:
            budget.give_back(-more)
        self._counted_bytes = size
        return True

    def _digest_piece(self, piece: bytes) -> None:
        if self._max_kept_bytes < 0:
            return
        if self._digest is None:
            self._digest = hashlib.sha256()
            for earlier in self.pieces:
                self._digest.update(earlier)
        self._digest.update(piece)


def _start_of(pieces: Sequence[bytes], size: int) -> bytes:
    """The first `size` bytes of the pieces; nothing for a negative size."""
    taken: list[bytes] = []
    for piece in pieces:
        if size <= 0:
            break
        taken.append(piece[:size])
        size -= len(piece)
    return taken[0] if len(taken) == 1 else b"".join(taken)
