"""Profiles as one line of text: `ramp 10/s to 200/s over 5m, then constant 200/s for 30s`.

Knows the grammar; refuses to know any single shape, which brings its own form (`shapes/__init__.py`).
Called by whatever reads a profile from a command line or a file. `str(profile)` writes the same notation,
and reading that back gives an equal profile. The grammar, spaces and case aside:

    profile   = shape { ", then" shape }        a new line does for ", then"; "#" starts a comment line
    shape     = "pause for" duration
              | "constant" rate "for" duration
              | "ramp" rate "to" rate "over" duration
              | "recorded" [ "at" speed ]
    rate      = number "/" ( "s" | "min" | "m" | "h" | "d" )
    duration  = number unit { number unit }     unit = "ms" | "s" | "m" | "h" | "d"
    speed     = number "x"
"""

import difflib
import re
from collections.abc import Callable, Mapping

from loadprofiles.profile import Nanoseconds, Profile, ProfileError
from loadprofiles.quantities import duration, rate, speed
from loadprofiles.shapes import FORMS, Form
from loadprofiles.shapes.sequence import Sequence

_QUANTITIES: Mapping[str, Callable[[str], float]] = {"RATE": rate, "DURATION": duration, "SPEED": speed}
_COMMENT = re.compile(r"^\s*#.*$", re.MULTILINE)
_LINE_END = re.compile(r"(?:,(?:\s*then)?)?\s*\n\s*(?:then\b)?")
_THEN = re.compile(r",\s*then\b")


def parse_profile(text: str, *, offsets_ns: Nanoseconds | None = None) -> Profile:
    """The profile that `text` describes; `offsets_ns` are the trace's arrivals, needed for `recorded`.

    >>> parse_profile("constant 120/min for 1m30s")
    Constant(rate=2.0, duration_s=90.0)
    """
    bare = _COMMENT.sub("", text.lower()).strip()
    if not bare:
        raise ProfileError(f"an empty profile: write one of {_known()}")
    pieces = _THEN.split(_LINE_END.sub(", then ", bare))
    shapes = tuple(_shape(piece.split(), offsets_ns=offsets_ns) for piece in pieces)
    return shapes[0] if len(shapes) == 1 else Sequence(parts=shapes)


def _shape(words: list[str], *, offsets_ns: Nanoseconds | None) -> Profile:
    name = words[0] if words else ""
    forms = FORMS.get(name)
    if forms is None:
        raise ProfileError(f"{name!r} is not a load shape: {_nearest(name)}write one of {_known()}")
    form = _form_of_length(forms, length=len(words), written=" ".join(words))
    numbers = [_QUANTITIES[slot](word) for slot, word in _slots(form, words=words)]
    return form.make(numbers, offsets_ns)


def _form_of_length(forms: tuple[Form, ...], *, length: int, written: str) -> Form:
    for form in forms:
        if len(form.words.split()) == length:
            return form
    raise ProfileError(f"{written!r} does not read as {' or '.join(repr(form.words) for form in forms)}")


def _slots(form: Form, *, words: list[str]) -> list[tuple[str, str]]:
    """The words that stand where the form has a number, with the kind of number; all others must match."""
    slots = []
    for wanted, word in zip(form.words.split(), words, strict=True):
        if wanted in _QUANTITIES:
            slots.append((wanted, word))
        elif wanted != word:
            written = " ".join(words)
            raise ProfileError(f"{written!r} has {word!r} where {form.words!r} has {wanted!r}")
    return slots


def _nearest(name: str) -> str:
    close = difflib.get_close_matches(name, FORMS, n=1)
    return f"did you mean {close[0]!r}? " if close else ""


def _known() -> str:
    return ", ".join(repr(form.words) for forms in FORMS.values() for form in forms)
