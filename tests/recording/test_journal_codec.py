"""A record is the same after the journal as before it, and bytes that are not one are refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recording.errors import DamageError
from recording.exchange import Exchange, RefusedSeen, RequestSeen
from recording.journal_codec import (
    decode_exchange,
    decode_refused,
    decode_request,
    encode_answered,
    encode_exchange,
    encode_refused,
    encode_request,
    join_faults,
    split_answered,
)

instants = st.integers(min_value=-(1 << 62), max_value=1 << 62)
names = st.text(alphabet="abcdefghijklmnop-_.~0123456789", max_size=40)
blobs = st.binary(max_size=300)
digests = st.sampled_from([b"", bytes(range(32))])


@given(
    name=names,
    due=instants,
    sent=instants,
    first=instants,
    done=instants,
    head=blobs,
    body=blobs,
    faults=st.lists(names.filter(bool), max_size=4),
    chunk_ns=st.lists(instants, max_size=20),
    status=st.integers(0, 65535),
    digest=digests,
)
def test_an_exchange_survives(
    name: str,
    due: int,
    sent: int,
    first: int,
    done: int,
    head: bytes,
    body: bytes,
    faults: list[str],
    chunk_ns: list[int],
    status: int,
    digest: bytes,
) -> None:
    """Every field comes back."""
    payload = encode_exchange(
        request_id=name.encode(),
        target=b"base",
        role=b"baseline",
        due_ns=due,
        sent_ns=sent,
        first_byte_ns=first,
        done_ns=done,
        outcome=b"ok",
        status=status,
        request_bytes=3,
        response_bytes=len(body),
        response_head=head,
        response_body=body,
        faults=join_faults(faults),
        chunks=len(chunk_ns),
        chunk_ns=chunk_ns,
        digest=digest,
    )
    assert decode_exchange(payload) == Exchange(
        request_id=name,
        target="base",
        role="baseline",
        due_ns=due,
        sent_ns=sent,
        first_byte_ns=first,
        done_ns=done,
        outcome="ok",
        status=status,
        request_bytes=3,
        response_bytes=len(body),
        response_head=head,
        response_body=body,
        faults=tuple(faults),
        chunks=len(chunk_ns),
        chunk_ns=tuple(chunk_ns),
        digest=digest,
    )


@given(name=names, path=st.text(alphabet="/?%abc\xff", max_size=30), fields=blobs, body=blobs, digest=digests)
def test_a_request_survives(name: str, path: str, fields: bytes, body: bytes, digest: bytes) -> None:
    """Every field comes back, obs-text in a path included."""
    payload = encode_request(
        request_id=name.encode(),
        received_ns=1,
        due_ns=-1,
        method=b"POST",
        path=path.encode("latin-1"),
        fields=fields,
        body=body,
        body_bytes=len(body) + 5,
        digest=digest,
    )
    assert decode_request(payload) == RequestSeen(
        request_id=name,
        received_ns=1,
        due_ns=-1,
        method="POST",
        path=path,
        fields=fields,
        body=body,
        body_bytes=len(body) + 5,
        digest=digest,
    )


@given(
    name=names,
    fields=blobs,
    body=blobs,
    digest=digests,
    answer=blobs,
    response_digest=digests,
    chunk_ns=st.lists(st.integers(0, 1 << 60), max_size=3),
)
def test_what_was_encoded_at_once_is_what_both_would_be(
    name: str,
    fields: bytes,
    body: bytes,
    digest: bytes,
    answer: bytes,
    response_digest: bytes,
    chunk_ns: list[int],
) -> None:
    """Byte for byte."""
    both: dict[str, Any] = {"request_id": name.encode(), "due_ns": -7}
    request: dict[str, Any] = {
        "received_ns": 1,
        "method": b"POST",
        "path": b"/",
        "fields": fields,
        "body": body,
        "body_bytes": len(body) + 5,
    }
    exchange: dict[str, Any] = {
        "target": b"baseline",
        "role": b"baseline",
        "sent_ns": 2,
        "first_byte_ns": 3,
        "done_ns": 4,
        "outcome": b"ok",
        "status": 200,
        "request_bytes": 5,
        "response_bytes": 6,
        "response_head": fields,
        "response_body": answer,
        "faults": join_faults(["a", "b"]),
        "chunks": len(chunk_ns),
        "chunk_ns": chunk_ns,
    }
    payload = encode_answered(
        **both, **request, **exchange, request_digest=digest, response_digest=response_digest
    )
    assert split_answered(payload) == (
        encode_request(**both, **request, digest=digest),
        encode_exchange(**both, **exchange, digest=response_digest),
    )
    for cut, message in ((20, "shorter than its head"), (116, "only a part")):
        with pytest.raises(DamageError, match=message):
            split_answered(payload[:cut])


@given(raw=blobs, reason=names, more=st.sampled_from([0, 1, 1 << 40]))
def test_a_refusal_survives(raw: bytes, reason: str, more: int) -> None:
    """Every field comes back; a count too large for its cell is the largest there is."""
    payload = encode_refused(
        received_ns=-5, status=400, reason=reason.encode(), raw=raw, raw_bytes=len(raw) + more
    )
    assert decode_refused(payload) == RefusedSeen(
        received_ns=-5, status=400, reason=reason, raw=raw, raw_bytes=min(len(raw) + more, 0xFFFFFFFF)
    )


@pytest.mark.parametrize("decode", [decode_exchange, decode_request, decode_refused])
@given(junk=st.binary(max_size=120))
def test_junk_is_refused_or_read_but_never_crashes(decode: object, junk: bytes) -> None:
    """Only one error class comes out of the decoder."""
    assert callable(decode)
    try:
        decode(junk)
    except (DamageError, UnicodeDecodeError):
        return
