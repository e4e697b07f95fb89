"""Signature Version 4, from the side of whoever checks it.

Knows how the signature follows from the bytes that arrived and the secret key (AWS General Reference, "Create
a signed request"); refuses to know who signed. Paths without escapes only.
"""

import hashlib
import hmac
import re

from tests.end_to_end.clients.messages import Asked


def is_signed(asked: Asked, *, key: str) -> bool:
    """Whether the Authorization field is the one that belongs to the rest of the request."""
    (authorization,) = asked.values(b"authorization")
    found = re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=[^/]+/([^,]+), SignedHeaders=([^,]+), Signature=(\w+)",
        authorization.decode(),
    )
    assert found is not None, authorization
    scope, signed, signature = found.groups()
    (moment,) = asked.values(b"x-amz-date")
    digest = hashlib.sha256(_canonical(asked, signed=signed)).hexdigest()
    to_sign = f"AWS4-HMAC-SHA256\n{moment.decode()}\n{scope}\n{digest}"
    return hmac.compare_digest(
        hmac.new(_derived(key, scope), to_sign.encode(), "sha256").hexdigest(), signature
    )


def _canonical(asked: Asked, *, signed: str) -> bytes:
    method, target, _ = asked.line
    path, _, query = target.partition(b"?")
    names = signed.encode().split(b";")
    fields = b"".join(b"%b:%b\n" % (name, b",".join(asked.values(name))) for name in names)
    payload = hashlib.sha256(asked.body).hexdigest().encode()
    return b"\n".join((method, path, query, fields, signed.encode(), payload))


def _derived(key: str, scope: str) -> bytes:
    derived = b"AWS4" + key.encode()
    for part in scope.split("/"):
        derived = hmac.new(derived, part.encode(), "sha256").digest()
    return derived
