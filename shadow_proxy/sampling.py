"""Which requests are mirrored: a share, decided by a keyed hash of the request's id.

Knows one number and one salt; refuses to know targets and queues. Pure: the same id gets the same answer in
every worker, run and process, so that all shadow targets see the same requests. Asked once for a request.
"""

from hashlib import blake2b
from typing import Final

_RANGE: Final = 1 << 64


class Sampler:
    """Says of an id whether it belongs to the share.

    >>> sampler = Sampler(share=0.5, salt="s")
    >>> sum(sampler.takes(b"%d" % n) for n in range(1000))
    497
    """

    __slots__ = ("_below", "_key", "takes_all")

    def __init__(self, *, share: float, salt: str) -> None:
        self._below = round(share * _RANGE)
        self._key = blake2b(salt.encode(), digest_size=32).digest()
        self.takes_all = share >= 1.0

    def takes(self, request_id: bytes) -> bool:
        """Whether the request is mirrored."""
        if self.takes_all:
            return True
        digest = blake2b(request_id, digest_size=8, key=self._key).digest()
        return int.from_bytes(digest, "big") < self._below
