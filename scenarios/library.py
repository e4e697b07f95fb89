"""The faults there are: what may stand after `type:` in a scenario, and how its `params` are read.

Knows names and their members. A fault that is not in the table does not exist; `docs/scenarios.md` says how
to add one. Called when a scenario is read.
"""

import difflib
from collections.abc import Sequence
from typing import Annotated

from pydantic import GetJsonSchemaHandler, ValidationError
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, ErrorDetails, InitErrorDetails, PydanticCustomError

from scenarios.corrupt import Corrupt
from scenarios.delay import Delay
from scenarios.fault import Fault
from scenarios.missing import Missing
from scenarios.nothing import Nothing

FAULTS: dict[str, type[Fault]] = {
    "corrupt": Corrupt,
    "delay": Delay,
    "missing": Missing,
    "nothing": Nothing,
}

# What other tools call the same thing: Toxiproxy, Chaos Mesh, jenga, tab_err, Jepsen.
ALIASES: dict[str, str] = {
    "bitflip": "corrupt",
    "latency": "delay",
    "missing_value": "missing",
    "missing_values": "missing",
    "noop": "nothing",
}


def fault_name(written: str) -> str:
    """The table's name for a written one; `ValueError` names the nearest."""
    name = ALIASES.get(written, written)
    if name in FAULTS:
        return name
    raise ValueError(f"unknown fault type {written!r} ({_hint(written, [*FAULTS, *ALIASES])})")


def read_fault(name: str, params: object) -> Fault:
    """The fault of this name with `params` as written; `ValidationError` names the nearest parameter."""
    member = FAULTS[name]
    try:
        return member.model_validate(params)
    except ValidationError as invalid:
        explained = [_explained(error, name) for error in invalid.errors()]
        raise ValidationError.from_exception_data(name, explained) from None


class _AnyMember:
    """Lets the JSON Schema of a field of type `Fault` list the parameters of every member."""

    def __get_pydantic_json_schema__(self, _: CoreSchema, schema_of: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [schema_of(member.__pydantic_core_schema__) for member in FAULTS.values()]}


AnyFault = Annotated[Fault, _AnyMember()]


def _explained(error: ErrorDetails, name: str) -> InitErrorDetails:
    """The error as it was, but an unknown parameter with the nearest of this fault's own."""
    where, written = error["loc"], error["input"]
    if error["type"] != "extra_forbidden" or len(where) > 1:
        return InitErrorDetails(type=error["type"], loc=where, input=written, ctx=error.get("ctx", {}))
    known = [field.alias or key for key, field in FAULTS[name].model_fields.items()]
    message = f"unknown parameter of the fault {name!r} ({_hint(str(where[-1]), known)})"
    custom = PydanticCustomError("unknown_parameter", "{message}", {"message": message})
    return InitErrorDetails(type=custom, loc=where, input=written)


def _hint(written: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(written, known, n=1, cutoff=0.5)
    if close:
        return f"did you mean {close[0]!r}?"
    return f"known: {', '.join(known)}" if known else "it has none"
