"""Requests as bytes on the wire, and what an intermediary must leave of them.

Knows where a well-formed request ends and which fields belong to one hop; refuses to know the product's own
parsers, so that the two can disagree. Used by the recording target, the tee, and the tests that compare them.
"""

import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

Field = tuple[bytes, bytes]
ONE_HOP = frozenset(
    {
        b"connection", b"expect", b"http2-settings", b"keep-alive", b"proxy-authorization",
        b"proxy-connection", b"te", b"trailer", b"upgrade",
    }
)  # fmt: skip
FRAMING = frozenset({b"content-length", b"transfer-encoding"})
ADDED = frozenset({b"via", b"x-request-id"})


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Asked:
    """One request: its head up to and with the blank line, its body as framed, and the body's content."""

    head: bytes
    raw_body: bytes
    body: bytes

    @property
    def raw(self) -> bytes:
        """Every byte of it."""
        return self.head + self.raw_body

    @property
    def line(self) -> tuple[bytes, bytes, bytes]:
        """Method, target, version."""
        method, target, version = self.head.partition(b"\r\n")[0].split(b" ")
        return method, target, version

    @property
    def target(self) -> bytes:
        """Path and query, as they were."""
        return self.line[1]

    @property
    def fields(self) -> tuple[Field, ...]:
        """Names as they were, and values without the blanks around them."""
        pairs = (line.partition(b":") for line in self.head.split(b"\r\n")[1:] if line)
        return tuple((name, value.strip(b" \t")) for name, _, value in pairs)

    def values(self, name: bytes) -> list[bytes]:
        """All values of a field by its lower-cased name."""
        return [value for field, value in self.fields if field.lower() == name]

    @property
    def framing(self) -> tuple[Field, ...]:
        """What marks the end of the body."""
        return tuple((name.lower(), value) for name, value in self.fields if name.lower() in FRAMING)


Essence = tuple[bytes, bytes, tuple[Field, ...], tuple[Field, ...], bytes]


def to_forward(sent: Asked) -> Essence:
    """What of a client's request must reach every target, and in which order."""
    return _essence(sent, without=ONE_HOP | FRAMING | ADDED | frozenset(_listed(sent)))


def forwarded(seen: Asked) -> Essence:
    """The same of a request as a target saw it, without what a proxy adds."""
    return _essence(seen, without=FRAMING | ADDED)


def _essence(asked: Asked, *, without: frozenset[bytes]) -> Essence:
    method, target, _ = asked.line
    fields = tuple(field for field in asked.fields if field[0].lower() not in without)
    return method, target, fields, asked.framing, asked.body


def _listed(asked: Asked) -> Iterator[bytes]:
    for value in asked.values(b"connection"):
        yield from (token.strip().lower() for token in value.split(b","))


def read_request(stream: BinaryIO) -> Asked | None:
    """The next request; None at the end, also where it comes in the middle of one."""
    head = b"".join(_until_blank_line(stream))
    if not head.endswith(b"\r\n\r\n"):
        return None
    asked = Asked(head=head, raw_body=b"", body=b"")
    if asked.values(b"transfer-encoding"):
        return _with_chunks(asked, stream)
    length = int(b"".join(asked.values(b"content-length")) or b"0")
    body = stream.read(length)
    return Asked(head=head, raw_body=body, body=body) if len(body) == length else None


def _until_blank_line(stream: BinaryIO) -> Iterator[bytes]:
    line = stream.readline()
    while line:
        yield line
        if line == b"\r\n":
            return
        line = stream.readline()


def _with_chunks(asked: Asked, stream: BinaryIO) -> Asked | None:
    raw, body = b"", b""
    while line := stream.readline():
        size = int(line.partition(b";")[0], 16)
        piece = stream.read(size + 2) if size else b"".join(_until_blank_line(stream))
        raw += line + piece
        body += piece[:size]
        if not size:
            return Asked(head=asked.head, raw_body=raw, body=body)
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """An answer's status, head and body."""

    status: int
    head: bytes
    body: bytes


def answers_in(recorded: bytes) -> list[Answered]:
    """The answers of one connection, each with a length; the first without one ends it."""
    found = []
    stream = io.BytesIO(recorded)
    while head := b"".join(_until_blank_line(stream)):
        length = re.search(rb"(?im)^content-length: *(\d+)", head)
        if length is None:
            break
        body = stream.read(int(length[1]))
        found.append(Answered(status=int(head.split(b" ", 2)[1]), head=head, body=body))
    return found


def requests_in(recorded: Iterable[bytes]) -> list[Asked]:
    """All complete requests of some connections."""
    found = []
    for sent in recorded:
        stream = io.BytesIO(sent)
        while (asked := read_request(stream)) is not None:
            found.append(asked)
    return found
