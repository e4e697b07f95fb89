"""What a peer did wrong on the wire.

One class for both directions. `status` is what a server should answer to such a request; for a response it is
the gateway's own 502. Raised by the readers; a caller turns it into an answer, an outcome and a count.
"""


class WireError(ValueError):
    """Bytes that are not the HTTP/1.1 message they claim to be, or are more than a limit allows."""

    def __init__(self, reason: str, *, status: int) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
