"""Where a head ends: bytes in, one whole head out.

Knows CRLF CRLF and the limit on a head's size; refuses to know what is in it. A head that comes whole in one
read is only cut; its lines are then read strictly by whoever asked (`request_line.py`, `fields.py`). A head
that comes in pieces is besides watched by llhttp (through httptools) as it grows, so that what can no longer
become one is refused at its first wrong byte and not at a deadline.

llhttp tells no offsets, and everything behind a head (pipelining, answers to HEAD, bodies that end with the
connection) depends on them, so the cut is made here. Whatever the strict reading accepts llhttp accepts too,
or the verdict would depend on how the bytes were cut; tests compare the two. Line feeds without a carriage
return, which llhttp may let pass, are refused here.
"""

from collections.abc import Callable
from typing import Final, Protocol

import httptools

from wire.errors import WireError

END: Final = b"\r\n\r\n"


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
        """The whole head without the CRLF CRLF that ends it, or None while it goes on."""
        if not self.partial:
            end = received.find(END)
            if end >= 0:
                self._check_size(end + 4)
                self.rest = received[end + 4 :]
                return received[:end]
        return self._feed_more(received)

    def on_headers_complete(self) -> None:
        """llhttp says that the head ends here."""
        self._agreed = True

    def _feed_more(self, received: bytes) -> bytes | None:
        partial = self.partial
        before = len(partial)
        partial += received
        end = partial.find(END, max(0, before - 3)) + 4
        part = received if end < 4 else received[: end - before]
        endings = part.count(b"\r\n") + (part[:1] == b"\n" and partial[before - 1 : before] == b"\r")
        if part.count(b"\n") != endings:
            raise self._malformed("a line ends without a carriage return")
        self._check_size(before + len(part))
        self._watch(part)
        if end < 4:
            return None
        self.rest = received[len(part) :]
        if not self._agreed:
            raise self._malformed("an empty line inside it")
        self._agreed = False
        self._parser = None
        head = bytes(partial[: end - 4])
        partial.clear()
        return head

    def _watch(self, part: bytes) -> None:
        parser = self._parser
        if parser is None:
            parser = self._parser = self._new_parser(self)
        try:
            parser.feed_data(part)
        except httptools.HttpParserUpgrade:
            self._agreed = True  # the head is good; whether to switch protocols is the caller's to say
        except httptools.HttpParserError as error:
            raise self._malformed(str(error)) from None

    def _check_size(self, size: int) -> None:
        if size > self._max_bytes:
            raise WireError(f"the head is larger than {self._max_bytes} bytes", status=431)

    def _malformed(self, how: str) -> WireError:
        return WireError(f"malformed head: {how}", status=self._status)
