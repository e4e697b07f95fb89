"""Runs made by hand and criteria from lines, for every test of the judge."""

from collections.abc import Callable
from pathlib import Path

import pytest

from judge.criteria import Criteria
from recording.documents import load_text
from tests.judge.made_run import MadeRun


@pytest.fixture
def made_run(tmp_path: Path) -> MadeRun:
    """An empty run in a folder of its own."""
    return MadeRun(tmp_path / "run")


@pytest.fixture
def new_run(tmp_path: Path) -> Callable[[str], MadeRun]:
    """Several runs, each by name."""
    return lambda name: MadeRun(tmp_path / name)


@pytest.fixture
def criteria() -> Callable[..., Criteria]:
    """Criteria from lines of YAML (each one criterion) and keys of the whole file."""

    def make(*lines: str, **keys: object) -> Criteria:
        head = "".join(f"{key}: {value}\n" for key, value in keys.items())
        body = "".join(f"  - {{{line}}}\n" for line in lines)
        return load_text(f"version: 1\n{head}criteria:\n{body}", Criteria, source="test")

    return make
