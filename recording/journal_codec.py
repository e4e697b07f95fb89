"""How a record lies in a journal: a fixed head of numbers, then the texts one after another.

Knows the byte layout of the four record kinds; refuses to know segments and checksums (`journal.py`) and
rows (`schema.py`). Encoding is on the proxy's hot path: one `struct.pack`, one `join`. Texts are bytes on the
way in, because the proxy has them as bytes, and text on the way out.

Layout, little-endian. Request: received, due (i64), total body length (u64), the lengths of id, method, path
(u16, u16, u32), of fields and kept body (u32, u32); then those five. Exchange: due, sent, first byte, done
(i64), request and response bytes (u64), chunks (u32), status (u16), the lengths of id, target, role, outcome,
faults (u16), of head and body (u32) and the count of chunk instants (u16); then those seven and the instants.
Refused: received (i64), status (u16), the length of the reason (u16), total and kept length of the raw bytes
(u32, u32); then reason and raw. Answered, a request and the exchange whose answer the client got: the length
of the request's digest (u16), both heads, then what follows each of them. A request or exchange whose body
was cut has 32 bytes more at its end, the SHA-256 of the whole body; format version 1 had no such end and is
otherwise the same.
"""

import struct
from collections.abc import Sequence
from typing import Final

from recording.errors import DamageError
from recording.exchange import Exchange, RefusedSeen, RequestSeen

REQUEST: Final = 1
EXCHANGE: Final = 2
REFUSED: Final = 3
ANSWERED: Final = 4

_REQUEST: Final = struct.Struct("<qqQHHIII")
_EXCHANGE: Final = struct.Struct("<qqqqQQIHHHHHHIIH")
_ANSWERED: Final = struct.Struct("<HqqQHHIIIqqqqQQIHHHHHHIIH")
_REFUSED: Final = struct.Struct("<qHHII")
_LENGTH: Final = struct.Struct("<H")
_PACK_REQUEST: Final = _REQUEST.pack  # looked up once: they run for every request
_PACK_EXCHANGE: Final = _EXCHANGE.pack
_PACK_ANSWERED: Final = _ANSWERED.pack
_DIGEST_BYTES: Final = (0, 32)
_MAX_COUNT: Final = 0xFFFFFFFF
_FAULT_SEPARATOR: Final = "\x1f"
MAX_CHUNK_INSTANTS: Final = 512


def encode_request(
    *,
    request_id: bytes,
    received_ns: int,
    due_ns: int,
    method: bytes,
    path: bytes,
    fields: bytes,
    body: bytes,
    body_bytes: int,
    digest: bytes = b"",
) -> bytes:
    """A `RequestSeen` as bytes."""
    head = _PACK_REQUEST(
        received_ns, due_ns, body_bytes, len(request_id), len(method), len(path), len(fields), len(body)
    )
    return b"".join((head, request_id, method, path, fields, body, digest))


def encode_exchange(
    *,
    request_id: bytes,
    target: bytes,
    role: bytes,
    due_ns: int,
    sent_ns: int,
    first_byte_ns: int,
    done_ns: int,
    outcome: bytes,
    status: int,
    request_bytes: int,
    response_bytes: int,
    response_head: bytes = b"",
    response_body: bytes = b"",
    faults: bytes = b"",
    chunks: int = 0,
    chunk_ns: Sequence[int] = (),
    digest: bytes = b"",
) -> bytes:
    """An `Exchange` as bytes; `faults` are the ids joined by `join_faults`."""
    head = _PACK_EXCHANGE(
        due_ns,
        sent_ns,
        first_byte_ns,
        done_ns,
        request_bytes,
        response_bytes,
        chunks,
        status,
        len(request_id),
        len(target),
        len(role),
        len(outcome),
        len(faults),
        len(response_head),
        len(response_body),
        len(chunk_ns),
    )
    instants = struct.pack(f"<{len(chunk_ns)}q", *chunk_ns) if chunk_ns else b""
    return b"".join(
        (head, request_id, target, role, outcome, faults, response_head, response_body, instants, digest)
    )


def encode_answered(
    *,
    request_id: bytes,
    received_ns: int,
    due_ns: int,
    method: bytes,
    path: bytes,
    fields: bytes,
    body: bytes,
    body_bytes: int,
    request_digest: bytes,
    target: bytes,
    role: bytes,
    sent_ns: int,
    first_byte_ns: int,
    done_ns: int,
    outcome: bytes,
    status: int,
    request_bytes: int,
    response_bytes: int,
    response_head: bytes,
    response_body: bytes,
    faults: bytes,
    chunks: int,
    chunk_ns: Sequence[int],
    response_digest: bytes,
) -> bytes:
    """A `RequestSeen` and its first `Exchange` as one record: what most requests leave behind at one instant.

    The same bytes as the two others make, put together at once.
    """
    head = _PACK_ANSWERED(
        len(request_digest),
        received_ns,
        due_ns,
        body_bytes,
        len(request_id),
        len(method),
        len(path),
        len(fields),
        len(body),
        due_ns,
        sent_ns,
        first_byte_ns,
        done_ns,
        request_bytes,
        response_bytes,
        chunks,
        status,
        len(request_id),
        len(target),
        len(role),
        len(outcome),
        len(faults),
        len(response_head),
        len(response_body),
        len(chunk_ns),
    )
    instants = struct.pack(f"<{len(chunk_ns)}q", *chunk_ns) if chunk_ns else b""
    # fmt: off
    return b"".join((
        head, request_id, method, path, fields, body, request_digest,
        request_id, target, role, outcome, faults, response_head, response_body, instants, response_digest,
    ))
    # fmt: on


def split_answered(payload: bytes) -> tuple[bytes, bytes]:
    """The payloads of the request and of the exchange; `DamageError` if there are not both."""
    if len(payload) < _ANSWERED.size:
        raise DamageError("a record of two is shorter than its head")
    cut = _LENGTH.size + _REQUEST.size
    request_head = payload[_LENGTH.size : cut]
    texts = sum(_REQUEST.unpack(request_head)[3:])
    end = _ANSWERED.size + texts + _LENGTH.unpack_from(payload)[0]
    if end > len(payload):
        raise DamageError("a record of two holds only a part of the first")
    exchange_head = payload[cut : _ANSWERED.size]
    return request_head + payload[_ANSWERED.size : end], exchange_head + payload[end:]


def encode_refused(*, received_ns: int, status: int, reason: bytes, raw: bytes, raw_bytes: int) -> bytes:
    """A `RefusedSeen` as bytes."""
    head = _REFUSED.pack(received_ns, status, len(reason), min(raw_bytes, _MAX_COUNT), len(raw))
    return b"".join((head, reason, raw))


def join_faults(ids: Sequence[str]) -> bytes:
    """Fault ids as the one text that `encode_exchange` takes."""
    return _FAULT_SEPARATOR.join(ids).encode()


def decode_request(payload: bytes) -> RequestSeen:
    """The record of a REQUEST payload; `DamageError` if the lengths do not add up."""
    try:
        received_ns, due_ns, body_bytes, *lengths = _REQUEST.unpack_from(payload)
    except struct.error:
        raise DamageError("a request record is shorter than its head") from None
    request_id, method, path, fields, body, digest = _cut(payload, start=_REQUEST.size, lengths=lengths)
    return RequestSeen(
        request_id=request_id.decode("latin-1"),
        received_ns=received_ns,
        due_ns=due_ns,
        method=method.decode("latin-1"),
        path=path.decode("latin-1"),
        fields=fields,
        body=body,
        body_bytes=body_bytes,
        digest=digest,
    )


def decode_exchange(payload: bytes) -> Exchange:
    """The record of an EXCHANGE payload; `DamageError` if the lengths do not add up."""
    try:
        numbers = _EXCHANGE.unpack_from(payload)
    except struct.error:
        raise DamageError("an exchange record is shorter than its head") from None
    due, sent, first, done, asked, answered, chunks, status, *lengths, instants = numbers
    request_id, target, role, outcome, faults, head, body, chunk_ns, digest = _cut(
        payload, start=_EXCHANGE.size, lengths=[*lengths, 8 * instants]
    )
    return Exchange(
        request_id=request_id.decode("latin-1"),
        target=target.decode(),
        role=role.decode(),
        due_ns=due,
        sent_ns=sent,
        first_byte_ns=first,
        done_ns=done,
        outcome=outcome.decode(),
        status=status,
        request_bytes=asked,
        response_bytes=answered,
        response_head=head,
        response_body=body,
        faults=tuple(faults.decode().split(_FAULT_SEPARATOR)) if faults else (),
        chunks=chunks,
        chunk_ns=struct.unpack(f"<{instants}q", chunk_ns),
        digest=digest,
    )


def decode_refused(payload: bytes) -> RefusedSeen:
    """The record of a REFUSED payload; `DamageError` if the lengths do not add up."""
    try:
        received_ns, status, length, raw_bytes, kept = _REFUSED.unpack_from(payload)
    except struct.error:
        raise DamageError("a refusal record is shorter than its head") from None
    reason, raw, _ = _cut(payload, start=_REFUSED.size, lengths=(length, kept))
    return RefusedSeen(
        received_ns=received_ns,
        status=status,
        reason=reason.decode("utf-8", "replace"),
        raw=raw,
        raw_bytes=raw_bytes,
    )


def _cut(payload: bytes, *, start: int, lengths: Sequence[int]) -> list[bytes]:
    """The parts of those lengths, and behind them what is left: a digest or nothing."""
    announced = start + sum(lengths)
    if len(payload) - announced not in _DIGEST_BYTES:
        raise DamageError(f"a record of {len(payload)} bytes announces {announced}")
    parts = []
    for length in lengths:
        parts.append(payload[start : start + length])
        start += length
    parts.append(payload[start:])
    return parts
