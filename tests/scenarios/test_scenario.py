"""The scenario file: what is read, and what an error says."""

from pathlib import Path

import pytest

from recording.errors import InputError
from scenarios.corrupt import Corrupt
from scenarios.library import ALIASES, FAULTS
from scenarios.missing import Missing
from scenarios.scenario import NEVER_NS, Scenario, load_scenario

TEXT = """\
version: 1
name: drill
seed: 5
faults:
  - id: no-income
    type: missing_values
    target: shadow-2
    match: {method: [post, PUT], path: "/v1/models/*:predict"}
    probability: 0.25
    window: {from: 30s, to: 1m30s}
    limits: {max_total: 10}
    params: {path: "$.instances[*].income", how: drop_key}
  - id: bits
    type: corrupt
    params:
      flip_bits: 2
  - id: slow
    type: delay
    params:
      lognormal:
        median: 80ms
        sigma: 0.9
"""


def load(folder: Path, text: str) -> Scenario:
    path = folder / "scenario.yaml"
    path.write_text(text)
    return load_scenario(path)


def refusal(folder: Path, old: str, new: str) -> str:
    assert TEXT.count(old) == 1
    with pytest.raises(InputError) as refused:
        load(folder, TEXT.replace(old, new))
    return str(refused.value)


def test_every_key_is_read(tmp_path: Path) -> None:
    first, second, third = load(tmp_path, TEXT).faults
    assert first.type == "missing"
    assert first.params == Missing(path="$.instances[*].income", how="drop_key")
    assert first.match.methods == {b"POST", b"PUT"}
    assert (first.window.from_ns, first.window.to_ns) == (30_000_000_000, 90_000_000_000)
    assert first.limits.max_total == 10
    assert first.strikes.covers("reference", "shadow-2")
    assert second.params == Corrupt.model_validate({"flip_bits": 2})
    assert (second.probability, second.window.to_ns, second.match.methods) == (1.0, NEVER_NS, frozenset())
    assert third.strikes.covers("baseline", "any")
    assert third.strikes.covers("candidate", "any")
    assert not third.strikes.covers("reference", "any")


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("how: drop_key", "hwo: drop_key", 12, "did you mean 'how'?"),
        ("type: corrupt", "type: corupt", 14, "unknown fault type 'corupt' (did you mean 'corrupt'?"),
        ("type: corrupt", "type: zzz", 14, "known: corrupt, delay, missing, nothing"),
        ("sigma: 0.9", "sgma: 0.9", 22, "did you mean 'sigma'?"),
        ("median: 80ms", "median: soon", 21, "write 30s"),
        ("from: 30s", "form: 30s", 10, "did you mean 'from'?"),
        ("from: 30s", "from: 2m", 10, "`to` must be later than `from`"),
        ("probability: 0.25", "probability: 25", 9, "less than or equal to 1"),
        ("id: bits", "id: no-income", 13, "taken by an earlier fault"),
        ("target: shadow-2", "taget: shadow-2", 7, "did you mean 'target'?"),
        ("flip_bits: 2", "flip_bits: 0", 16, "greater than or equal to 1"),
        ("flip_bits: 2", "{}", 15, "needs exactly one of"),
        ("$.instances", "instances", 12, "begins with $"),
        ("version: 1", "version: 2", 1, "1"),
        ("name: drill", "nam: drill", 2, "did you mean 'name'?"),
    ],
)
def test_an_error_names_the_line_and_what_would_do(
    tmp_path: Path, old: str, new: str, line: int, says: str
) -> None:
    message = refusal(tmp_path, old, new)
    assert f"scenario.yaml:{line}: " in message
    assert says in message


def test_a_fault_without_the_parameters_that_it_needs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"scenario.yaml:4: key 'faults.0.params.path' is missing"):
        load(tmp_path, "version: 1\nname: x\nfaults:\n  - {id: a, type: missing}\n")


def test_a_target_that_the_run_does_not_have_is_refused(tmp_path: Path) -> None:
    scenario = load(tmp_path, TEXT)
    scenario.check_targets(["baseline", "candidate", "shadow-2"], source="scenario.yaml")
    with pytest.raises(InputError, match=r"unknown target 'shadow-2' \(did you mean 'shadow-1'\?\)"):
        scenario.check_targets(["baseline", "candidate", "shadow-1"], source="scenario.yaml")


def test_aliases_lead_to_faults_and_hide_none() -> None:
    assert set(ALIASES.values()) <= set(FAULTS)
    assert not set(ALIASES) & set(FAULTS)


def test_the_schema_lists_the_parameters_of_every_fault() -> None:
    schema = str(Scenario.model_json_schema())
    for member in FAULTS.values():
        for name, field in member.model_fields.items():
            assert f"'{field.alias or name}'" in schema
