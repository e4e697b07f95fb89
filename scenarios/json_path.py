"""The paths that name a feature in a JSON payload: `$.instances[*].income`, `$.inputs[0].data[0][2]`.

Knows a small grammar: `$`, then any of `.name`, `['any name']`, `[3]`, `[*]`. Refuses filters, slices,
negative positions and `..`: what a fault strikes must be plain to a reader of the scenario. Called when a
scenario is read; `json_spans.py` finds the named values in a text.
"""

import re
from dataclasses import dataclass

_STEP = re.compile(
    r"""\.(?P<name>[^.\[\]'"*\s]+)|\['(?P<quoted>[^']+)'\]|\[(?P<index>\d{1,9})\]|\[(?P<any>\*)\]"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A step into an object, by name."""

    name: str

    def takes(self, step: "Key | Index") -> bool:
        """Whether a member reached by `step` is meant."""
        return self == step


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """A step into an array, by position; None means every element."""

    position: int | None

    def takes(self, step: "Key | Index") -> bool:
        """Whether an element reached by `step` is meant."""
        return self == step or (self.position is None and isinstance(step, Index))


Step = Key | Index


def parse_path(path: str) -> tuple[Step, ...]:
    """The steps of a path; `ValueError` shows the part that is not understood."""
    if not path.startswith("$") or path == "$":
        raise ValueError(f"{path!r} is not a path: it begins with $ and names something, as $.a[*].b")
    steps: list[Step] = []
    at = 1
    while at < len(path):
        found = _STEP.match(path, at)
        if found is None:
            rest = path[at:]
            raise ValueError(f"{path!r} is not a path from {rest!r} on: use .name, ['any name'], [3], [*]")
        steps.append(_step(found))
        at = found.end()
    return tuple(steps)


def _step(found: re.Match[str]) -> Step:
    name = found["name"] or found["quoted"]
    if name is not None:
        return Key(name=name)
    return Index(position=None if found["any"] else int(found["index"]))
