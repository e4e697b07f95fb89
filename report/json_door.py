"""The door through which JSON files come in: read, checked to be an object, made printable, picked from.

Knows how to read a field of a document that another program wrote without trusting its type; refuses to know
what the fields mean. A field that is missing or of another type is absent, never a guess.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from recording.errors import InputError
from report.safe_text import printable_json

Json = Mapping[str, object]


def read_object(path: Path, *, fix: str) -> Json:
    """The JSON object in `path`; `InputError` names the file and `fix`, what to do about it."""
    try:
        document = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise InputError("no such file", place=str(path), fix=fix) from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", place=str(path)) from None
    except ValueError as error:
        raise InputError(f"is not JSON: {printable_json(str(error))}", place=str(path), fix=fix) from None
    document = printable_json(document)
    if not isinstance(document, dict):
        raise InputError("is not a JSON object", place=str(path), fix=fix)
    return document


def text(source: Json, key: str, *, default: str = "") -> str:
    """A text, or a number as text."""
    value = source.get(key)
    return default if value is None or isinstance(value, dict | list) else str(value)


def number(source: Json, key: str) -> float | None:
    """A finite number; None for anything else, true and false among it."""
    value = source.get(key)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def whole(source: Json, key: str) -> int | None:
    """A whole number, exactly."""
    value = source.get(key)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def inner(source: Json, key: str) -> Json:
    """An object inside; an empty one if there is none."""
    value = source.get(key)
    return value if isinstance(value, dict) else {}


def texts(source: Json, key: str) -> tuple[str, ...]:
    """A list of texts."""
    value = source.get(key)
    return tuple(str(item) for item in value) if isinstance(value, list) else ()


def objects(source: Json, key: str) -> tuple[Json, ...]:
    """A list of objects; anything else in the list is left out."""
    value = source.get(key)
    return tuple(item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()


def flattened(source: object, *, prefix: str = "") -> tuple[tuple[str, str], ...]:
    """Every leaf with its dotted name, in the document's order.

    >>> flattened({"machine": {"cpus": 2}, "notes": ["a", "b"]})
    (('machine.cpus', '2'), ('notes', 'a, b'))
    """
    if isinstance(source, dict):
        return tuple(
            pair
            for key, value in source.items()
            for pair in flattened(value, prefix=f"{prefix}.{key}" if prefix else str(key))
        )
    return ((prefix, _leaf(source)),)


def _leaf(value: object) -> str:
    if isinstance(value, list) and not any(isinstance(item, dict | list) for item in value):
        return ", ".join(map(_leaf, value))
    if value is None or isinstance(value, bool | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
