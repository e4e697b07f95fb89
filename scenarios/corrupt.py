"""A payload whose bytes were damaged on the way: bits flipped, cut short, junk appended, no longer UTF-8.

Knows bytes. Refuses to know what they mean, and never touches an empty body. The proxy states the new length,
so a cut payload is a whole message with a short body; a message that ends early is a fault of the connection.
After Jepsen's bitflip and truncate. Found through `library.py`; called by `Timeline`.
"""

import random
import re
from collections.abc import Callable
from dataclasses import replace

from pydantic import Field, model_validator

from scenarios.fault import Fault, Send

_JSON_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_NEVER_IN_UTF8 = (0xC0, 0xF5, 0xFF)
_LONGEST_ESCAPE = len(r"\u00e9")


class Corrupt(Fault):
    """Exactly one of the fields says what happens to the bytes."""

    flip_bits: int | None = Field(None, ge=1, le=65_536, description="so many different bits, anywhere")
    keep_fraction: float | None = Field(None, ge=0, lt=1, description="cut after this share of the bytes")
    keep_bytes: int | None = Field(None, ge=0, description="cut after so many bytes")
    append_bytes: int | None = Field(None, ge=1, le=1 << 20, description="so many bytes of junk at the end")
    invalid_utf8: int | None = Field(
        None,
        ge=1,
        le=65_536,
        description="so many bytes that UTF-8 never has, in JSON strings if there are any",
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> "Corrupt":
        if len(self._stated()) != 1:
            raise ValueError(f"needs exactly one of {', '.join(_DAMAGE)}")
        return self

    def _stated(self) -> list[tuple[str, float]]:
        return [(name, amount) for name in _DAMAGE if (amount := getattr(self, name)) is not None]

    def apply(self, send: Send, chance: random.Random) -> Send | None:
        if not send.body:
            return None
        [(name, amount)] = self._stated()
        body = _DAMAGE[name](send.body, amount, chance)
        return None if body == send.body else replace(send, body=body)


def _flip(body: bytes, bits: float, chance: random.Random) -> bytes:
    damaged = bytearray(body)
    size = 8 * len(body)
    for bit in chance.sample(range(size), min(int(bits), size)):
        damaged[bit >> 3] ^= 1 << (bit & 7)
    return bytes(damaged)


def _keep_fraction(body: bytes, fraction: float, _chance: random.Random) -> bytes:
    return body[: int(len(body) * fraction)]


def _keep_bytes(body: bytes, count: float, _chance: random.Random) -> bytes:
    return body[: int(count)]


def _append(body: bytes, count: float, chance: random.Random) -> bytes:
    return body + chance.randbytes(int(count))


def _invalid_utf8(body: bytes, count: float, chance: random.Random) -> bytes:
    damaged = bytearray(body)
    for at in sorted(_places(body, int(count), chance), reverse=True):
        damaged.insert(at, chance.choice(_NEVER_IN_UTF8))
    return bytes(damaged)


def _places(body: bytes, count: int, chance: random.Random) -> list[int]:
    """Where to insert: inside the strings of a JSON body, or anywhere in a body that has none."""
    strings = [found.span() for found in _JSON_STRING.finditer(body)]
    if not strings:
        return [chance.randint(0, len(body)) for _ in range(count)]
    return [_inside(body, chance.choice(strings), chance) for _ in range(count)]


def _inside(body: bytes, string: tuple[int, int], chance: random.Random) -> int:
    """A place between the quotes that leaves escapes whole: only the encoding is to be wrong."""
    start, end = string
    at = chance.randrange(start + 1, end)
    return start + 1 if b"\\" in body[max(start + 1, at - _LONGEST_ESCAPE) : at] else at


_DAMAGE: dict[str, Callable[[bytes, float, random.Random], bytes]] = {
    "flip_bits": _flip,
    "keep_fraction": _keep_fraction,
    "keep_bytes": _keep_bytes,
    "append_bytes": _append,
    "invalid_utf8": _invalid_utf8,
}
