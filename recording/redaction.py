"""Heads with their credentials masked, fast enough for every request: what reaches a journal has been here.

Knows header lines, targets and raw heads, and remembers what it has seen; refuses to know what a credential
is (`credentials.py`). Called by the proxy's rows. Clients and servers repeat themselves: a head seen before
costs one lookup, a line seen before one, and a line whose value is only hex digits (a request id, a length)
the lookup of its name.
"""

from typing import Final, TypeVar

from recording.credentials import Credentials, RedactConfig

V = TypeVar("V")

__all__ = ["RAW_BYTES", "RedactConfig", "Redactor"]

RAW_BYTES: Final = 4096
_RAW_WINDOW: Final = 2 * RAW_BYTES
_MOST_HEADS: Final = 1024
_MOST_LINES: Final = 4096
_LONGEST: Final = 4096
_ID_BYTES: Final = 16
# Their values differ with every request and are no credentials: ids, lengths, tags.
_PLAIN: Final = frozenset(
    spelt
    for name in (b"X-Request-Id", b"X-Request-ID", b"Traceparent", b"Content-Length", b"ETag")
    for spelt in (name, name.lower())
)
# No known form of a key fits into these, and a name is asked for all the same.
_HARMLESS: Final = b"0123456789abcdefABCDEF-. \t"


class Redactor:
    """One worker's. What it remembers is bounded in number and in length."""

    def __init__(self, config: RedactConfig) -> None:
        self._credentials = Credentials(config)
        self._skips_hex = not config.patterns
        self._plain_stay = not config.patterns and not config.headers
        self._heads: dict[bytes, bytes] = {}
        self._around: dict[bytes, bytes] = {}
        self._lines: dict[bytes, bytes] = {}
        self._targets: dict[bytes, bytes] = {}
        self._names: dict[bytes, bool] = {}

    def lines(self, lines: bytes, request_id: bytes = b"") -> bytes:
        """Field lines, each with its CRLF, in the same order.

        If the head has a `request_id`, what stands around it is remembered too: it comes again with others.
        """
        known = self._heads.get(lines)
        if known is not None:
            return known
        before, found, after = lines.partition(request_id) if request_id else (lines, b"", b"")
        if found and self._around.get(before) == after:
            return lines
        masked = self._mask_lines(lines)
        if found and masked is lines and len(lines) <= _LONGEST and self._is_plain_around(before, after):
            _remember(self._around, before, after, _MOST_HEADS)
        return masked

    def target(self, target: bytes) -> bytes:
        """A path with its query."""
        known = self._targets.get(target)
        if known is not None:
            return known
        masked = self._credentials.target(target)
        if len(target) <= _LONGEST:
            _remember(self._targets, target, masked, _MOST_HEADS)
        return masked

    def raw(self, raw: bytes) -> bytes:
        """The start of what may not even be a message, at most `RAW_BYTES` of it.

        Lines may end in any way, names may have blanks around them, and lines may be folded.
        """
        masked: list[bytes] = []
        hidden = False
        for number, line in enumerate(raw[:_RAW_WINDOW].splitlines(keepends=True)):
            bare = line.rstrip(b"\r\n")
            if hidden and bare[:1] in (b" ", b"\t"):
                continue
            hidden, text = self._raw_line(bare, first=number == 0)
            masked.append(text + line[len(bare) :])
        return b"".join(masked)[:RAW_BYTES]

    def _is_plain_around(self, before: bytes, after: bytes) -> bool:
        """Whether nothing but the value of a name that stays as it is was between them."""
        name = before.rpartition(b"\r\n")[2].partition(b":")
        return self._plain_stay and name[0] in _PLAIN and not name[2].strip() and after.startswith(b"\r\n")

    def _raw_line(self, line: bytes, *, first: bool) -> tuple[bool, bytes]:
        """Whether its name makes it a secret, and what is left of it."""
        if first and b" " in line.partition(b":")[0].strip():
            version = line[-9:] if line[-9:-3] == b" HTTP/" else b""
            return False, self._credentials.text(line.removesuffix(version)) + version
        masked = self._credentials.line(line)
        return masked != line, masked

    def _mask_lines(self, lines: bytes) -> bytes:
        known = self._lines
        masked: list[bytes] = []
        changed = varies = False
        for line in lines.split(b"\r\n"):
            kept = known.get(line)
            if kept is None:
                if self._is_unique(line):
                    varies = True
                    masked.append(line)
                    continue
                kept = self._mask_line(line)
            if kept is not line:
                changed = changed or kept != line
            masked.append(kept)
        result = b"\r\n".join(masked) if changed else lines
        if not varies and len(lines) <= _LONGEST:
            _remember(self._heads, lines, result, _MOST_HEADS)
        return result

    def _is_unique(self, line: bytes) -> bool:
        """Whether it hides nothing and will not come again: a request id, say."""
        name, _, value = line.partition(b":")
        if name in _PLAIN and self._plain_stay:
            return True
        return (
            len(value) >= _ID_BYTES
            and self._skips_hex
            and not value.strip(_HARMLESS)
            and not self._is_secret(name)
        )

    def _mask_line(self, line: bytes) -> bytes:
        masked = self._credentials.line(line)
        if len(line) <= _LONGEST:
            _remember(self._lines, line, masked, _MOST_LINES)
        return masked

    def _is_secret(self, name: bytes) -> bool:
        secret = self._names.get(name)
        if secret is None:
            low = name.strip().lower()
            secret = self._credentials.is_secret(low) and not self._credentials.is_kept(low)
            _remember(self._names, name, secret, _MOST_LINES)
        return secret


def _remember(memory: dict[bytes, V], key: bytes, value: V, most: int) -> None:
    if len(memory) >= most:
        memory.clear()  # what is in use comes back at once
    memory[key] = value
