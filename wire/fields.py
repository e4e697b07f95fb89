"""Field lines: which ones end at the next hop, which ones frame the message, and how lines are put together.

Knows RFC 9110 section 7.6.1 (what an intermediary must not pass on) and RFC 9112 section 6 (what frames a
body); refuses to know what any end-to-end field means. Lines are bytes as they came, and keep their order.
Called by both readers for every head, so it makes one pass and asks a table once per line.

A table says of a lower-cased name whether the field is passed on (`PASS`) or ends here (`STOP`); fields that
the table does not name are passed on and not looked at again. A caller that needs the value of a field adds
its name: `FIELD_TABLE | {b"x-request-id": PASS}`.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from wire.errors import WireError

Field = tuple[bytes, bytes]
Fields = list[Field]
Found = dict[bytes, bytes]

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
    {b"host", b"content-length", b"transfer-encoding", b"content-type", b"close", b"keep-alive"}
)


def sort_lines(lines: Iterable[bytes], table: Mapping[bytes, bool]) -> tuple[bytes, Found]:
    """The lines to pass on, each with its CRLF, and the value of every field in the table by lower-cased
    name.

    Values of a field that stands several times are joined by `, `, as RFC 9110 section 5.3 has it. What
    `Connection` lists is removed too, whatever the table says of it.
    """
    passed: list[bytes] = []
    found: Found = {}
    for line in lines:
        name, _, value = line.partition(b":")
        name = name.lower()
        verdict = table.get(name)
        if verdict is None:
            passed.append(line)
            continue
        value = value.strip(b" \t")
        found[name] = b"%b, %b" % (found[name], value) if name in found else value
        if verdict:
            passed.append(line)
    if b"connection" in found:
        passed = _without_listed(passed, found[b"connection"])
    passed.append(b"")
    return b"\r\n".join(passed), found


def _without_listed(lines: list[bytes], connection: bytes) -> list[bytes]:
    listed = tokens(connection) - _NEVER_LISTED
    if not listed:
        return lines
    return [line for line in lines if line.partition(b":")[0].lower() not in listed]


@lru_cache(maxsize=64)
def tokens(value: bytes) -> frozenset[bytes]:
    """The lower-cased members of a comma-separated list.

    >>> sorted(tokens(b"Keep-Alive, X-Foo,"))
    [b'keep-alive', b'x-foo']
    """
    return frozenset(part for token in value.lower().split(b",") if (part := token.strip(b" \t")))


def field_lines(fields: Iterable[Field]) -> bytes:
    """`Name: value` lines, each with its CRLF.

    >>> field_lines([(b"Host", b"a"), (b"X-Empty", b"")])
    b'Host: a\\r\\nX-Empty: \\r\\n'
    """
    return b"".join([b"%b: %b\r\n" % field for field in fields])


def split_lines(lines: bytes) -> Fields:
    """The fields of such lines.

    >>> split_lines(b'Host: a\\r\\nX-Empty: \\r\\n')
    [(b'Host', b'a'), (b'X-Empty', b'')]
    """
    pairs = [line.partition(b":") for line in lines.split(b"\r\n") if line]
    return [(name, value.strip(b" \t")) for name, _, value in pairs]


def value_of(lines: bytes, name: bytes) -> bytes | None:
    """The value of the first field of that (lower-cased) name.

    >>> value_of(b'Host: a\\r\\nHOST: b\\r\\n', b'host')
    b'a'
    """
    return next((value for field, value in split_lines(lines) if field.lower() == name), None)


def declared_length(found: Found, *, status: int) -> int:
    """The one Content-Length as a number, or -1; a second one, a list or a sign is refused with `status`."""
    value = found.get(b"content-length")
    if value is None:
        return -1
    if not value.isdigit() or len(value) > 18:
        raise WireError("Content-Length is not one plain number", status=status)
    return int(value)


def is_chunked(found: Found, *, status: int) -> bool:
    """Whether the body is chunked; any other transfer coding, or a length beside it, is refused."""
    value = found.get(b"transfer-encoding")
    if value is None:
        return False
    if value.lower() != b"chunked":
        raise WireError("Transfer-Encoding is not exactly chunked", status=status)
    if b"content-length" in found:
        raise WireError("Content-Length and Transfer-Encoding in one message", status=status)
    return True


def persists(found: Found, *, minor: int) -> bool:
    """Whether the sender keeps the connection after this message (RFC 9112 section 9.3)."""
    value = found.get(b"connection")
    if value is None:
        return minor == 1
    listed = tokens(value)
    return b"close" not in listed and (minor == 1 or b"keep-alive" in listed)
