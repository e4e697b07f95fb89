"""Where in a JSON text the values of a path stand, and how to cut them out or replace them in place.

Knows positions in text. Refuses to rebuild the text: an edit cuts or replaces one span, so that every other
byte (order of keys, spelling of numbers, spaces, escapes, repeated keys) stays as the client wrote it. Called
by the faults on features.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scenarios.json_path import Index, Key, Step

_BLANK = re.compile(r"[ \t\n\r]*")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A member of an object or an element of an array: `start` is where its key begins, or else its value."""

    step: Step
    start: int
    value: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """An object or array of which some children are meant: `hits` are their places in `children`."""

    children: tuple[Child, ...]
    hits: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """Put `text` in the place of what stands from `start` to `end`."""

    start: int
    end: int
    text: str


def as_json_text(body: bytes) -> str | None:
    """The text of a body that is JSON in UTF-8; None for any other (compressed ones among them)."""
    try:
        text = body.decode("utf-8")
        json.loads(text)
    except (ValueError, RecursionError):
        return None
    return text


def find(text: str, steps: Sequence[Step]) -> list[Holder]:
    """The holders of the values that `steps` name in `text`, which must be JSON; none if none is there."""
    places = [_after_blank(text, 0)]
    for step in steps[:-1]:
        places = [child.value for at in places for child in _children(text, at) if step.takes(child.step)]
    found = (_holder(tuple(_children(text, at)), steps[-1]) for at in places)
    return [holder for holder in found if holder.hits]


def first_value(text: str, steps: Sequence[Step]) -> Edit | None:
    """Where the first value that `steps` name stands, as the edit that would leave it as it is.

    Reads no further than to there, so what follows may be anything; None if nothing is there, or if what
    stands before is not JSON, or is nested too deeply to be read.
    """
    try:
        at = _after_blank(text, 0)
        end = at
        for step in steps:
            child = next((child for child in _children(text, at) if step.takes(child.step)), None)
            if child is None:
                return None
            at, end = child.value, child.end
    except (ValueError, IndexError, RecursionError):
        return None
    return Edit(start=at, end=end, text=text[at:end])


def replacements(holder: Holder, text: str) -> Iterator[Edit]:
    """The edits that put `text` in the place of each value that is meant."""
    for hit in holder.hits:
        child = holder.children[hit]
        yield Edit(start=child.value, end=child.end, text=text)


def removals(holder: Holder) -> Iterator[Edit]:
    """The edits that cut out each child that is meant, with one comma; what stays keeps its bytes."""
    leading = True
    for hit in holder.hits:
        leading = leading and holder.hits[: hit + 1] == tuple(range(hit + 1))
        child = holder.children[hit]
        if not leading:
            yield Edit(start=holder.children[hit - 1].end, end=child.end, text="")
        elif hit + 1 < len(holder.children):
            yield Edit(start=child.start, end=holder.children[hit + 1].start, text="")
        else:
            yield Edit(start=child.start, end=child.end, text="")


def edited(text: str, edits: Sequence[Edit]) -> str:
    """`text` after edits that do not overlap, in any order."""
    pieces: list[str] = []
    at = 0
    for edit in sorted(edits, key=lambda edit: edit.start):
        pieces += (text[at : edit.start], edit.text)
        at = edit.end
    return "".join([*pieces, text[at:]])


def _holder(children: tuple[Child, ...], step: Step) -> Holder:
    hits = tuple(position for position, child in enumerate(children) if step.takes(child.step))
    return Holder(children=children, hits=hits)


def _children(text: str, at: int) -> Iterator[Child]:
    """The children of the object or array that begins at `at`; none for any other value."""
    keyed = text[at] == "{"
    if not keyed and text[at] != "[":
        return
    start = _after_blank(text, at + 1)
    position = 0
    while text[start] not in "]}":
        step, value = _named(text, start) if keyed else (Index(position=position), start)
        end = _DECODER.raw_decode(text, value)[1]
        yield Child(step=step, start=start, value=value, end=end)
        start = _after_blank(text, end)
        start = _after_blank(text, start + 1) if text[start] == "," else start
        position += 1


def _named(text: str, start: int) -> tuple[Step, int]:
    name, end = _DECODER.raw_decode(text, start)
    colon = _after_blank(text, end)
    return Key(name=name), _after_blank(text, colon + 1)


def _after_blank(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at
