"""A build server sees a case a criterion, and never a green file for a verdict that is not PASS."""

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from report.junit import as_junit, render
from report.verdict_file import verdict_from

Make = Callable[..., dict[str, object]]


def test_statuses_become_the_formats_own(untouched_run: Path) -> None:
    (suite,) = ET.fromstring(as_junit(untouched_run))
    assert suite.attrib == {"name": "sparring", "tests": "7", "failures": "1", "errors": "1", "skipped": "4"}
    kinds = {case.get("name"): [child.tag for child in case] for case in suite}
    assert kinds["accuracy against stable"] == []
    assert kinds["latency_budget against stable"] == ["skipped"]
    assert kinds["errors (faulted) against stable"] == ["failure"]
    assert kinds["unmeasured against stable"] == ["error"]


@pytest.mark.parametrize(
    ("verdict", "element"), [("PASS", None), ("FAIL", "failure"), ("HOLD", "skipped"), ("INVALID", "error")]
)
def test_the_verdict_is_a_case_of_its_own(judged: Make, verdict: str, element: str | None) -> None:
    (suite,) = ET.fromstring(render(verdict_from(judged(verdict=verdict, results=[]))))
    (case,) = suite
    assert [child.tag for child in case] == ([element] if element else [])


def test_an_unknown_status_is_an_error(judged: Make, one_result: Make) -> None:
    (suite,) = ET.fromstring(render(verdict_from(judged(results=[one_result(status="MAYBE")]))))
    assert suite.get("errors") == "1"


def test_any_text_makes_well_formed_xml(bare_folder: Path, judged: Make, one_result: Make) -> None:
    hostile = "\x00\x1b<&\"']]>\ud800\uffff"
    results = [one_result(id=hostile, sentence=hostile, against=hostile, status="FAIL")]
    (bare_folder / "verdict.json").write_text(json.dumps(judged(results=results, reasons=[hostile])))
    written = as_junit(bare_folder).encode("utf-8")
    assert ET.fromstring(written).tag == "testsuites"
