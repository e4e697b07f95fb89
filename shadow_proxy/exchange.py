"""One request with one target, from its beginning to its end: a copy, whose answer is kept and told to
nobody.

Knows the order of events (begun, carried by a connection, answered, ended) and that each is counted once;
refuses to know clients (`primary.py`) and which connection it gets (`pool.py`). Every method is a plain
callback: no task and no future belongs to an exchange.
"""

import time
from typing import TYPE_CHECKING, Final

from recording.exchange import Outcome
from shadow_proxy.deadlines import NEVER_NS
from shadow_proxy.exchange_state import ExchangeState
from shadow_proxy.framing import request_parts, whole_request
from shadow_proxy.incoming import UNCOUNTED_BYTES, Incoming
from shadow_proxy.rows import Rows
from wire.response_reader import ResponseReader

if TYPE_CHECKING:
    from shadow_proxy.pool import Pool
    from shadow_proxy.upstream import UpstreamConnection

_OK: Final = Outcome.OK.value
_HTTP_ERROR: Final = Outcome.HTTP_ERROR.value
_CANCELLED: Final = Outcome.CANCELLED.value
SLOW_FROM_BYTES: Final = 128 << 10
ABANDONED_KEPT_BYTES: Final = 16 << 10


class Exchange(ExchangeState):
    """A shadow exchange. `start` and `body` are what is sent, faults applied; `ended` is final.

    `held_bytes` is what the copy weighs in its target's budget; `probe` says that it asks an ejected shadow.
    """

    start: bytes
    rows: Rows
    pool: "Pool"
    body: bytes | None = None
    connection: "UpstreamConnection | None" = None
    deadline_ns: int = NEVER_NS
    retried: bool = False
    ended: bool = False
    held_bytes: int = 0
    probe: bool = False

    def __init__(self, incoming: Incoming, pool: "Pool", *, rows: Rows, max_kept_bytes: int) -> None:
        self.incoming = incoming
        self.pool = pool
        self.target = pool.target
        self.start = incoming.start
        self.rows = rows
        self.kept = []
        self.left_to_keep = max_kept_bytes

    @property
    def begun(self) -> bool:
        """Whether it counts as sent."""
        return self.sent_ns >= 0

    def begin(self, now_ns: int) -> None:
        """The target's time starts now."""
        self.sent_ns = now_ns
        self.target.tally.began_copy()

    def carried_by(self, connection: "UpstreamConnection") -> None:
        """A connection was found: write the request to it."""
        self.connection = connection
        incoming = self.incoming
        if self.body is None and incoming.body_bytes > UNCOUNTED_BYTES and incoming.held:
            self.request_bytes = incoming.body_bytes
            connection.write_all(
                request_parts(self.start, incoming.head, incoming.pieces, trailers=incoming.trailers)
            )
            return
        if self.body is None and self.start is incoming.start:
            self.request_bytes = incoming.body_bytes
            connection.write(incoming.message())
            return
        body = incoming.whole() if self.body is None else self.body
        self.request_bytes = len(body)
        connection.write(whole_request(self.start, incoming.head, body, trailers=incoming.trailers))

    @property
    def request_sent(self) -> bool:
        """Whether nothing of the request is left to send, so that the connection can be used again."""
        return True

    def hold_body(self) -> None:
        """The connection wants no more of the body for now; a copy's is written already."""

    def resume_body(self) -> None:
        """It can take more."""

    def may_repeat(self, *, untaken: bool) -> bool:
        """Whether it is sent once more after a connection that was used before broke without an answer: a
        copy only if no byte of it can have been taken."""
        return untaken and self.incoming.held and not self.retried and not self.ended

    def answer_arrived(self, reader: ResponseReader, now_ns: int) -> None:
        """Something of the answer is in `reader`."""
        if self.first_byte_ns < 0:
            self.first_byte_ns = now_ns
        pieces = reader.pieces
        if pieces:
            reader.pieces = []
            self.note_pieces(reader, pieces, now_ns)
        if reader.complete:
            self._end(judged(reader.status), reader, now_ns)
        elif self.response_bytes > SLOW_FROM_BYTES and pieces:
            self._go_slowly(sum(map(len, pieces)), now_ns)

    def released(self) -> None:
        """The answer was complete and the connection is free again."""

    def failed(self, outcome: str, reader: ResponseReader | None = None) -> None:
        """It will get no (further) answer."""
        if self.ended:
            return
        if outcome == _CANCELLED and self.response_bytes > SLOW_FROM_BYTES:
            self.keep_start(ABANDONED_KEPT_BYTES)  # many are given up at once, and recording takes time
        self._end(outcome, reader, time.monotonic_ns())

    def drop(self, reason: str) -> None:
        """It was never begun and will not be."""
        if self.ended or self.begun:
            return
        self.ended = True
        target = self.target
        target.tally.dropped(reason)
        target.held_bytes -= self.held_bytes
        if self.probe and self.pool.breaker is not None:
            self.pool.breaker.take_back()
        self.rows.dropped(self.incoming, target=target.name, role=target.role, reason=reason)
        self._leave()

    def _go_slowly(self, received_bytes: int, now_ns: int) -> None:
        """A large answer of a shadow is read at a rate, up to a limit, and not with too many others; else it
        is given up, and counts as none."""
        connection = self.connection
        lane = self.pool.slow_lane
        if connection is None or lane is None:
            return
        breaker = self.pool.breaker
        is_wanted = breaker is None or self.probe or not breaker.ejected
        fits = self.response_bytes <= self.pool.limits.max_answer_bytes
        if is_wanted and fits and lane.wait(connection, after_bytes=received_bytes):
            return
        connection.give_up(_CANCELLED)
        if breaker is not None:
            breaker.note(Outcome.PROTOCOL_ERROR.value, now_ns, probe=self.probe)

    def _end(self, outcome: str, reader: ResponseReader | None, now_ns: int) -> None:
        self.ended = True
        self.connection = None
        self.done_ns = now_ns
        if reader is not None:
            self.status = reader.status
            self.response_lines = reader.lines
        target = self.target
        target.held_bytes -= self.held_bytes
        self._record(outcome)
        target.tally.ended(outcome, service_ns=now_ns - self.sent_ns)
        breaker = self.pool.breaker
        if breaker is not None:
            breaker.note(outcome, now_ns, probe=self.probe)
        self._leave()

    def _record(self, outcome: str) -> None:
        self.rows.exchange(self, outcome)

    def _leave(self) -> None:
        """Whoever is the last to need the body lets it go."""
        incoming = self.incoming
        incoming.parties -= 1
        if not incoming.parties:
            incoming.release()


def judged(status: int) -> str:
    """The outcome of a complete answer."""
    return _HTTP_ERROR if status >= 400 else _OK
