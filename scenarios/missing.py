"""A feature that does not arrive: its key is gone, it is null, or a sentinel stands in its place.

Knows paths into JSON payloads. Refuses to touch what is not JSON in UTF-8, compressed bodies among them, and
to invent a feature that is not there: both are "not applicable". After jenga's MissingValues and tab_err's
MissingValue. Found through `library.py`; called by `Timeline`.

A path into an object drops the key. A path into an array (`$.inputs[0].data[0][2]`) drops the element, and
the later ones move up: a tensor then no longer has the shape it states, which is a fault of its own; `null`
and `sentinel` keep the shape. `[*]` at the end empties the array.
"""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import Literal

from pydantic import Field, JsonValue, field_validator, model_validator

from scenarios.fault import Fault, Send
from scenarios.json_path import Step, parse_path
from scenarios.json_spans import Edit, Holder, as_json_text, edited, find, removals, replacements


class Missing(Fault):
    """`path` names the feature in every row it should vanish from; `value` is the sentinel."""

    path: str = Field(description="where the feature sits, as $.instances[*].income")
    how: Literal["drop_key", "null", "sentinel"] = "drop_key"
    value: JsonValue = Field(default=None, description="what stands there instead, with how: sentinel")

    @field_validator("path")
    @classmethod
    def _is_a_path(cls, path: str) -> str:
        parse_path(path)
        return path

    @model_validator(mode="after")
    def _value_belongs_to_sentinel(self) -> "Missing":
        if (self.how == "sentinel") != (self.value is not None):
            raise ValueError("`value` goes with `how: sentinel`, and only with it (for null: `how: null`)")
        return self

    @cached_property
    def _steps(self) -> tuple[Step, ...]:
        return parse_path(self.path)

    @cached_property
    def _instead(self) -> str:
        return json.dumps(self.value)

    def apply(self, send: Send, chance: random.Random) -> Send | None:  # noqa: ARG002  # nothing here is drawn
        text = as_json_text(send.body)
        holders = [] if text is None else find(text, self._steps)
        if text is None or not holders:
            return None
        edits = [edit for holder in holders for edit in _EDITS[self.how](holder, self._instead)]
        return replace(send, body=edited(text, edits).encode())


def _drop(holder: Holder, _instead: str) -> Iterator[Edit]:
    return removals(holder)


_EDITS: dict[str, Callable[[Holder, str], Iterator[Edit]]] = {
    "drop_key": _drop,
    "null": replacements,
    "sentinel": replacements,
}
