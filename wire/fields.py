"""Field lines: which ones end at the next hop, which ones frame the message, and how lines are put together.

Knows RFC 9110 section 7.6.1 (what an intermediary must not pass on) and RFC 9112 section 6 (what frames a
body); refuses to know what any end-to-end field means. Names and values are bytes as they came, order is
kept. Called by both readers for every head, so it makes one pass and asks a table once per field.

A table says of a lower-cased name whether the field is passed on (`PASS`) or ends here (`STOP`); fields that
the table does not name are passed on and not looked at again. A caller that needs the value of a field adds
its name: `FIELD_TABLE | {b"x-request-id": PASS}`.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from wire.errors import WireError

Field = tuple[bytes, bytes]
Fields = list[Field]

PASS: Final = True
STOP: Final = False

HOP_BY_HOP: Final = frozenset(
    {
        b"connection",
        b"http2-settings",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
# Content-Length and Expect are end-to-end by the letter, but whoever rebuilds the framing writes its own.
FRAMING: Final = frozenset({b"content-length", b"expect", b"transfer-encoding"})

FIELD_TABLE: Final[Mapping[bytes, bool]] = {
    **dict.fromkeys(HOP_BY_HOP | FRAMING, STOP),
    b"host": PASS,
}
# What `Connection` may list without effect: removing them would change the message, not the hop.
_NEVER_LISTED: Final = frozenset(
    {b"host", b"content-length", b"transfer-encoding", b"content-type", b"close"}
)


def sort_fields(
    fields: Iterable[Field], table: Mapping[bytes, bool]
) -> tuple[Fields, dict[bytes, list[bytes]]]:
    """The fields to pass on, and the values of every field in the table under its lower-cased name.

    What `Connection` lists is removed too, whatever the table says of it.
    """
    passed: Fields = []
    found: dict[bytes, list[bytes]] = {}
    for field in fields:
        name = field[0].lower()
        verdict = table.get(name)
        if verdict is None:
            passed.append(field)
            continue
        found.setdefault(name, []).append(field[1])
        if verdict:
            passed.append(field)
    if b"connection" in found:
        listed = tokens(found[b"connection"]) - _NEVER_LISTED
        passed = [field for field in passed if field[0].lower() not in listed]
    return passed, found


def tokens(values: Iterable[bytes]) -> frozenset[bytes]:
    """The lower-cased members of a comma-separated list that may be spread over several lines."""
    return frozenset(
        part for value in values for token in value.lower().split(b",") if (part := token.strip(b" \t"))
    )


def field_lines(fields: Iterable[Field]) -> bytes:
    """`Name: value` lines, each with its CRLF.

    >>> field_lines([(b"Host", b"a"), (b"X-Empty", b"")])
    b'Host: a\\r\\nX-Empty: \\r\\n'
    """
    return b"".join([b"%b: %b\r\n" % field for field in fields])


def split_lines(lines: bytes) -> Fields:
    """The fields of lines that `field_lines` wrote.

    >>> split_lines(b'Host: a\\r\\nX-Empty: \\r\\n')
    [(b'Host', b'a'), (b'X-Empty', b'')]
    """
    pairs = [line.partition(b":") for line in lines.split(b"\r\n") if line]
    return [(name, value.strip(b" \t")) for name, _, value in pairs]


def value_of(fields: Iterable[Field], name: bytes) -> bytes | None:
    """The value of the first field of that (lower-cased) name."""
    return next((value for field, value in fields if field.lower() == name), None)


def declared_length(found: Mapping[bytes, list[bytes]], *, status: int) -> int:
    """The one Content-Length as a number, or -1; a second one, a list or a sign is refused with `status`."""
    values = found.get(b"content-length")
    if values is None:
        return -1
    if len(values) != 1 or not values[0].isdigit() or len(values[0]) > 18:
        raise WireError("Content-Length is not one plain number", status=status)
    return int(values[0])


def is_chunked(found: Mapping[bytes, list[bytes]], *, status: int) -> bool:
    """Whether the body is chunked; any other transfer coding, or a length beside it, is refused."""
    values = found.get(b"transfer-encoding")
    if values is None:
        return False
    if len(values) != 1 or values[0].lower() != b"chunked":
        raise WireError("Transfer-Encoding is not exactly chunked", status=status)
    if b"content-length" in found:
        raise WireError("Content-Length and Transfer-Encoding in one message", status=status)
    return True


def persists(found: Mapping[bytes, list[bytes]], *, minor: int) -> bool:
    """Whether the sender keeps the connection after this message (RFC 9112 section 9.3)."""
    if b"connection" not in found:
        return minor == 1
    listed = tokens(found[b"connection"])
    return b"close" not in listed and (minor == 1 or b"keep-alive" in listed)
