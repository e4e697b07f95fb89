"""The exchange whose answer the client gets: streamed to it as it arrives, and recorded like any other.

Knows how an answer is passed on and what the client hears when there is none; refuses to know the client's
protocol (`client.py`). The rows are appended before the last bytes of the answer are written, so that
whatever a client has seen answered is in the journal.
"""

import time
from typing import TYPE_CHECKING, Final, Protocol

from recording.exchange import Outcome
from shadow_proxy.exchange import Exchange, judged
from shadow_proxy.exchange_state import ExchangeState
from shadow_proxy.framing import (
    Framing,
    answer_framing,
    answer_head,
    begun_request,
    framed,
    interim_answer,
    last_chunk,
    whole_request,
)
from shadow_proxy.incoming import Incoming
from shadow_proxy.rows import Rows
from wire.chunked import chunk
from wire.response_reader import ResponseReader

if TYPE_CHECKING:
    from shadow_proxy.pool import Pool
    from shadow_proxy.upstream import UpstreamConnection

MAX_WAITING_BODY_BYTES: Final = 1 << 20
_IDEMPOTENT: Final = frozenset({b"GET", b"HEAD", b"OPTIONS", b"PUT", b"DELETE", b"QUERY"})
_STATUS_OF_DROP: Final = {"too_large": 413, "not_adaptable": 422}


class Client(Protocol):
    """Who asked."""

    @property
    def address(self) -> bytes:
        """Where it asks from, without the port."""

    def write(self, answered: bytes) -> None:
        """A part of the answer."""

    def may_keep(self, incoming: Incoming) -> bool:
        """Whether its connection stays open behind the answer to this request."""

    def hold_body(self) -> None:
        """Send no more of the body for now."""

    def resume_body(self) -> None:
        """Go on."""

    def answered(self, *, keep: bool) -> None:
        """The answer is complete."""

    def note(self, state: ExchangeState, outcome: str) -> None:
        """For the access log: it ended so."""

    def unanswered(self, status: int, *, begun: Framing | None) -> None:
        """There is no (whole) answer; `begun` is the framing of what it has got of one."""


class PrimaryExchange(Exchange):
    """`submitted` is false while a fault, the choice of an arm or a rewriting waits for the whole body."""

    submitted: bool = False
    undecided: bool = False
    _framing: Framing | None = None
    _keep: bool = False
    _streaming: bool = False
    _client: Client | None

    def __init__(
        self, incoming: Incoming, pool: "Pool", *, client: Client, rows: Rows, max_kept_bytes: int
    ) -> None:
        super().__init__(incoming, pool, rows=rows, max_kept_bytes=max_kept_bytes)
        self._client = client

    def move_to(self, pool: "Pool") -> None:
        """Another arm answers; only before it is submitted."""
        self.pool = pool
        self.target = pool.target

    def begin(self, now_ns: int) -> None:
        """The target's time starts now."""
        self.sent_ns = now_ns
        self.target.tally.began_primary()

    @property
    def client_address(self) -> bytes:
        """Where the request came from; empty if that has no address, or has gone."""
        return self._client.address if self._client is not None else b""

    @property
    def request_sent(self) -> bool:
        """Whether the whole request has gone to the target."""
        return not self._streaming

    @property
    def answer_begun(self) -> bool:
        """Whether the client has got a part of the answer."""
        return self._framing is not None

    def may_repeat(self, *, untaken: bool) -> bool:
        """The same, or if doing it twice is as good as once (RFC 9110 section 9.2.2)."""
        incoming = self.incoming
        return super().may_repeat(
            untaken=untaken or (incoming.complete and incoming.head.method in _IDEMPOTENT)
        )

    def carried_by(self, connection: "UpstreamConnection") -> None:
        """Write the request, or what is here of it."""
        incoming = self.incoming
        if incoming.complete and incoming.held:
            self._streaming = False
            incoming.fresh.clear()
            super().carried_by(connection)
            return
        self.connection = connection
        body = incoming.whole() if incoming.held else incoming.take_fresh()
        incoming.fresh.clear()
        if self.body is not None:
            body = self.body
        self.request_bytes = len(body)
        self._streaming = not incoming.complete
        if self._streaming:
            connection.write(begun_request(self.start, incoming.head, body))
            self.resume_body()
        else:
            connection.write(whole_request(self.start, incoming.head, body, trailers=incoming.trailers))

    def body_arrived(self) -> None:
        """More of the body is here: pass it on, or hold the client back until there is a connection."""
        connection = self.connection
        incoming = self.incoming
        if connection is None:
            if not incoming.complete and incoming.body_bytes > MAX_WAITING_BODY_BYTES and not self.ended:
                self.hold_body()
            return
        if not self._streaming:
            return
        piece = incoming.take_fresh()
        self.request_bytes += len(piece)
        self._streaming = not incoming.complete
        if incoming.head.chunked:
            connection.write(framed(piece, last=incoming.complete, trailers=incoming.trailers))
        elif piece:
            connection.write(piece)
        if not self._streaming:
            connection.request_ended()

    def hold_body(self) -> None:
        """The target takes the body more slowly than the client sends it."""
        if self._client is not None:
            self._client.hold_body()

    def resume_body(self) -> None:
        """It caught up."""
        if self._client is not None:
            self._client.resume_body()

    def answer_arrived(self, reader: ResponseReader, now_ns: int) -> None:
        """Pass on what came."""
        if self.first_byte_ns < 0:
            self.first_byte_ns = now_ns
        out: list[bytes] = []
        if reader.interim:
            self._pass_interim(reader, out)
        if reader.status:
            if self._framing is None:
                out.append(self._begin_answer(reader))
            self._pass_body(reader, out, now_ns)
        if reader.complete:
            self._end(judged(reader.status), reader, now_ns)
        if out and self._client is not None:
            self._client.write(out[0] if len(out) == 1 else b"".join(out))

    def released(self) -> None:
        """The client may have its next answer."""
        if self._client is not None:
            self._client.answered(keep=self._keep)

    def failed(self, outcome: str, reader: ResponseReader | None = None) -> None:
        """The client gets the proxy's own answer, or sees the one it is getting break off."""
        if self.ended:
            return
        self._end(outcome, reader, time.monotonic_ns())
        if self._client is not None:
            status = 504 if outcome == Outcome.TIMEOUT.value else 502
            self._client.unanswered(status, begun=self._framing)

    def cancel(self) -> None:
        """The client is gone; the pool has been told."""
        client, self._client = self._client, None
        if self.begun:
            self.failed(Outcome.CANCELLED.value, self.connection.reader if self.connection else None)
        else:
            self.drop("client_gone")
        if client is not None:
            client.note(self, Outcome.CANCELLED.value)

    def drop(self, reason: str) -> None:
        """It cannot even begin: there is no room, or no body for this target."""
        if self.ended or self.begun:
            return
        self.rows.request(self.incoming)
        super().drop(reason)
        self._note(f"dropped:{reason}")
        if self._client is not None:
            self._client.unanswered(_STATUS_OF_DROP.get(reason, 503), begun=None)

    def _go_slowly(self, received_bytes: int, now_ns: int) -> None:
        """The client sets the pace of what it gets."""

    def _end(self, outcome: str, reader: ResponseReader | None, now_ns: int) -> None:
        super()._end(outcome, reader, now_ns)
        self._note(outcome)

    def _record(self, outcome: str) -> None:
        self.rows.answered(self, outcome)

    def _note(self, outcome: str) -> None:
        if self._client is not None:
            self._client.note(self, outcome)

    def _pass_interim(self, reader: ResponseReader, out: list[bytes]) -> None:
        # A 100 is ours to give (Expect ends here), and HTTP/1.0 knows no interim answers.
        if self.incoming.head.minor:
            out += [interim_answer(interim) for interim in reader.interim if interim.status != 100]
        reader.interim = []

    def _begin_answer(self, reader: ResponseReader) -> bytes:
        head = self.incoming.head
        self._framing = framing = answer_framing(reader, to_head=head.method == b"HEAD", minor=head.minor)
        self._keep = (
            framing is not Framing.CLOSE and self._client is not None and self._client.may_keep(self.incoming)
        )
        return answer_head(
            reader,
            framing=framing,
            minor=head.minor,
            keep=self._keep,
            request_id=self.incoming.request_id,
        )

    def _pass_body(self, reader: ResponseReader, out: list[bytes], now_ns: int) -> None:
        pieces = reader.pieces
        if pieces:
            reader.pieces = []
            self.note_pieces(reader, pieces, now_ns)
        if self._framing is Framing.CHUNKED:
            out += [chunk(piece) for piece in pieces]
            if reader.complete:
                out.append(last_chunk(reader.trailers))
        else:
            out += pieces
