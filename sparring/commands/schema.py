"""`sparring schema NAME`: the JSON Schema of a file that a person writes, or the columns of one that we
write."""

import json
from collections.abc import Callable
from typing import Annotated, Any

import pyarrow as pa
import typer

from judge.criteria import Criteria
from recording.documents import Model
from recording.errors import InputError
from recording.schema import EXCHANGE_SCHEMA, FAULTS_SCHEMA, FORMAT_VERSION, RESOURCES_SCHEMA, TRACE_SCHEMA
from replay.config import ReplayConfig
from scenarios.scenario import Scenario
from shadow_proxy.config import ProxyConfig
from sparring.run_config import RunConfig

Json = dict[str, Any]  # Any: JSON


def _document(model: type[Model]) -> Callable[[], Json]:
    return lambda: {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema()}


def _columns(schema: pa.Schema) -> Callable[[], Json]:
    def describe() -> Json:
        columns = [{"name": f.name, "type": str(f.type), "nullable": f.nullable} for f in schema]
        return {"format_version": FORMAT_VERSION, "columns": columns}

    return describe


SCHEMAS: dict[str, Callable[[], Json]] = {
    "run": _document(RunConfig),
    "criteria": _document(Criteria),
    "scenario": _document(Scenario),
    "proxy": _document(ProxyConfig),
    "replay": _document(ReplayConfig),
    "trace": _columns(TRACE_SCHEMA),
    "exchanges": _columns(EXCHANGE_SCHEMA),
    "resources": _columns(RESOURCES_SCHEMA),
    "faults": _columns(FAULTS_SCHEMA),
}


def schema(
    name: Annotated[str, typer.Argument(metavar="NAME", help=", ".join(SCHEMAS))],
) -> int:
    """Print the schema of a file format."""
    if name not in SCHEMAS:
        raise InputError(f"no schema {name!r}", place="NAME", fix=f"one of {', '.join(SCHEMAS)}")
    print(json.dumps(SCHEMAS[name](), indent=2, ensure_ascii=False))
    return 0
