"""The nouns: a request, one target's answer to it, and what was refused.

Knows names, instants and outcomes; refuses to know HTTP parsing, files and metrics. Written by the proxy and
the engine, read by the recorder; the judge meets the same fields as columns. All instants are nanoseconds
since the run's origin, and -1 means that it never happened.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

NEVER = -1


class Role(StrEnum):
    """What a target stands for in the comparison; `client` marks the engine's own rows."""

    BASELINE = "baseline"
    CANDIDATE = "candidate"
    REFERENCE = "reference"
    CLIENT = "client"


class Outcome(StrEnum):
    """How one exchange ended; a copy that was not sent has `dropped(reason)` instead."""

    OK = "ok"
    HTTP_ERROR = "http_error"
    TIMEOUT = "timeout"
    REFUSED = "refused"
    RESET = "reset"
    PROTOCOL_ERROR = "protocol_error"
    CANCELLED = "cancelled"


_DROPPED = "dropped:"


def dropped(reason: str) -> str:
    """The outcome of a request that was, for a counted reason, not sent to a target.

    >>> dropped("queue_full")
    'dropped:queue_full'
    """
    return _DROPPED + reason


def was_dropped(outcome: str) -> bool:
    """Whether the outcome says that nothing was sent."""
    return outcome.startswith(_DROPPED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request of a trace: what to send and when, and what is known about the right answer.

    `at_ns` counts from the trace's start; `label` is JSON text; header order is kept. `body_bytes` is set
    only if the recording cut the body, and `body_sha256` is then the digest of all of it.
    """

    id: str
    at_ns: int
    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    session: str | None = None
    label: str | None = None
    slices: Mapping[str, str] = field(default_factory=dict)
    status: int | None = None
    response_headers: tuple[tuple[str, str], ...] | None = None
    response_body: bytes | None = None
    duration_ns: int | None = None
    body_bytes: int | None = None
    body_sha256: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestSeen:
    """A request as the proxy received it. `fields` are its end-to-end header lines, each with CRLF.

    `body` is the kept part of `body_bytes`; `digest` is the SHA-256 of all of them if the rest was not kept.
    """

    request_id: str
    received_ns: int
    due_ns: int
    method: str
    path: str
    fields: bytes
    body: bytes
    body_bytes: int
    digest: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedSeen:
    """What came in and was refused before any target saw it. `raw` is the kept start of `raw_bytes`."""

    received_ns: int
    status: int
    reason: str
    raw: bytes
    raw_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request with one target's answer.

    `response_body` is the kept part; `response_bytes` counts the whole body, and `digest` is its SHA-256 if
    it was not kept whole. `chunk_ns` are the arrival instants of the pieces of a streamed answer (at most
    512 kept, `chunks` counts all).
    """

    request_id: str
    target: str
    role: str
    due_ns: int
    sent_ns: int
    first_byte_ns: int
    done_ns: int
    outcome: str
    status: int
    request_bytes: int
    response_bytes: int
    response_head: bytes = b""
    response_body: bytes = b""
    faults: tuple[str, ...] = ()
    chunks: int = 0
    chunk_ns: tuple[int, ...] = ()
    digest: bytes = b""
