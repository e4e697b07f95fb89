"""Numbers in plain words: durations, shares, bytes, counts, each in one way everywhere.

Knows units and how many digits mean something; refuses to know what the numbers stand for. A number that is
not there is an en dash, never a zero.
"""

from collections.abc import Callable

ABSENT = "–"
MINUS = "\N{MINUS SIGN}"
_DURATIONS = ((1e9, "s"), (1e6, "ms"), (1e3, "µs"), (1.0, "ns"))
_BYTES = ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB"), (1, "B"))


def significant(value: float | None, *, digits: int = 3) -> str:
    """Three digits that mean something, no exponent for everyday sizes.

    >>> significant(0.0123456), significant(1234.5), significant(-2.0)
    ('0.0123', '1,234', '−2')
    """
    if value is None:
        return ABSENT
    if value == 0:
        return "0"
    size = abs(value)
    if not 1e-6 <= size < 1e15:
        return f"{value:.{digits - 1}e}".replace("-", MINUS)
    decimals = max(0, digits - 1 - _exponent(size))
    shown = f"{size:,.{decimals}f}"
    trimmed = shown.rstrip("0").rstrip(".") if "." in shown else shown
    return (MINUS if value < 0 else "") + trimmed


def _exponent(size: float) -> int:
    return int(f"{size:e}".partition("e")[2])


def count(value: int | None) -> str:
    """
    >>> count(1234567)
    '1,234,567'
    """
    return ABSENT if value is None else f"{value:,}".replace("-", MINUS)


def duration(ns: float | None) -> str:
    """
    >>> duration(12_345_678), duration(-850), duration(95e9), duration(None)
    ('12.3 ms', '−850 ns', '1 min 35 s', '–')
    """
    if ns is None:
        return ABSENT
    if ns == 0:
        return "0 s"
    if abs(ns) >= 90e9:
        return _long_duration(round(ns / 1e9))
    scale, unit = next((pair for pair in _DURATIONS if abs(ns) >= pair[0]), _DURATIONS[-1])
    return f"{significant(ns / scale)} {unit}"


def _long_duration(seconds: int) -> str:
    sign, seconds = (MINUS, -seconds) if seconds < 0 else ("", seconds)
    parts = (
        (seconds // 86400, "d"),
        (seconds // 3600 % 24, "h"),
        (seconds // 60 % 60, "min"),
        (seconds % 60, "s"),
    )
    shown = [f"{amount} {unit}" for amount, unit in parts if amount]
    return sign + " ".join(shown[:2])


def share(value: float | None) -> str:
    """
    >>> share(0.98765), share(1.0), share(0.0)
    ('98.8 %', '100 %', '0 %')
    """
    return ABSENT if value is None else f"{significant(value * 100)} %"


def of_whole(part: int, whole: int) -> str:
    """
    >>> of_whole(1, 8), of_whole(0, 0)
    ('12.5 %', '–')
    """
    return share(part / whole) if whole else ABSENT


def size(number_of_bytes: float | None) -> str:
    """
    >>> size(3_000_000), size(0)
    ('3 MB', '0 B')
    """
    if number_of_bytes is None:
        return ABSENT
    scale, unit = next((pair for pair in _BYTES if abs(number_of_bytes) >= pair[0]), _BYTES[-1])
    return f"{significant(number_of_bytes / scale)} {unit}"


def rate(per_s: float | None) -> str:
    """
    >>> rate(99.96)
    '100/s'
    """
    return ABSENT if per_s is None else f"{significant(per_s)}/s"


def to_decimals(value: float, decimals: int) -> str:
    """A fixed number of decimals, with a real minus sign and no minus nought.

    >>> to_decimals(-0.31, 1), to_decimals(-0.001, 1)
    ('−0.3', '0.0')
    """
    rounded = round(value, decimals) or 0.0
    return f"{rounded:,.{decimals}f}".replace("-", MINUS)


def signed(shown: str) -> str:
    """A plus sign before what is neither negative, nought nor absent.

    >>> signed("0.5 %"), signed("−1 %"), signed("0 %")
    ('+0.5 %', '−1 %', '0 %')
    """
    return f"+{shown}" if shown[:1].isdigit() and any(digit in shown for digit in "123456789") else shown


_UNITS: tuple[tuple[str, Callable[[float], str]], ...] = (
    ("_ns", duration),
    ("_us", lambda value: duration(value * 1e3)),
    ("_ms", lambda value: duration(value * 1e6)),
    ("_per_s", rate),
    ("_s", lambda value: duration(value * 1e9)),
    ("_bytes", size),
    ("share", share),
)


def by_name(name: str, value: object) -> tuple[str, str]:
    """A named value of a JSON file, with its unit taken from the name as our names carry it.

    >>> by_name("lag_p99_ns", 1_500_000), by_name("shed_share", 0.01), by_name("sent", 12000)
    (('lag p99', '1.5 ms'), ('shed share', '1 %'), ('sent', '12,000'))
    """
    ending, shown = next((pair for pair in _UNITS if name.endswith(pair[0])), ("", None))
    plain = name.removesuffix("" if ending == "share" else ending).replace("_", " ")
    if value is None:
        return plain, ABSENT
    if isinstance(value, bool):
        return plain, "yes" if value else "no"
    if not isinstance(value, int | float):
        return plain, str(value)
    if shown is not None:
        return plain, shown(value)
    return plain, count(value) if isinstance(value, int) else significant(value)
