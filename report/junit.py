"""The verdict as JUnit XML, so that a build server shows one test case a criterion.

Knows the format's elements; refuses to judge. FAIL is a failure, INVALID an error, HOLD and INFO are skipped
with the sentence as their message; a HOLD or INVALID of the whole run that no criterion carries becomes a
case of its own, so that a file without a failure always means a verdict that is not one.
"""

from pathlib import Path
from xml.etree import ElementTree as ET

from recording.run_folder import RunFolder
from report.verdict_file import Result, VerdictFacts, read_verdict

_ELEMENTS = {"FAIL": "failure", "INVALID": "error", "HOLD": "skipped", "INFO": "skipped"}
_COUNTED = {"failure": "failures", "error": "errors", "skipped": "skipped"}


def as_junit(folder: Path) -> str:
    """The verdict of the run in `folder`."""
    return render(read_verdict(RunFolder(folder).verdict))


def render(verdict: VerdictFacts) -> str:
    """The same from a verdict."""
    suite = ET.Element("testsuite", name="sparring")
    for result in verdict.results:
        _case(
            suite,
            _name(result),
            class_name=f"sparring.{result.role}",
            status=result.status,
            message=result.sentence,
        )
    _case(suite, "verdict", class_name="sparring", status=verdict.verdict, message="; ".join(verdict.reasons))
    suite.set("tests", str(len(suite)))
    for element, counted in _COUNTED.items():
        suite.set(counted, str(len(suite.findall(f"testcase/{element}"))))
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False)


def _name(result: Result) -> str:
    return f"{result.name} against {result.against}" if result.against else result.name


def _case(suite: ET.Element, name: str, *, class_name: str, status: str, message: str) -> None:
    case = ET.SubElement(suite, "testcase", name=name, classname=class_name)
    element = _ELEMENTS.get(status, "" if status == "PASS" else "error")
    if element:
        ET.SubElement(case, element, message=message or status, type=status)
