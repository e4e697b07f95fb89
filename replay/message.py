"""A recorded request as the bytes to send.

Knows which header fields belong to the old connection and are rebuilt or left out; refuses to know schedules
and sockets. `traffic.py` builds, the engine fills in the id and the due time at the last moment.

Everything is sent as it was recorded, byte for byte and in order, except:
- fields of the connection, not of the request, are left out: Connection and what it names, and the rest of
  `wire.fields.HOP_BY_HOP` (RFC 9110, 7.6.1);
- Content-Length is the length of the recorded body, in the place of the recorded field; without one it is
  added where a body or the method asks for it (RFC 9110, 8.6);
- the id of the trace stands in X-Request-Id, in the place of a recorded one: it joins everything;
- a Host is added where none was recorded, and replaced if the settings say so.
Text of a trace is Latin-1 for bytes; a character beyond it is sent as UTF-8.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from wire.fields import HOP_BY_HOP

_WITH_LENGTH = frozenset({"POST", "PUT", "PATCH"})
_ID_FIELD = "x-request-id"

_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PATH = re.compile(rb"[^\x00-\x20\x7f]+")
_VALUE = re.compile(rb"[^\x00\r\n]*")


class UnsendableError(ValueError):
    """A recorded request that cannot be put into an HTTP/1.1 message without changing its meaning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A request, cut where its id goes. `before` ends behind `X-Request-Id: `, `after` begins with CRLF."""

    request_id: bytes
    method: bytes
    before: bytes
    after: bytes
    body: bytes

    @property
    def size(self) -> int:
        """The bytes it takes in memory, near enough."""
        return len(self.before) + len(self.after) + len(self.body) + 256

    def sent_as(self, request_id: bytes, *, due_ns: int | None) -> bytes:
        """The bytes on the wire, with X-Sparring-Due if there is one to tell."""
        due = b"" if due_ns is None else b"X-Sparring-Due: %d\r\n" % due_ns
        return b"".join((self.before, request_id, self.after, due, b"\r\n", self.body))


@dataclass(frozen=True, slots=True, kw_only=True)
class HostField:
    """What to do about the Host field: the target's authority, and whether it replaces a recorded one."""

    authority: bytes
    replace: bool = False


def message(
    request_id: str,
    *,
    method: str,
    path: str,
    headers: Iterable[tuple[str, str]],
    body: bytes,
    host: HostField,
) -> Message:
    """Build the bytes of one recorded request; `UnsendableError` says what is wrong with it."""
    request_line = b"%b %b HTTP/1.1\r\n" % (
        _checked(method, _TOKEN, what="method"),
        _checked(path, _PATH, what="path"),
    )
    fields = _with_missing(_end_to_end(tuple(headers), host=host, length=len(body)),
                           method=method, host=host, length=len(body))  # fmt: skip
    lines = [b"%b: %b\r\n" % (_checked(n, _TOKEN, what="field name"), v) for n, v in fields]
    place = next(number for number, (name, _) in enumerate(fields) if name.lower() == _ID_FIELD)
    return Message(
        request_id=_checked(request_id, _PATH, what="id"),
        method=method.encode("ascii"),
        before=b"".join((request_line, *lines[:place], lines[place].removesuffix(b"\r\n"))),
        after=b"".join((b"\r\n", *lines[place + 1 :])),
        body=body,
    )


def _end_to_end(
    headers: tuple[tuple[str, str], ...], *, host: HostField, length: int
) -> list[tuple[str, bytes]]:
    """The fields that go out, in order: the first id without its value, framing and Host set right."""
    left_out = _named_by_connection(headers)
    fields: list[tuple[str, bytes]] = []
    seen: set[str] = set()
    for name, value in headers:
        key = name.lower()
        single = key in {_ID_FIELD, "content-length"}
        if (
            key.encode() in HOP_BY_HOP
            or key in left_out
            or key == "x-sparring-due"
            or (single and key in seen)
        ):
            continue
        seen.add(key)
        fields.append((name, _field_value(key, value, host=host, length=length)))
    return fields


def _field_value(key: str, value: str, *, host: HostField, length: int) -> bytes:
    if key == _ID_FIELD:
        return b""
    if key == "content-length":
        return b"%d" % length
    if key == "host" and host.replace:
        return host.authority
    return _checked(value, _VALUE, what="field value")


def _with_missing(
    fields: list[tuple[str, bytes]], *, method: str, host: HostField, length: int
) -> list[tuple[str, bytes]]:
    names = {name.lower() for name, _ in fields}
    missing: list[tuple[str, bytes]] = []
    if "host" not in names:
        fields = [("Host", host.authority), *fields]
    if "content-length" not in names and (length or method in _WITH_LENGTH):
        missing.append(("Content-Length", b"%d" % length))
    if _ID_FIELD not in names:
        missing.append(("X-Request-Id", b""))
    return fields + missing


def _named_by_connection(headers: tuple[tuple[str, str], ...]) -> frozenset[str]:
    named = (value for name, value in headers if name.lower() == "connection")
    return frozenset(option.strip().lower() for value in named for option in value.split(","))


def _checked(text: str, allowed: re.Pattern[bytes], *, what: str) -> bytes:
    try:
        raw = text.encode("latin-1")
    except UnicodeEncodeError:
        raw = text.encode("utf-8", "surrogateescape")
    if allowed.fullmatch(raw) is None:
        raise UnsendableError(f"its {what} {text!r} cannot stand in an HTTP/1.1 message")
    return raw
