"""Rows in memory: what the proxy would have journaled, for whoever wants to look at it at once.

Knows the same four events as `rows.py`; refuses to know journals. A fake for tests that ships with the code.
"""

from dataclasses import dataclass, field

from recording.redaction import RAW_BYTES
from shadow_proxy.exchange_state import ExchangeState
from shadow_proxy.incoming import Incoming


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptExchange:
    """What a row would say."""

    request_id: bytes
    target: bytes
    outcome: str
    status: int
    body: bytes
    request_bytes: int
    faults: bytes
    chunks: int
    sent_ns: int
    done_ns: int
    digest: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRefusal:
    """What was refused, how, and why."""

    raw: bytes
    status: int
    reason: str


@dataclass(slots=True)
class KeptRows:
    """Rows in memory. `requests` are (id, body kept, body bytes)."""

    requests: list[tuple[bytes, bytes, int]] = field(default_factory=list)
    exchanges: list[KeptExchange] = field(default_factory=list)
    refusals: list[KeptRefusal] = field(default_factory=list)

    def request(self, incoming: Incoming) -> None:
        """Keep it."""
        self.requests.append((incoming.request_id, incoming.recorded(), incoming.body_bytes))

    def exchange(self, state: ExchangeState, outcome: str) -> None:
        """Keep it."""
        self.exchanges.append(
            KeptExchange(
                request_id=state.incoming.request_id,
                target=state.target.name,
                outcome=outcome,
                status=state.status,
                body=state.response_body(),
                digest=state.response_digest(),
                request_bytes=state.request_bytes,
                faults=state.faults,
                chunks=state.chunks,
                sent_ns=state.sent_ns,
                done_ns=state.done_ns,
            )
        )

    def answered(self, state: ExchangeState, outcome: str) -> None:
        """Keep both."""
        self.request(state.incoming)
        self.exchange(state, outcome)

    def dropped(self, incoming: Incoming, *, target: bytes, role: bytes, reason: str) -> None:
        """Keep it."""
        del role
        self.exchanges.append(
            KeptExchange(
                request_id=incoming.request_id,
                target=target,
                outcome=f"dropped:{reason}",
                status=0,
                body=b"",
                request_bytes=0,
                faults=b"",
                chunks=0,
                sent_ns=-1,
                done_ns=-1,
            )
        )

    def refused(self, raw: bytes, *, status: int, reason: str, received_ns: int) -> None:
        """Keep it."""
        del received_ns
        self.refusals.append(KeptRefusal(raw=raw[:RAW_BYTES], status=status, reason=reason))

    def outcomes(self, target: str) -> list[str]:
        """Of one target's exchanges, in the order in which they ended."""
        return [one.outcome for one in self.exchanges if one.target == target.encode()]
