"""Which arm answers a client: the baseline, or for a share of the requests the candidate.

Knows a share, a salt and what a client is kept on its arm by; refuses to know what is done with the choice.
A keyed hash of the sticky value is compared with the share, so that the same client stays where it is on any
number of workers, and a larger share only adds clients. Asked once for a request, by dispatch.
"""

import json
from hashlib import blake2b
from typing import Final

from recording.errors import InputError
from scenarios.json_path import Step, parse_path
from scenarios.json_spans import first_value
from shadow_proxy.config import Sticky
from shadow_proxy.incoming import Incoming
from wire.fields import value_of

MAX_READ_BYTES: Final = 256 << 10  # reading more would hold up everybody
_RANGE: Final = 1 << 64


class Canary:
    """`share` may be changed at any time. `needs_body` says that the choice waits for the whole body."""

    __slots__ = ("_below", "_by", "_header", "_key", "_steps", "needs_body", "share")

    def __init__(self, *, share: float, salt: str, sticky: Sticky) -> None:
        self._key = blake2b(b"canary:" + salt.encode(), digest_size=32).digest()
        self._by = sticky.by
        self._header = sticky.name.lower().encode() if sticky.by == "header" else b""
        self._steps = _steps_of(sticky)
        self.set_share(share)

    def set_share(self, share: float) -> None:
        """From the next request on."""
        self.share = share
        self._below = round(share * _RANGE)
        self.needs_body = self._by == "json" and 0.0 < share < 1.0

    def takes(self, incoming: Incoming, *, client: bytes) -> bool:
        """Whether the candidate answers this request; `client` is the address that it came from."""
        if self.share <= 0.0:
            return False
        if self.share >= 1.0:
            return True
        value = self._sticky_value(incoming, client) or incoming.request_id
        digest = blake2b(value, digest_size=8, key=self._key).digest()
        return int.from_bytes(digest, "big") < self._below

    def _sticky_value(self, incoming: Incoming, client: bytes) -> bytes:
        if self._by == "header":
            return value_of(incoming.lines, self._header) or b""
        if self._by == "client":
            return client
        if self._by == "json":
            return _json_value(incoming.whole(), self._steps)
        return b""


def _steps_of(sticky: Sticky) -> tuple[Step, ...]:
    if sticky.by != "json":
        return ()
    try:
        return parse_path(sticky.name if sticky.name.startswith("$") else f"$.{sticky.name}")
    except ValueError as error:
        raise InputError(str(error), place="canary.sticky.name") from None


def _json_value(body: bytes, steps: tuple[Step, ...]) -> bytes:
    """The first value at the path, as JSON text; empty if there is none."""
    if not 0 < len(body) <= MAX_READ_BYTES:
        return b""
    text = body.decode("utf-8", "replace")
    edit = first_value(text, steps)
    if edit is None:
        return b""
    return json.dumps(json.loads(text[edit.start : edit.end]), sort_keys=True).encode()
