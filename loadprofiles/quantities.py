"""Numbers with units, as people write them: `50/s`, `90/min`, `5m`, `1h30m`, `250ms`, `10x`.

Knows how a rate, a duration and a speed are written and read; refuses to know what they are for. Read by
`notation.py`, written by the shapes. What is written is read back as exactly the same number.
"""

import re

from loadprofiles.profile import ProfileError

_NUMBER = r"\d+(?:\.\d+)?(?:e[+-]?\d+)?"
_PER_S = {"s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}
_SECONDS = {"ms": 1e-3, "s": 1.0, "sec": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86_400.0}

_RATE = re.compile(rf"({_NUMBER})/({'|'.join(_PER_S)})")
_PIECE = re.compile(rf"({_NUMBER})({'|'.join(sorted(_SECONDS, key=len, reverse=True))})")
_SPEED = re.compile(rf"({_NUMBER})x")


def rate(text: str) -> float:
    """Arrivals per second.

    >>> rate("90/min")
    1.5
    """
    match = _RATE.fullmatch(text)
    if match is None:
        raise ProfileError(f"{text!r} is not a rate: write it as 50/s, 90/min or 0.5/h")
    return float(match[1]) / _PER_S[match[2]]


def duration(text: str) -> float:
    """Seconds.

    >>> duration("1m30s")
    90.0
    """
    pieces = list(_PIECE.finditer(text))
    if not pieces or "".join(piece[0] for piece in pieces) != text:
        raise ProfileError(f"{text!r} is not a duration: write it as 30s, 5m, 1h30m or 250ms")
    return sum(float(piece[1]) * _SECONDS[piece[2]] for piece in pieces)


def speed(text: str) -> float:
    """A factor on time.

    >>> speed("10x")
    10.0
    """
    match = _SPEED.fullmatch(text)
    if match is None:
        raise ProfileError(f"{text!r} is not a speed: write it as 10x or 0.5x")
    return float(match[1])


def number_text(value: float) -> str:
    """The shortest text that reads back as the same number."""
    return repr(float(value)).removesuffix(".0")


def rate_text(rate_per_s: float) -> str:
    """A rate as it is written."""
    return f"{number_text(rate_per_s)}/s"


def duration_text(duration_s: float) -> str:
    """A duration in the largest unit that divides it."""
    for unit in ("h", "m"):
        if duration_s and duration_s % _SECONDS[unit] == 0:
            return f"{number_text(duration_s / _SECONDS[unit])}{unit}"
    return f"{number_text(duration_s)}s"
