"""Field lines: which ones end at the next hop, which ones frame the message, and how lines are put together.

Knows RFC 9110 section 7.6.1 (what an intermediary must not pass on), section 6.5.1 (what must not stand in
trailers) and RFC 9112 sections 5 and 6 (what a line may look like, what frames a body); refuses to know what
any end-to-end field means. Lines are bytes as they came, and keep their order. Called by both readers for
every head.

A table says of a lower-cased name whether the field is passed on (`PASS`) or ends here (`STOP`); fields that
the table does not name are passed on and not looked at again. A caller that needs the value of a field adds
its name: `FIELD_TABLE | {b"x-request-id": PASS}`.

Most lines of a head stood in the head before it, so a `LineSorter` keeps what a line means by its bytes: a
line that was read once costs one look into a dictionary. What is kept is bounded in lines, in bytes a line
and in lines a name, so that ids, which never come again, do not crowd out what does.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from wire.errors import WireError

Field = tuple[bytes, bytes]
Fields = list[Field]
Found = dict[bytes, bytes]

PASS: Final = True
STOP: Final = False

MAX_LENGTH_DIGITS: Final = 18
MAX_KNOWN_LINES: Final = 4096
MAX_KNOWN_NAMES: Final = 512
MAX_KNOWN_BYTES: Final = 256
MAX_KNOWN_LINES_A_NAME: Final = 64

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
# What RFC 9110 section 6.5.1 keeps out of trailers: it frames, routes, authenticates, controls or describes
# the content, and would act on a recipient that merges it into the head. The last two are the proxy's own.
NEVER_TRAILERS: Final = (
    HOP_BY_HOP
    | FRAMING
    | {
        b"age",
        b"authorization",
        b"cache-control",
        b"content-encoding",
        b"content-range",
        b"content-type",
        b"cookie",
        b"date",
        b"expires",
        b"host",
        b"location",
        b"max-forwards",
        b"range",
        b"retry-after",
        b"set-cookie",
        b"vary",
        b"warning",
        b"www-authenticate",
        b"x-request-id",
        b"x-sparring-due",
    }
)
_NEVER_TRAILER_STARTS: Final = (b"if-", b"proxy-")
_NAME: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_BAD_IN_VALUE: Final = re.compile(rb"[^\t\x20-\x7e\x80-\xff]")


class FieldName:
    """A name as it was written: lower-cased, what the table says of it, how many of its lines are kept."""

    __slots__ = ("blanks", "kept_lines", "lower", "passed", "sought")

    def __init__(self, lower: bytes, verdict: bool | None) -> None:
        self.lower = lower
        self.sought = verdict is not None
        self.passed = verdict is not STOP
        self.kept_lines = 0
        # To llhttp `chunked` and a tab are not chunked, to others they are: a tab stays, and is then refused.
        self.blanks = b" " if lower == b"transfer-encoding" else b" \t"


class FieldLine:
    """What a line means; `value` is empty unless the name is `sought`, that is, stands in the table."""

    __slots__ = ("name", "passed", "sought", "value")

    def __init__(self, name: FieldName, value: bytes) -> None:
        self.name = name.lower
        self.passed = name.passed
        self.sought = name.sought
        self.value = value


class LineSorter:
    """Reads the lines of heads for one table; `WireError` for a line that is not a field line."""

    __slots__ = ("_lines", "_names", "_table")

    def __init__(self, table: Mapping[bytes, bool]) -> None:
        self._table = dict(table)
        self._lines: dict[bytes, FieldLine] = {}
        self._names: dict[bytes, FieldName] = {}

    @property
    def kept(self) -> int:
        """How many lines are known by their bytes."""
        return len(self._lines)

    def sort(self, lines: list[bytes], *, status: int) -> tuple[bytes, Found]:
        """See `sort_lines`; a malformed line is refused with `status`."""
        known = self._lines
        passed: list[bytes] = []
        found: Found = {}
        for line in lines:
            field = known.get(line)
            if field is None:
                field = self._read(line, status)
            if field.sought:
                name = field.name
                before = found.get(name)
                found[name] = field.value if before is None else b"%b, %b" % (before, field.value)
            if field.passed:
                passed.append(line)
        if b"connection" in found:
            passed = _without_listed(passed, found[b"connection"])
        passed.append(b"")
        return b"\r\n".join(passed), found

    def _read(self, line: bytes, status: int) -> FieldLine:
        written, colon, value = line.partition(b":")
        if not colon or _BAD_IN_VALUE.search(value) is not None:
            raise WireError("malformed head: not a field line", status=status)
        name = self._names.get(written)
        if name is None:
            name = self._read_name(written, status)
        field = FieldLine(name, value.strip(name.blanks) if name.sought else b"")
        if name.kept_lines < MAX_KNOWN_LINES_A_NAME and len(line) <= MAX_KNOWN_BYTES:
            self._keep(line, field, name)
        return field

    def _keep(self, line: bytes, field: FieldLine, name: FieldName) -> None:
        if len(self._lines) >= MAX_KNOWN_LINES:
            self._forget()
        name.kept_lines += 1
        self._lines[line] = field

    def _read_name(self, written: bytes, status: int) -> FieldName:
        if not _NAME.fullmatch(written):
            raise WireError("malformed head: not the name of a field", status=status)
        lower = written.lower()
        name = FieldName(lower, self._table.get(lower))
        if len(written) <= MAX_KNOWN_BYTES:
            if len(self._names) >= MAX_KNOWN_NAMES:
                self._forget()
            self._names[written] = name
        return name

    def _forget(self) -> None:
        self._lines.clear()
        self._names.clear()


def sorter_of(table: Mapping[bytes, bool]) -> LineSorter:
    """The sorter that all readers with this table share."""
    return _sorter(frozenset(table.items()))


@lru_cache(maxsize=16)
def _sorter(items: frozenset[tuple[bytes, bool]]) -> LineSorter:
    return LineSorter(dict(items))


def sort_lines(lines: Iterable[bytes], table: Mapping[bytes, bool]) -> tuple[bytes, Found]:
    """The lines to pass on, each with its CRLF, and the value of every field in the table by lower-cased
    name.

    Values of a field that stands several times are joined by `, `, as RFC 9110 section 5.3 has it. What
    `Connection` lists is removed too, whatever the table says of it.
    """
    return sorter_of(table).sort(list(lines), status=400)


def _without_listed(lines: list[bytes], connection: bytes) -> list[bytes]:
    listed = listed_names(connection)
    if not listed:
        return lines
    return [line for line in lines if line.partition(b":")[0].lower() not in listed]


def listed_names(connection: bytes) -> frozenset[bytes]:
    """The fields that a Connection field takes with it, lower-cased."""
    return tokens(connection) - _NEVER_LISTED


def tokens(value: bytes) -> frozenset[bytes]:
    """The lower-cased members of a comma-separated list.

    >>> sorted(tokens(b"Keep-Alive, X-Foo,"))
    [b'keep-alive', b'x-foo']
    """
    known = _TOKENS.get(value)
    if known is not None:
        return known
    read = frozenset(part for token in value.lower().split(b",") if (part := token.strip(b" \t")))
    if len(value) <= MAX_KNOWN_BYTES:
        if len(_TOKENS) >= MAX_KNOWN_NAMES:
            _TOKENS.clear()
        _TOKENS[value] = read
    return read


_TOKENS: Final[dict[bytes, frozenset[bytes]]] = {}


def field_lines(fields: Iterable[Field]) -> bytes:
    """`Name: value` lines, each with its CRLF.

    >>> field_lines([(b"Host", b"a"), (b"X-Empty", b"")])
    b'Host: a\\r\\nX-Empty: \\r\\n'
    """
    return b"".join([b"%b: %b\r\n" % field for field in fields])


def may_trail(line: bytes) -> bool:
    """Whether a trailer line may be passed on.

    >>> may_trail(b"X-Sum: 1"), may_trail(b"Host: b")
    (True, False)
    """
    name = line.partition(b":")[0].lower()
    return name not in NEVER_TRAILERS and not name.startswith(_NEVER_TRAILER_STARTS)


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


def declared_length(found: Found, *, status: int, status_too_long: int | None = None) -> int:
    """The one Content-Length as a number, or -1; a second one, a list or a sign is refused with `status`."""
    value = found.get(b"content-length")
    if value is None:
        return -1
    known = _LENGTHS.get(value)
    if known is not None:
        return known
    if not value.isdigit():
        raise WireError("Content-Length is not one plain number", status=status)
    if len(value) > MAX_LENGTH_DIGITS:
        raise WireError("Content-Length is beyond all bounds", status=status_too_long or status)
    if len(_LENGTHS) >= MAX_KNOWN_LINES:
        _LENGTHS.clear()
    length = _LENGTHS[value] = int(value)
    return length


_LENGTHS: Final[dict[bytes, int]] = {}


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
