"""GoReplay captures (`.gor`): raw HTTP/1.1 messages between separator lines.

Knows the record frame `type id timestamp_ns [latency_ns]`, the three-monkeys separator, and that type 1 is
a request, type 2 the recorded answer and type 3 a replayed one. Raw requests are parsed strictly by llhttp;
chunked bodies are kept de-chunked, as they will be framed anew when they are sent. Bodies may hold
anything, the separator line aside. Format: goreplay's `proto` package; files are not promised to be in
order of time.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

import httptools

from recording.exchange import Request
from recording.importers.importer import Tally

SEPARATOR = b"\n\xf0\x9f\x90\xb5\xf0\x9f\x99\x88\xf0\x9f\x99\x89\n"
_READ_BYTES = 1 << 20
_FRAMING = {"content-length", "transfer-encoding"}


class GoReplay:
    """`.gor` text as `gor --output-file` writes it."""

    name = "goreplay"

    def recognises(self, head: bytes) -> bool:
        """The first line is `1 <hex id> <ns>`, or the separator shows up early."""
        kind, _, rest = head.partition(b"\n")[0].partition(b" ")
        return kind in {b"1", b"2", b"3"} and len(rest.split(b" ")) >= 2 and b"HTTP/" in head

    def read(self, file: BinaryIO, tally: Tally) -> Iterator[Request]:
        """One request per record of type 1; answers (types 2 and 3) are counted, not kept."""
        for number, record in enumerate(_records(file), 1):
            place = f"record {number}"
            head, _, raw = record.partition(b"\n")
            parts = head.strip().split(b" ")
            if len(parts) < 3 or not parts[2].isdigit() or parts[0] not in {b"1", b"2", b"3"}:
                tally.count(
                    "malformed", place=place, reason=f"does not begin with `type id timestamp`: {head[:40]!r}"
                )
            elif parts[0] != b"1":
                tally.count("responses_left_out")
            else:
                request = _request(raw, tally, place=place)
                if request is not None:
                    yield replace(request, id=parts[1].decode("latin-1"), at_ns=int(parts[2]))


def _records(file: BinaryIO) -> Iterator[bytes]:
    waiting = b""
    while block := file.read(_READ_BYTES):
        *whole, waiting = (waiting + block).split(SEPARATOR)
        yield from whole
    if waiting.strip():
        yield waiting


class _Message:
    """What llhttp reports of one request."""

    def __init__(self) -> None:
        self.url = b""
        self.headers: list[tuple[str, str]] = []
        self.body = bytearray()
        self.head_complete = False
        self.complete = 0

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.head_complete:  # what comes after the body is a trailer
            self.headers.append((name.decode("latin-1"), value.strip(b" \t").decode("latin-1")))

    def on_headers_complete(self) -> None:
        self.head_complete = True

    def on_body(self, piece: bytes) -> None:
        self.body += piece

    def on_message_complete(self) -> None:
        self.complete += 1


def _request(raw: bytes, tally: Tally, *, place: str) -> Request | None:
    message = _Message()
    parser = httptools.HttpRequestParser(message)
    try:
        parser.feed_data(raw)
    except httptools.HttpParserUpgrade:
        tally.count("upgrades_left_out", place=place, reason="asks for another protocol")
        return None
    except httptools.HttpParserError as error:
        tally.count("malformed", place=place, reason=f"is not an HTTP/1.1 request: {error}")
        return None
    if message.complete != 1:
        tally.count("truncated", place=place, reason="the request's body is cut short")
        return None
    headers = tuple((name, value) for name, value in message.headers if name.lower() not in _FRAMING)
    return Request(
        id="", at_ns=0, method=parser.get_method().decode("latin-1"), path=message.url.decode("latin-1"),
        headers=headers, body=bytes(message.body),
    )  # fmt: skip
