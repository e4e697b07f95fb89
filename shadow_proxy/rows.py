"""What the hot path leaves behind: journal records of requests and exchanges.

Knows which stamps and bytes make a record, turns the monotonic stamps of the hot path into the run's time and
lets no head through that was not redacted; refuses to know the journal's format. `NoRows` is the proxy that
does not record. Called by exchanges when they end, by the mirror when it drops a copy, and by whoever refuses
a request.
"""

from collections.abc import Sequence
from typing import Final, Protocol

from recording.clock import RunClock
from recording.exchange import NEVER, Outcome
from recording.journal import ANSWERED, EXCHANGE, REFUSED, REQUEST, JournalWriter
from recording.journal_codec import encode_answered, encode_exchange, encode_refused, encode_request
from recording.redaction import RAW_BYTES, RedactConfig, Redactor
from shadow_proxy.counters import CounterRow
from shadow_proxy.exchange_state import ExchangeState
from shadow_proxy.incoming import Incoming

_OUTCOMES: Final = {outcome.value: outcome.value.encode() for outcome in Outcome}


class Rows(Protocol):
    """Where records go."""

    def request(self, incoming: Incoming) -> None:
        """What came in, once for each request."""

    def exchange(self, state: ExchangeState, outcome: str) -> None:
        """How one exchange ended."""

    def answered(self, state: ExchangeState, outcome: str) -> None:
        """What came in, and how the exchange ended whose answer the client gets."""

    def dropped(self, incoming: Incoming, *, target: bytes, role: bytes, reason: str) -> None:
        """A target that the request was not sent to."""

    def refused(self, raw: bytes, *, status: int, reason: str, received_ns: int) -> None:
        """Bytes that no target will see, and what the client was told. The stamp is raw, as all here."""


class NoRows:
    """Records nothing."""

    __slots__ = ()

    def request(self, incoming: Incoming) -> None:
        """Nothing."""

    def exchange(self, state: ExchangeState, outcome: str) -> None:
        """Nothing."""

    def answered(self, state: ExchangeState, outcome: str) -> None:
        """Nothing."""

    def dropped(self, incoming: Incoming, *, target: bytes, role: bytes, reason: str) -> None:
        """Nothing."""

    def refused(self, raw: bytes, *, status: int, reason: str, received_ns: int) -> None:
        """Nothing."""


class JournalRows:
    """Appends to this worker's journal; a record that the journal refused is counted, never waited for.

    Without a redactor of its own it masks what is masked by default.
    """

    __slots__ = ("_clock", "_dropped", "_journal", "_records", "_redactor", "_row")

    def __init__(
        self,
        journal: JournalWriter,
        *,
        clock: RunClock,
        row: CounterRow,
        redactor: Redactor | None = None,
    ) -> None:
        self._journal = journal
        self._redactor = Redactor(RedactConfig()) if redactor is None else redactor
        self._clock = clock
        self._row = row
        self._records = row.at("journal/records")
        self._dropped = row.at("journal/dropped")

    def request(self, incoming: Incoming) -> None:
        """Append a REQUEST record."""
        self._append(REQUEST, self._request(incoming))

    def exchange(self, state: ExchangeState, outcome: str) -> None:
        """Append an EXCHANGE record."""
        self._append(EXCHANGE, self._exchange(state, outcome))

    def answered(self, state: ExchangeState, outcome: str) -> None:
        """Append both as one record: neither is there without the other."""
        incoming = state.incoming
        head = incoming.head
        origin_ns = self._clock.origin_ns
        first_byte_ns = state.first_byte_ns
        payload = encode_answered(
            request_id=incoming.request_id,
            received_ns=incoming.received_ns - origin_ns,
            due_ns=incoming.due_ns,
            method=head.method,
            path=self._redactor.target(head.target),
            fields=self._redactor.lines(incoming.lines, incoming.request_id),
            body=incoming.recorded(),
            body_bytes=incoming.body_bytes,
            request_digest=incoming.digest(),
            target=state.target.name,
            role=state.target.role,
            sent_ns=state.sent_ns - origin_ns,
            first_byte_ns=first_byte_ns - origin_ns if first_byte_ns >= 0 else NEVER,
            done_ns=state.done_ns - origin_ns,
            outcome=_OUTCOMES[outcome],
            status=state.status,
            request_bytes=state.request_bytes,
            response_bytes=state.response_bytes,
            response_head=self._redactor.lines(state.response_lines),
            response_body=state.response_body(),
            faults=state.faults,
            chunks=state.chunks,
            chunk_ns=self._instants(state),
            response_digest=state.response_digest(),
        )
        kept = self._journal.append(ANSWERED, payload)
        self._row.add(self._records if kept else self._dropped, 2)

    def _request(self, incoming: Incoming) -> bytes:
        head = incoming.head
        return encode_request(
            request_id=incoming.request_id,
            received_ns=incoming.received_ns - self._clock.origin_ns,
            due_ns=incoming.due_ns,
            method=head.method,
            path=self._redactor.target(head.target),
            fields=self._redactor.lines(incoming.lines, incoming.request_id),
            body=incoming.recorded(),
            body_bytes=incoming.body_bytes,
            digest=incoming.digest(),
        )

    def _exchange(self, state: ExchangeState, outcome: str) -> bytes:
        """Stamps that never happened stay -1."""
        origin_ns = self._clock.origin_ns
        first_byte_ns = state.first_byte_ns
        return encode_exchange(
            request_id=state.incoming.request_id,
            target=state.target.name,
            role=state.target.role,
            due_ns=state.incoming.due_ns,
            sent_ns=state.sent_ns - origin_ns,
            first_byte_ns=first_byte_ns - origin_ns if first_byte_ns >= 0 else NEVER,
            done_ns=state.done_ns - origin_ns,
            outcome=_OUTCOMES[outcome],
            status=state.status,
            request_bytes=state.request_bytes,
            response_bytes=state.response_bytes,
            response_head=self._redactor.lines(state.response_lines),
            response_body=state.response_body(),
            faults=state.faults,
            chunks=state.chunks,
            chunk_ns=self._instants(state),
            digest=state.response_digest(),
        )

    def _instants(self, state: ExchangeState) -> Sequence[int]:
        instants = state.chunk_ns
        if instants is None:
            return ()
        origin_ns = self._clock.origin_ns
        return [instant - origin_ns for instant in instants]

    def dropped(self, incoming: Incoming, *, target: bytes, role: bytes, reason: str) -> None:
        """Append an EXCHANGE record that says why nothing was sent."""
        payload = encode_exchange(
            request_id=incoming.request_id,
            target=target,
            role=role,
            due_ns=incoming.due_ns,
            sent_ns=NEVER,
            first_byte_ns=NEVER,
            done_ns=NEVER,
            outcome=b"dropped:" + reason.encode(),
            status=0,
            request_bytes=0,
            response_bytes=0,
        )
        self._append(EXCHANGE, payload)

    def refused(self, raw: bytes, *, status: int, reason: str, received_ns: int) -> None:
        """Append a REFUSED record with the start of the bytes."""
        payload = encode_refused(
            received_ns=received_ns - self._clock.origin_ns,
            status=status,
            reason=self._redactor.target(reason.encode("utf-8", "replace"))[:RAW_BYTES],
            raw=self._redactor.raw(raw),
            raw_bytes=len(raw),
        )
        self._append(REFUSED, payload)

    def _append(self, kind: int, payload: bytes) -> None:
        kept = self._journal.append(kind, payload)
        self._row.add(self._records if kept else self._dropped)
