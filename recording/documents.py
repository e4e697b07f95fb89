"""Files that people write: YAML (or JSON) text in, a checked model out, or an error that names the line.

Knows YAML's node positions and pydantic's error locations and joins the two, so that a message can say
`criteria.yaml:7: unknown key 'margn' (did you mean 'margin'?)`. Refuses to know what any file means; each
package brings its own `Model`. Called by whatever reads criteria, scenarios, run files and proxy files.
"""

import difflib
from pathlib import Path
from typing import TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from recording.errors import InputError

M = TypeVar("M", bound="Model")
Location = tuple[int | str, ...]


class Model(BaseModel):
    """The base of every file that a person writes: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


def load_document(path: Path | str, model: type[M]) -> M:
    """Read a YAML or JSON file into `model`; `InputError` names the file, the line and the fix."""
    return load_text(read_text(Path(path)), model, source=str(path))


def read_text(source: Path) -> str:
    """The text of a file that a person wrote; `InputError` says why it cannot be had."""
    try:
        return source.read_text("utf-8")
    except FileNotFoundError:
        raise InputError("no such file", place=str(source), fix="check the path") from None
    except IsADirectoryError:
        raise InputError("is a folder, not a file", place=str(source), fix="name the file in it") from None
    except UnicodeDecodeError as error:
        raise InputError(
            f"is not UTF-8 text: {error.reason} at byte {error.start}",
            place=str(source),
            fix="save it as UTF-8",
        ) from None
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", place=str(source)) from None


def load_text(text: str, model: type[M], *, source: str) -> M:
    """The same from text; `source` names it in messages."""
    root = _compose(text, source=source)
    try:
        return model.model_validate(_construct(root, source=source))
    except ValidationError as invalid:
        problems = [_explain(error, root=root, model=model, source=source) for error in invalid.errors()]
        raise _together(problems) from None


def _compose(text: str, *, source: str) -> yaml.Node:
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InputError(
            f"is not valid YAML: {error.problem}",
            place=f"{source}:{line}",
            fix="check indentation, quotes and colons there",
        ) from None
    except yaml.YAMLError as error:
        raise InputError(f"is not valid YAML: {error}", place=source) from None
    if not isinstance(root, yaml.MappingNode):
        raise InputError(
            "must be a mapping of keys to values", place=f"{source}:1", fix="start with `version: 1`"
        )
    _refuse_duplicates(root, source=source)
    return root


def _construct(root: yaml.Node, *, source: str) -> object:
    try:
        return yaml.SafeLoader("").construct_document(root)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InputError(f"{error.problem}", place=f"{source}:{line}") from None


def _refuse_duplicates(node: yaml.Node, *, source: str) -> None:
    if isinstance(node, yaml.SequenceNode):
        for child in node.value:
            _refuse_duplicates(child, source=source)
    if isinstance(node, yaml.MappingNode):
        seen: dict[str, int] = {}
        for key, child in node.value:
            line = key.start_mark.line + 1
            if key.value in seen:
                raise InputError(
                    f"key {key.value!r} stands twice (first in line {seen[key.value]})",
                    place=f"{source}:{line}",
                    fix="keep one of the two",
                )
            seen[key.value] = line
            _refuse_duplicates(child, source=source)


def _explain(error: ErrorDetails, *, root: yaml.Node, model: type[Model], source: str) -> InputError:
    location = error["loc"]
    place = f"{source}:{_line(root, location)}"
    dotted = ".".join(map(str, location))
    if error["type"] == "extra_forbidden":
        return InputError(f"unknown key {dotted!r}", place=place, fix=_nearest(model, location))
    if error["type"] == "missing":
        return InputError(f"key {dotted!r} is missing", place=place, fix=f"add `{location[-1]}:` there")
    message = error["msg"].removeprefix("Value error, ")
    return InputError(f"{dotted}: {message}" if dotted else message, place=place)


def _together(problems: list[InputError]) -> InputError:
    if len(problems) == 1:
        return problems[0]
    first, *others = problems
    return InputError("; ".join([first.problem, *map(str, others)]), place=first.place, fix=first.fix)


def _line(root: yaml.Node, location: Location) -> int:
    """The 1-based line of the deepest part of `location` that the text holds."""
    node, line = root, root.start_mark.line
    for part in location:
        if isinstance(node, yaml.MappingNode):
            found = next(((k, v) for k, v in node.value if k.value == str(part)), None)
            if found is None:
                continue  # the tag of a union, which pydantic puts into the location
            line, node = found[0].start_mark.line, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line
    return line + 1


def _nearest(model: type[Model], location: Location) -> str:
    key = str(location[-1])
    known = _known_keys(model.model_json_schema(), location[:-1])
    close = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known here: {', '.join(sorted(known))}" if known else "remove it"


def _known_keys(schema: dict[str, object], location: Location) -> list[str]:
    """The keys that the JSON schema allows at `location`; every branch of a union counts."""
    definitions = schema.get("$defs", {})
    nodes = [schema]
    for part in location:
        nodes = [child for node in _resolved(nodes, definitions) for child in _children(node, part)] or nodes
    keys: set[str] = set()
    for node in _resolved(nodes, definitions):
        properties = node.get("properties")
        if isinstance(properties, dict):
            keys.update(properties)
    return sorted(keys)


def _children(node: dict[str, object], part: int | str) -> list[dict[str, object]]:
    properties = node.get("properties")
    inside = properties.get(part) if isinstance(properties, dict) else None
    candidates = [
        inside,
        node.get("items") if isinstance(part, int) else None,
        node.get("additionalProperties"),
    ]
    return [child for child in candidates if isinstance(child, dict)]


def _resolved(nodes: list[dict[str, object]], definitions: object) -> list[dict[str, object]]:
    flat: list[dict[str, object]] = []
    todo = list(nodes)
    while todo:
        node = todo.pop()
        flat.append(node)
        reference = node.get("$ref")
        if isinstance(reference, str) and isinstance(definitions, dict):
            todo.append(definitions[reference.rsplit("/", 1)[-1]])
        for key in ("anyOf", "oneOf", "allOf"):
            branches = node.get(key)
            todo.extend(branches if isinstance(branches, list) else [])
    return flat
