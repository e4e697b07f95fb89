"""A report says what is missing, in its place, and never guesses."""

import json
import shutil
from pathlib import Path

import pytest

from recording.errors import InputError
from report.facts import RunFacts, gather


def test_a_whole_run_misses_nothing(untouched_run: Path) -> None:
    facts = gather(untouched_run)
    assert facts.missing == ()
    assert [target.name for target in facts.exchanges.targets] == ["stable", "smaller", "stable-b"]
    assert [fault.id for fault in facts.faults] == ["slow-features", "no-tenure"]


def test_a_verdict_alone_is_reported_and_everything_else_is_named(bare_folder: Path) -> None:
    facts = gather(bare_folder)
    assert {gap.part for gap in facts.missing} == {
        "exchanges", "client", "resources", "faults", "manifest", "accounting",
    }  # fmt: skip
    assert facts.timeline is None
    assert facts.verdict.verdict == "HOLD"


def test_a_folder_without_verdict_is_refused(run_folder: Path) -> None:
    (run_folder / "verdict.json").unlink()
    with pytest.raises(InputError, match=r"verdict\.json: no such file .*sparring judge"):
        gather(run_folder)


@pytest.mark.parametrize(
    "name", ["exchanges/exchanges-0-000001.parquet", "resources.parquet", "faults.parquet"]
)
@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" + b"\0" * 200 + b"PAR1", "half"])
def test_a_damaged_file_is_a_gap_and_not_an_end(run_folder: Path, name: str, content: bytes | str) -> None:
    path = run_folder / name
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if isinstance(content, str) else content)
    (gap,) = gather(run_folder).missing
    assert gap.what == path.name
    assert "Parquet" in gap.why


def test_a_foreign_parquet_file_is_a_gap(run_folder: Path) -> None:
    shutil.copy(run_folder / "resources.parquet", run_folder / "faults.parquet")
    (gap,) = gather(run_folder).missing
    assert (gap.part, gap.why) == ("faults", "has no column 'fault_id'")


def test_a_damaged_manifest_is_a_gap(run_folder: Path) -> None:
    (run_folder / "manifest.json").write_text("{")
    parts = [gap.part for gap in gather(run_folder).missing]
    assert parts == ["manifest", "accounting"]


def test_a_run_without_scenario_does_not_lack_its_faults(run_folder: Path) -> None:
    (run_folder / "faults.parquet").unlink()
    assert [gap.part for gap in gather(run_folder).missing] == ["faults"]
    path = run_folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"scenario_digest": None}))
    assert gather(run_folder).missing == ()


def test_accounting_is_found_beside_the_manifest(run_folder: Path) -> None:
    (run_folder / "manifest.json").write_text("{}")
    (run_folder / "accounting.json").write_text(json.dumps({"requests": 3}))
    assert gather(run_folder).accounting == {"requests": 3}


@pytest.mark.parametrize("name", ["run [1]", "a*b?", "it's", 'quo"te', "ünï"])
def test_any_folder_name_will_do(run_folder: Path, name: str) -> None:
    renamed = run_folder.rename(run_folder.with_name(name))
    facts: RunFacts = gather(renamed)
    assert facts.missing == ()
    assert facts.exchanges.targets
