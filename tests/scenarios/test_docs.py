"""The page on scenarios: what it shows works."""

import random
import re
from pathlib import Path

import pytest

from recording.documents import load_text
from scenarios.fault import Fault, Send
from scenarios.library import ALIASES, FAULTS
from scenarios.scenario import Scenario

PAGE = Path(__file__).parents[2] / "docs" / "scenarios.md"


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text("utf-8")


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)


def test_the_scenario_is_read(page: str) -> None:
    [text] = blocks(page, "yaml")
    assert len(load_text(text, Scenario, source="docs").faults) == 2


def test_the_fault_of_the_how_to_does_what_it_says(page: str) -> None:
    [source] = blocks(page, "python")
    names: dict[str, type[Fault]] = {}
    exec(compile(source, str(PAGE), "exec"), names)
    fault = names["EmptyBody"].model_validate({})
    assert fault.apply(Send(body=b"x", delay_ns=3), random.Random(0)) == Send(body=b"", delay_ns=3)
    assert fault.apply(Send(body=b""), random.Random(0)) is None


def test_every_fault_and_alias_is_described(page: str) -> None:
    for name in [*FAULTS, *ALIASES]:
        assert f"`{name}`" in page
    for member in FAULTS.values():
        for key, field in member.model_fields.items():
            assert f"`{field.alias or key}" in page
