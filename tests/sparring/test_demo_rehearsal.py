"""The demo's folder: files as a user would write them, which every reader accepts."""

from pathlib import Path

import pytest

from judge.criteria import load_criteria
from loadprofiles.notation import parse_profile
from loadprofiles.profile import total
from recording.errors import InputError
from recording.trace import iter_requests, trace_facts
from scenarios.fault import Send
from scenarios.scenario import load_scenario
from scenarios.timeline import Timeline
from sparring.demo.models import load_model
from sparring.demo.rehearsal import CANDIDATES, build_demo, free_ports
from sparring.run_config import load_run


@pytest.fixture(scope="module", params=CANDIDATES)
def candidate(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def folder(candidate: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_demo(tmp_path_factory.mktemp("demo"), candidate=candidate, duration_s=10, seed=7).parent


def test_the_run_file_is_read_and_names_files_that_are_there(folder: Path, candidate: str) -> None:
    run, _ = load_run(folder / "run.yaml")
    models = {
        name: load_model(folder / (target.command or ())[-3]).name for name, target in run.targets.items()
    }
    assert models == {"baseline": "baseline", "candidate": candidate}
    assert run.scenario == folder / "scenario.yaml"
    load_criteria(run.criteria)


def test_the_trace_is_long_enough_for_the_profile_and_its_scatter(folder: Path) -> None:
    profile = parse_profile(load_run(folder / "run.yaml")[0].traffic.profile or "")
    assert profile.duration_s == pytest.approx(10)
    assert trace_facts(folder / "trace.parquet").requests > total(profile) * 1.05


def test_each_fault_of_the_scenario_strikes_both_arms_alike_in_the_middle_of_the_run(folder: Path) -> None:
    run = Timeline(load_scenario(folder / "scenario.yaml"), 7)
    assert 2 * 10**9 < run.opens_ns < run.closes_ns < 6 * 10**9
    for request in iter_requests(folder / "trace.parquet"):
        chosen = run.choose(request.id.encode(), run.opens_ns, method=b"POST", path=request.path.encode())
        send = Send(body=request.body)
        assert run.apply(chosen, "baseline", send) == run.apply(chosen, "candidate", send)
    for counts in run.counts.values():
        assert counts["injected"] == 2 * counts["selected"] > 0


def test_the_same_seed_makes_the_same_trace(folder: Path, tmp_path: Path) -> None:
    again = build_demo(tmp_path, candidate="same", duration_s=10, seed=7).parent
    assert trace_facts(again / "trace.parquet").digest == trace_facts(folder / "trace.parquet").digest
    other = build_demo(tmp_path, candidate="same", duration_s=10, seed=8).parent
    assert trace_facts(other / "trace.parquet").digest != trace_facts(folder / "trace.parquet").digest


@pytest.mark.parametrize(
    ("name", "duration_s", "place"), [("best", 10, "--candidate"), ("same", 0.5, "--duration")]
)
def test_what_no_demo_can_be_made_of_is_refused(
    tmp_path: Path, name: str, duration_s: float, place: str
) -> None:
    with pytest.raises(InputError, match=place):
        build_demo(tmp_path, candidate=name, duration_s=duration_s, seed=7)


def test_free_ports_are_different() -> None:
    assert len(set(free_ports(20))) == 20
