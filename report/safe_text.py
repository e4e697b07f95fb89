"""Text that came from outside, made fit to print.

Knows which characters may not reach a terminal, a page or an XML file: control characters, lone surrogates
and the marks that turn the direction of reading. Refuses to know markup; each form of the report escapes for
itself. Called where JSON and Parquet come in, so that nothing further on has to think of it.
"""

import math
import re

_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def printable(text: str) -> str:
    """`text` with line ends as blanks and every other unprintable character replaced.

    >>> printable("a\\x1b[31mb\\n c")
    'a\ufffd[31mb  c'
    """
    return _UNPRINTABLE.sub(REPLACEMENT, text.replace("\r\n", " ").replace("\n", " ").replace("\t", " "))


def printable_json(value: object) -> object:
    """A JSON value with every text in it printable and every number that is not finite as None."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {printable(str(key)): printable_json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [printable_json(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
