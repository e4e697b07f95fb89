"""How a record lies in a journal: a fixed head of numbers, then the texts one after another.

Knows the byte layout of the two record kinds; refuses to know segments and checksums (`journal.py`) and rows
(`schema.py`). Encoding is on the proxy's hot path: one `struct.pack`, one `join`. Texts are bytes on the way
in, because the proxy has them as bytes, and text on the way out.

Layout, little-endian. Request: received, due (i64), total body length (u64), the lengths of id, method, path
(u16, u16, u32), of fields and kept body (u32, u32); then those five. Exchange: due, sent, first byte, done
(i64), request and response bytes (u64), chunks (u32), status (u16), the lengths of id, target, role, outcome,
faults (u16), of head and body (u32) and the count of chunk instants (u16); then those seven and the instants.
"""

import struct
from collections.abc import Sequence

from recording.errors import DamageError
from recording.exchange import Exchange, RequestSeen

REQUEST = 1
EXCHANGE = 2

_REQUEST = struct.Struct("<qqQHHIII")
_EXCHANGE = struct.Struct("<qqqqQQIHHHHHHIIH")
_FAULT_SEPARATOR = "\x1f"
MAX_CHUNK_INSTANTS = 512


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
) -> bytes:
    """A `RequestSeen` as bytes."""
    head = _REQUEST.pack(
        received_ns, due_ns, body_bytes, len(request_id), len(method), len(path), len(fields), len(body)
    )
    return b"".join((head, request_id, method, path, fields, body))


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
) -> bytes:
    """An `Exchange` as bytes; `faults` are the ids joined by `join_faults`."""
    head = _EXCHANGE.pack(
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
    if chunk_ns:
        instants = struct.pack(f"<{len(chunk_ns)}q", *chunk_ns)
        return b"".join(
            (head, request_id, target, role, outcome, faults, response_head, response_body, instants)
        )
    return b"".join((head, request_id, target, role, outcome, faults, response_head, response_body))


def join_faults(ids: Sequence[str]) -> bytes:
    """Fault ids as the one text that `encode_exchange` takes."""
    return _FAULT_SEPARATOR.join(ids).encode()


def decode_request(payload: bytes) -> RequestSeen:
    """The record of a REQUEST payload; `DamageError` if the lengths do not add up."""
    try:
        received_ns, due_ns, body_bytes, *lengths = _REQUEST.unpack_from(payload)
    except struct.error:
        raise DamageError("a request record is shorter than its head") from None
    request_id, method, path, fields, body = _cut(payload, start=_REQUEST.size, lengths=lengths, tail=0)
    return RequestSeen(
        request_id=request_id.decode("latin-1"),
        received_ns=received_ns,
        due_ns=due_ns,
        method=method.decode("latin-1"),
        path=path.decode("latin-1"),
        fields=fields,
        body=body,
        body_bytes=body_bytes,
    )


def decode_exchange(payload: bytes) -> Exchange:
    """The record of an EXCHANGE payload; `DamageError` if the lengths do not add up."""
    try:
        numbers = _EXCHANGE.unpack_from(payload)
    except struct.error:
        raise DamageError("an exchange record is shorter than its head") from None
    due, sent, first, done, asked, answered, chunks, status, *lengths, instants = numbers
    request_id, target, role, outcome, faults, head, body = _cut(
        payload, start=_EXCHANGE.size, lengths=lengths, tail=8 * instants
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
        chunk_ns=struct.unpack_from(f"<{instants}q", payload, len(payload) - 8 * instants)
        if instants
        else (),
    )


def _cut(payload: bytes, *, start: int, lengths: Sequence[int], tail: int) -> list[bytes]:
    if start + sum(lengths) + tail != len(payload):
        raise DamageError(f"a record of {len(payload)} bytes announces {start + sum(lengths) + tail}")
    parts = []
    for length in lengths:
        parts.append(payload[start : start + length])
        start += length
    return parts
