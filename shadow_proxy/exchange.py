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
from shadow_proxy.framing import whole_request
from shadow_proxy.incoming import Incoming
from shadow_proxy.rows import Rows
from shadow_proxy.target import Target
from wire.response_reader import ResponseReader

if TYPE_CHECKING:
    from shadow_proxy.upstream import UpstreamConnection

_OK: Final = Outcome.OK.value
_HTTP_ERROR: Final = Outcome.HTTP_ERROR.value
IDEMPOTENT: Final = frozenset({b"GET", b"HEAD", b"OPTIONS", b"TRACE", b"PUT", b"DELETE", b"QUERY"})


class Exchange(ExchangeState):
    """A shadow exchange. `start` and `body` are what is sent, faults applied; `ended` is final.

    `held_bytes` is what the copy weighs in its target's budget.
    """

    start: bytes
    rows: Rows
    body: bytes | None = None
    connection: "UpstreamConnection | None" = None
    deadline_ns: int = NEVER_NS
    retried: bool = False
    ended: bool = False
    held_bytes: int = 0

    def __init__(self, incoming: Incoming, target: Target, *, rows: Rows, max_kept_bytes: int) -> None:
        self.incoming = incoming
        self.target = target
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
        self.target.tally.began()

    def carried_by(self, connection: "UpstreamConnection") -> None:
        """A connection was found: write the request to it."""
        self.connection = connection
        incoming = self.incoming
        body = incoming.whole() if self.body is None else self.body
        self.request_bytes = len(body)
        connection.write(whole_request(self.start, incoming.head, body))

    @property
    def request_sent(self) -> bool:
        """Whether nothing of the request is left to send, so that the connection can be used again."""
        return True

    def hold_body(self) -> None:
        """The connection wants no more of the body for now; a copy's is written already."""

    def resume_body(self) -> None:
        """It can take more."""

    def may_retry(self, *, reused: bool, answered: bool) -> bool:
        """Whether a lost connection may have been stale and the request can be sent once more."""
        return (
            reused
            and not answered
            and not self.retried
            and not self.ended
            and self.incoming.complete
            and self.incoming.held
            and self.incoming.head.method in IDEMPOTENT
        )

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

    def released(self) -> None:
        """The answer was complete and the connection is free again."""

    def failed(self, outcome: str, reader: ResponseReader | None = None) -> None:
        """It will get no (further) answer."""
        if not self.ended:
            self._end(outcome, reader, time.monotonic_ns())

    def drop(self, reason: str) -> None:
        """It was never begun and will not be."""
        if self.ended or self.begun:
            return
        self.ended = True
        target = self.target
        target.tally.dropped(reason)
        target.held_bytes -= self.held_bytes
        self.rows.dropped(self.incoming, target=target.name, role=target.role, reason=reason)

    def _end(self, outcome: str, reader: ResponseReader | None, now_ns: int) -> None:
        self.ended = True
        self.connection = None
        self.done_ns = now_ns
        if reader is not None:
            self.status = reader.status
            self.response_lines = reader.lines
        target = self.target
        target.held_bytes -= self.held_bytes
        self.rows.exchange(self, outcome)
        target.tally.ended(outcome, service_ns=now_ns - self.sent_ns)


def judged(status: int) -> str:
    """The outcome of a complete answer."""
    return _HTTP_ERROR if status >= 400 else _OK
