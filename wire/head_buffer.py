"""Where a head ends: bytes in, the same bytes cut at the first empty line.

Knows CRLF CRLF and the limit on a head's size; refuses to know what is in it. The parser below it (llhttp)
validates the head but tells no offsets, and everything behind a head (pipelining, answers to HEAD, bodies
that end with the connection) depends on that offset. Strict on purpose: a line feed without a carriage return
is refused here, so that this cut and the parser's own can never differ.
"""

from wire.errors import WireError

_END = b"\r\n\r\n"


class HeadBuffer:
    """Counts and cuts one head after another."""

    __slots__ = ("_max_bytes", "_size", "_status", "_tail")

    def __init__(self, *, max_bytes: int, status: int) -> None:
        self._max_bytes = max_bytes
        self._status = status
        self._size = 0
        self._tail = b""

    @property
    def empty(self) -> bool:
        """Whether no byte of the next head has come yet."""
        return not self._size

    def feed(self, received: bytes) -> tuple[bytes, bytes | None]:
        """Cut `received` behind the head's empty line; the second part is None while the head goes on."""
        tail = self._tail
        end = (tail + received if tail else received).find(_END)
        if end < 0:
            self._tail = (tail + received)[-3:]
            self._grow(received, before=tail)
            return received, None
        cut = end + 4 - len(tail)
        self._tail = b""
        if cut == len(received):
            head, rest = received, b""
        else:
            head, rest = received[:cut], received[cut:]
        self._grow(head, before=tail)
        self._size = 0
        return head, rest

    def _grow(self, part: bytes, *, before: bytes) -> None:
        self._size += len(part)
        if self._size > self._max_bytes:
            raise WireError(f"the head is larger than {self._max_bytes} bytes", status=431)
        endings = part.count(b"\r\n") + (part[:1] == b"\n" and before[-1:] == b"\r")
        if part.count(b"\n") != endings:
            raise WireError("a line of the head ends without a carriage return", status=self._status)
