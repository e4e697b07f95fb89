"""What the documents name is there: files, commands, options, and the files that they show."""

import re
import shlex
from pathlib import Path

import pytest
import typer.main

from judge.criteria import Criteria
from recording.documents import load_text
from report.glossary import VERDICTS
from sparring.main import application
from sparring.run_config import RunConfig

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").glob("*.md")],
    key=lambda path: path.as_posix(),
)
README = (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_leads_to_a_file(page: Path) -> None:
    for link in re.findall(r"\]\(([^)#\s]+)", page.read_text("utf-8")):
        if not link.startswith(("http://", "https://")):
            assert (page.parent / link).exists(), f"{page.name} links to {link}"


def _commands(text: str) -> list[str]:
    return re.findall(r"^(?:\| )?`?(?:\.venv/bin/)?(sparring [^`|\n]+)", text, flags=re.MULTILINE)


@pytest.mark.parametrize("command", _commands(README))
def test_every_command_of_the_readme_is_understood(command: str) -> None:
    _, verb, *arguments = shlex.split(command)
    group = typer.main.get_command(application)
    known = getattr(group, "commands", {})
    assert verb in known
    known[verb].make_context(verb, arguments)


def test_the_readme_shows_commands() -> None:
    assert len(_commands(README)) >= 10


def test_the_criteria_of_the_readme_are_criteria() -> None:
    (shown,) = re.findall(r"```yaml\n# criteria\.yaml\n(.*?)```", README, flags=re.DOTALL)
    assert len(load_text(shown, Criteria, source="README.md").criteria) == 3


def test_the_run_file_of_the_readme_is_a_run_file() -> None:
    (shown,) = re.findall(r"```yaml\n# run\.yaml\n(.*?)```", README, flags=re.DOTALL)
    assert set(load_text(shown, RunConfig, source="README.md").targets) == {"baseline", "candidate"}


def test_the_verdict_of_the_readme_is_worded_as_a_verdict_is() -> None:
    assert f"PASS  {VERDICTS['PASS']}" in README
