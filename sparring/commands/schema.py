"""`sparring schema NAME`: the JSON Schema of a file that people write, or the columns of one of ours."""

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import pyarrow as pa

    from recording.documents import Model

Json = dict[str, Any]  # Any: JSON


class Name(StrEnum):
    """What has a schema."""

    RUN = "run"
    CRITERIA = "criteria"
    SCENARIO = "scenario"
    PROXY = "proxy"
    REPLAY = "replay"
    TRACE = "trace"
    EXCHANGES = "exchanges"
    REFUSED = "refused"
    RESOURCES = "resources"
    FAULTS = "faults"


def schema(name: Annotated[Name, typer.Argument()]) -> int:
    """Print the schema of a file format: JSON Schema, or the columns of a Parquet file."""
    documents, files = _documents(), _files()
    found = _json_schema(documents[name]) if name in documents else _columns(files[name])
    print(json.dumps(found, indent=2, ensure_ascii=False))
    return 0


def _documents() -> "dict[Name, type[Model]]":
    from judge.criteria import Criteria
    from replay.config import ReplayConfig
    from scenarios.scenario import Scenario
    from sparring.proxy_file import ProxyFile
    from sparring.run_config import RunConfig

    return {
        Name.RUN: RunConfig,
        Name.CRITERIA: Criteria,
        Name.SCENARIO: Scenario,
        Name.PROXY: ProxyFile,
        Name.REPLAY: ReplayConfig,
    }


def _files() -> "dict[Name, pa.Schema]":
    from recording.schema import (
        EXCHANGE_SCHEMA,
        FAULTS_SCHEMA,
        REFUSED_SCHEMA,
        RESOURCES_SCHEMA,
        TRACE_SCHEMA,
    )

    return {
        Name.TRACE: TRACE_SCHEMA,
        Name.EXCHANGES: EXCHANGE_SCHEMA,
        Name.REFUSED: REFUSED_SCHEMA,
        Name.RESOURCES: RESOURCES_SCHEMA,
        Name.FAULTS: FAULTS_SCHEMA,
    }


def _json_schema(model: "type[Model]") -> Json:
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **model.model_json_schema()}


def _columns(schema: "pa.Schema") -> Json:
    from recording.schema import FORMAT_VERSION

    columns = [{"name": f.name, "type": str(f.type), "nullable": f.nullable} for f in schema]
    return {"format_version": FORMAT_VERSION, "columns": columns}
