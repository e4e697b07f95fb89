"""Sums that do not come out even are shown with both sides."""

import json
from pathlib import Path

from report.facts import gather
from report.identities import identities_of


def _change(folder: Path, **accounting: object) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    path.write_text(json.dumps(manifest | {"accounting": manifest["accounting"] | accounting}))


def test_a_whole_run_adds_up(untouched_run: Path) -> None:
    found = identities_of(gather(untouched_run))
    assert len(found) == 10
    assert all(identity.holds for identity in found)
    assert found[0].sentence == "300 requests = 300 sent"


def test_a_lost_row_shows(run_folder: Path) -> None:
    (run_folder / "exchanges/exchanges-1-000001.parquet").unlink()
    broken = [identity for identity in identities_of(gather(run_folder)) if not identity.holds]
    assert {identity.about for identity in broken} == {"stable", "smaller", "stable-b"}
    assert broken[0].sentence == "300 requests ≠ 150 rows in exchanges/*.parquet"


def test_a_lost_answer_shows(run_folder: Path) -> None:
    endings = {"ok": 7, "timeout": 2}
    _change(run_folder, targets={"stable": {"sent": 10, "in_flight": 0, "endings": endings, "dropped": {}}})
    sentences = [one.sentence for one in identities_of(gather(run_folder)) if not one.holds]
    assert "10 sent ≠ 7 ok + 2 timeout" in sentences


def test_without_accounting_there_is_nothing_to_compare(bare_folder: Path) -> None:
    assert identities_of(gather(bare_folder)) == ()


def test_accounting_of_another_shape_is_no_reason_to_fail(run_folder: Path) -> None:
    _change(run_folder, requests="many", targets=[1, 2])
    assert identities_of(gather(run_folder)) == ()
