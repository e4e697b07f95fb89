"""The same facts for programs."""

import json
from pathlib import Path

from report.as_json import as_json


def test_facts_come_as_one_strict_object(untouched_run: Path) -> None:
    document = json.loads(as_json(untouched_run), parse_constant=_refuse)
    assert document["format_version"] == 1
    assert document["verdict"]["verdict"] == "HOLD"
    assert document["exchanges"]["targets"][0]["requests"] == 300
    assert all(identity["holds"] for identity in document["identities"])


def _refuse(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


def test_gaps_are_facts_too(bare_folder: Path) -> None:
    document = json.loads(as_json(bare_folder))
    assert document["timeline"] is None
    assert {gap["part"] for gap in document["missing"]} >= {"exchanges", "manifest"}
