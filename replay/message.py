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
from enum import Enum, auto
from functools import lru_cache

from wire.fields import HOP_BY_HOP

_WITH_LENGTH = frozenset({"POST", "PUT", "PATCH"})


class _Kind(Enum):
    PASS = auto()
    STOP = auto()
    ID = auto()
    LENGTH = auto()
    HOST = auto()


_KINDS = {
    "x-request-id": _Kind.ID,
    "content-length": _Kind.LENGTH,
    "host": _Kind.HOST,
    "x-sparring-due": _Kind.STOP,
}
_ONCE = frozenset({_Kind.ID, _Kind.LENGTH})

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
    start = (_checked(method, _TOKEN, what="method"), _checked(path, _PATH, what="path"))
    fields, place = _fields_to_send(tuple(headers), method=method, length=len(body), host=host)
    lines = [b"%b: %b\r\n" % field for field in fields]
    return Message(
        request_id=_checked(request_id, _PATH, what="id"),
        method=start[0],
        before=b"".join((b"%b %b HTTP/1.1\r\n" % start, *lines[:place], fields[place][0], b": ")),
        after=b"".join((b"\r\n", *lines[place + 1 :])),
        body=body,
    )


def _fields_to_send(
    headers: tuple[tuple[str, str], ...], *, method: str, length: int, host: HostField
) -> tuple[list[tuple[bytes, bytes]], int]:
    """All fields in order, and the place of the one that takes the id, whose value is left empty."""
    fields: list[tuple[bytes, bytes]] = []
    places: dict[_Kind, int] = {}
    left_out = _named_by_connection(headers)
    for name, value in headers:
        raw, kind, key = _field_name(name)
        if kind is _Kind.STOP or key in left_out or (kind in _ONCE and kind in places):
            continue
        places.setdefault(kind, len(fields))
        fields.append((raw, _value(kind, value, length=length, host=host)))
    if _Kind.LENGTH not in places and (length or method in _WITH_LENGTH):
        fields.append((b"Content-Length", b"%d" % length))
    if _Kind.ID not in places:
        places[_Kind.ID] = len(fields)
        fields.append((b"X-Request-Id", b""))
    if _Kind.HOST in places:
        return fields, places[_Kind.ID]
    return [(b"Host", host.authority), *fields], places[_Kind.ID] + 1


def _value(kind: _Kind, value: str, *, length: int, host: HostField) -> bytes:
    if kind is _Kind.LENGTH:
        return b"%d" % length
    if kind is _Kind.HOST and host.replace:
        return host.authority
    return _checked(value, _VALUE, what="field value")


@lru_cache(maxsize=4096)
def _field_name(name: str) -> tuple[bytes, _Kind, str]:
    """A name as bytes, what it means for the message, and in lower case; traces repeat few names."""
    key = name.lower()
    raw = _checked(name, _TOKEN, what="field name")
    return raw, _Kind.STOP if key.encode() in HOP_BY_HOP else _KINDS.get(key, _Kind.PASS), key


def _named_by_connection(headers: tuple[tuple[str, str], ...]) -> frozenset[str]:
    named = (value for name, value in headers if _field_name(name)[2] == "connection")
    return frozenset(option.strip().lower() for value in named for option in value.split(","))


def _checked(text: str, allowed: re.Pattern[bytes], *, what: str) -> bytes:
    try:
        raw = text.encode("latin-1")
    except UnicodeEncodeError:
        raw = text.encode("utf-8", "surrogateescape")
    if allowed.fullmatch(raw) is None:
        raise UnsendableError(f"its {what} {text!r} cannot stand in an HTTP/1.1 message")
    return raw
