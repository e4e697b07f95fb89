"""Where a head ends, and that it is well formed: bytes in, one whole head out.

Knows CRLF CRLF, the limit on a head's size, and llhttp (through httptools), which validates every byte of it;
refuses to know what is in it. llhttp tells no offsets, and everything behind a head (pipelining, answers to
HEAD, bodies that end with the connection) depends on them, so the cut is made here. Strict on purpose: a line
feed without a carriage return is refused, so that this cut and llhttp's own can never differ, and that they
agree is checked for each head. Malformed heads are refused as soon as the first wrong byte is here.
"""

from collections.abc import Callable, Container
from typing import Final, Protocol

import httptools

from wire.errors import WireError

_END: Final = b"\r\n\r\n"


class Parser(Protocol):
    """What is used of httptools' parsers."""

    def feed_data(self, data: bytes) -> None:
        """Raises `HttpParserError` for what is malformed."""


class HeadCutter:
    """Cuts one head after another; `rest` is what came behind it, `partial` the start of the next."""

    __slots__ = ("_agreed", "_max_bytes", "_new_parser", "_parser", "_status", "partial", "rest")

    def __init__(self, new_parser: Callable[["HeadCutter"], Parser], *, max_bytes: int, status: int) -> None:
        self._new_parser = new_parser
        self._max_bytes = max_bytes
        self._status = status
        self._parser: Parser | None = None
        self.partial = bytearray()
        self._agreed = False
        self.rest = b""

    def feed(self, received: bytes) -> bytes | None:
        """The whole head, its empty line included, or None while it goes on."""
        if self.partial:
            return self._feed_more(received)
        end = received.find(_END) + 4
        if end < 4:
            return self._feed_more(received)
        if end == len(received):
            head, self.rest = received, b""
        else:
            head, self.rest = received[:end], received[end:]
        if head.count(b"\n") != head.count(b"\r\n"):
            raise self._bare_line_feed()
        self._validate(head, size=end)
        if not self._agreed:
            raise self._disagreement()
        self._agreed = False
        self._parser = None
        return head

    def skip(self, received: bytes, known: Container[bytes]) -> bytes | None:
        """A whole head that is one of those known to be good, and nothing else; the caller keeps them."""
        end = received.find(_END) + 4
        if end < 4 or self.partial:
            return None
        head = received[:end]
        if head not in known:
            return None
        self.rest = received[end:]
        return head

    def on_headers_complete(self) -> None:
        """llhttp says that the head ends here."""
        self._agreed = True

    def _feed_more(self, received: bytes) -> bytes | None:
        partial = self.partial
        before = len(partial)
        partial += received
        end = partial.find(_END, max(0, before - 3)) + 4
        part = received if end < 4 else received[: end - before]
        endings = part.count(b"\r\n") + (part[:1] == b"\n" and partial[before - 1 : before] == b"\r")
        if part.count(b"\n") != endings:
            raise self._bare_line_feed()
        self._validate(part, size=before + len(part))
        if end < 4:
            return None
        self.rest = received[len(part) :]
        if not self._agreed:
            raise self._disagreement()
        self._agreed = False
        self._parser = None
        head = bytes(partial[:end])
        partial.clear()
        return head

    def _validate(self, part: bytes, *, size: int) -> None:
        if size > self._max_bytes:
            raise WireError(f"the head is larger than {self._max_bytes} bytes", status=431)
        parser = self._parser
        if parser is None:
            parser = self._parser = self._new_parser(self)
        try:
            parser.feed_data(part)
        except httptools.HttpParserUpgrade:
            self._agreed = True  # the head is good; whether to switch protocols is the caller's to say
        except httptools.HttpParserError as error:
            raise WireError(f"malformed head: {error}", status=self._status) from None

    def _disagreement(self) -> WireError:
        return WireError("malformed head: an empty line inside it", status=self._status)

    def _bare_line_feed(self) -> WireError:
        return WireError("a line of the head ends without a carriage return", status=self._status)
