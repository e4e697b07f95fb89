"""Which requests a fault falls on: a keyed hash, so that the decision belongs to the request and to nothing
else.

Knows a seed, a fault's id and a request's id. Refuses to know time, targets and counts: it has no state at
all. Called by `Timeline` for each request inside a window.

A shared generator would give other decisions at other concurrency, on more workers, or after a restart, and
two targets of one request would differ. A hash of (seed, fault id, request id), compared with the
probability, gives every worker and every target the same decision; raising the probability only ever adds
requests.
"""

import hashlib
from dataclasses import dataclass

_RANGE = 1 << 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The draw of one fault: `threshold` of 2**64 equal outcomes select, `key` makes it this fault's own."""

    key: bytes
    threshold: int

    def chance(self, request_id: bytes) -> int | None:
        """The seed of the fault's draws for this request if it is selected, None if it is not."""
        digest = hashlib.blake2b(request_id, digest_size=16, key=self.key).digest()
        if int.from_bytes(digest[:8], "big") >= self.threshold:
            return None
        return int.from_bytes(digest[8:], "big")


def selection(*, seed: int, fault_id: str, probability: float) -> Selection:
    """The draw of the fault `fault_id` under `seed`; a probability of 1 selects every request, 0 none."""
    key = hashlib.blake2b(f"{seed}\n{fault_id}".encode(), digest_size=32, person=b"sparring.fault").digest()
    return Selection(key=key, threshold=int(probability * _RANGE))
