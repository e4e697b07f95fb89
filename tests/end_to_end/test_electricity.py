"""A labelled stream on two real model servers: each kind of candidate gets the verdict it deserves.

Real processes throughout: `sparring run` starts two MLServers, the proxy, the recorder and the engine. Needs
the folder of real inputs and the model servers' environment, which `examples/electricity/environment.py`
makes (a minute or more the first time; it is kept).
"""

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.request import urlopen

import psutil
import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "electricity"
SPARRING = [sys.executable, "-m", "sparring"]
PASS, FAIL, HOLD, INVALID = 0, 3, 4, 5
RUN_TIMEOUT_S = 240.0
STEP_TIMEOUT_S = 90.0
POLL_S = 0.05

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.xdist_group("electricity")]

Found = TypeVar("Found")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsed:
    """What one `sparring run` left: exit code, what it said on the way, and its folder."""

    exit_code: int
    said: str
    folder: Path

    @property
    def verdict(self) -> dict[str, Any]:  # Any: JSON
        """verdict.json"""
        return dict(json.loads((self.folder / "verdict.json").read_text()))

    @property
    def events(self) -> list[dict[str, Any]]:  # Any: JSON
        """What went wrong during the run, from the manifest."""
        return list(json.loads((self.folder / "manifest.json").read_text())["events"])

    @property
    def results(self) -> dict[str, dict[str, Any]]:  # Any: JSON
        """Overall results by criterion."""
        return {row["id"]: row for row in self.verdict["results"] if row["slice"] is None}


@pytest.fixture(scope="module")
def example(shared_data: Path) -> Iterator[Path]:
    """The example, prepared. Its ports and its `work/` are fixed, so one test process uses it at a time."""
    with (EXAMPLE / ".tests.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = subprocess.run(
            [sys.executable, str(EXAMPLE / "environment.py")], capture_output=True, text=True, check=False
        )
        if made.returncode != 0:
            pytest.skip(f"the MLServer environment cannot be made here: {made.stderr.strip()[-300:]}")
        rows = shared_data / "drift" / "elec.csv"
        subprocess.run([sys.executable, str(EXAMPLE / "prepare.py"), str(rows)], check=True)
        yield EXAMPLE


def command(run_file: Path, *, out: Path, changes: tuple[str, ...] = ()) -> list[str]:
    """`sparring run` as a command line."""
    settings = [word for change in changes for word in ("--set", change)]
    return [*SPARRING, "run", str(run_file), "--out", str(out), *settings]


def rehearse(run_file: Path, *, out: Path, changes: tuple[str, ...] = ()) -> Rehearsed:
    """One run, to its end."""
    done = subprocess.run(
        command(run_file, out=out, changes=changes),
        capture_output=True, text=True, cwd=ROOT, timeout=RUN_TIMEOUT_S, check=False,
    )  # fmt: skip
    return Rehearsed(exit_code=done.returncode, said=done.stderr + done.stdout, folder=out)


def wait_for(look: Callable[[], Found | None], *, what: str) -> Found:
    """The first thing that `look` finds."""
    deadline = time.monotonic() + STEP_TIMEOUT_S
    while time.monotonic() < deadline:
        found = look()
        if found is not None:
            return found
        time.sleep(POLL_S)
    raise AssertionError(f"{what}: not within {STEP_TIMEOUT_S} s")


def recorder_address(log: Path) -> str | None:
    """Where the live numbers are, once the run has said so."""
    said = re.search(r"live numbers at (http://[\d.:]+)/metrics", log.read_text())
    return said.group(1) if said else None


def answered(recorder: str) -> int:
    """How many of the candidate's answers the recorder has seen."""
    with urlopen(f"{recorder}/live", timeout=STEP_TIMEOUT_S) as answer:
        targets = json.load(answer)["targets"]
    return sum(target["ok"] for target in targets if target["role"] == "candidate")


def server_of(run: subprocess.Popen[bytes], *, model: str) -> int | None:
    """The process group of the MLServer that serves `model` for this run."""
    for process in psutil.Process(run.pid).children(recursive=True):
        words = process.cmdline()
        if words and words[-1].endswith(f"servers/{model}"):
            return os.getpgid(process.pid)
    return None


OFFLINE_ACCURACY = """
import sys, joblib, numpy as np
rows = np.loadtxt(sys.argv[1], delimiter=",", skiprows=1)[18_000:20_500]
print(np.mean(joblib.load(sys.argv[2]).predict(rows[:, :6]) == rows[:, 6]))
"""


def offline_accuracy(model: str, *, shared_data: Path) -> float:
    """What the model scores on the replayed rows without any server or proxy."""
    python, rows = EXAMPLE / "work" / "env" / "bin" / "python", shared_data / "drift" / "elec.csv"
    pickled = EXAMPLE / "work" / "servers" / model / "model.joblib"
    said = subprocess.run(
        [str(python), "-c", OFFLINE_ACCURACY, str(rows), str(pickled)],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    return float(said)


def no_server_left() -> bool:
    """Whether no MLServer of the example is running."""
    lines = (" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"]))
    return not any("mlserver start work/servers/" in line for line in lines)


def test_a_better_candidate_passes(example: Path, tmp_path: Path) -> None:
    """It is right on more of the same requests, on real labels, and the verdict shows by how much."""
    run = rehearse(example / "run-better.yaml", out=tmp_path / "run")
    assert run.exit_code == PASS, run.said
    assert run.verdict["verdict"] == "PASS"
    accuracy = run.results["accuracy"]
    assert accuracy["candidate"] - accuracy["baseline"] >= 0.02
    assert accuracy["lower"] > 0
    assert no_server_left()


def test_an_equal_candidate_does_not_fail_and_no_row_is_lost(
    example: Path, shared_data: Path, tmp_path: Path
) -> None:
    """Every row becomes a labelled pair, and both accuracies are those that the models score offline."""
    run = rehearse(example / "run-equal.yaml", out=tmp_path / "run")
    assert run.exit_code in {PASS, HOLD}, run.said
    pairs = run.verdict["pairs"]
    assert pairs["total"] == pairs["complete"] == pairs["labelled"] == 2_500
    accuracy = run.results["accuracy"]
    assert accuracy["baseline"] == pytest.approx(offline_accuracy("baseline", shared_data=shared_data))
    assert accuracy["candidate"] == pytest.approx(offline_accuracy("equal", shared_data=shared_data))


def test_a_degraded_candidate_fails(example: Path, tmp_path: Path) -> None:
    """It answers quickly, with 200, and wrongly: only the labels can tell."""
    run = rehearse(example / "run-degraded.yaml", out=tmp_path / "run")
    assert run.exit_code == FAIL, run.said
    accuracy = run.results["accuracy"]
    assert accuracy["status"] == "FAIL"
    assert accuracy["baseline"] - accuracy["candidate"] >= 0.05
    assert run.results["errors"]["status"] == "PASS"


DEAD = {
    "its command exits": ("targets.candidate.command=['false']",),
    "nothing listens at its address": (
        "targets.candidate.command=null",
        "targets.candidate.url=http://127.0.0.1:9",
        "targets.candidate.ready.timeout_s=2",
    ),
}


@pytest.mark.parametrize("changes", DEAD.values(), ids=DEAD.keys())
def test_a_dead_candidate_is_no_measurement(example: Path, tmp_path: Path, changes: tuple[str, ...]) -> None:
    """Neither PASS nor FAIL: INVALID, and the reason names the candidate."""
    run = rehearse(example / "run-better.yaml", out=tmp_path / "run", changes=changes)
    assert run.exit_code == INVALID, run.said
    assert [event["kind"] for event in run.events] == ["target_not_ready"]
    assert any("candidate" in reason for reason in run.verdict["reasons"])
    assert no_server_left()


def test_a_candidate_killed_midway_makes_the_run_invalid_from_that_moment(
    example: Path, tmp_path: Path
) -> None:
    """The run ends at once, keeps what it had, and says when the candidate died."""
    out, log = tmp_path / "run", tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command(example / "run-better.yaml", out=out), stderr=output, stdout=output, cwd=ROOT
        )
    try:
        recorder = wait_for(lambda: recorder_address(log), what="traffic starts")
        wait_for(lambda: answered(recorder) > 300 or None, what="some hundred answers")
        os.killpg(wait_for(lambda: server_of(process, model="better"), what="the server"), signal.SIGKILL)
        exit_code = process.wait(timeout=STEP_TIMEOUT_S)
    finally:
        process.terminate()
        process.wait(timeout=STEP_TIMEOUT_S)
    run = Rehearsed(exit_code=exit_code, said=log.read_text(), folder=out)
    assert run.exit_code == INVALID, run.said
    death = next(event for event in run.events if event["kind"] == "target_died")
    assert death["target"] == "candidate"
    assert 0 < death["at_ns"] < 25e9
    moment = f"{death['at_ns'] / 1e9:.1f}"
    assert any("candidate" in reason and moment in reason for reason in run.verdict["reasons"]), run.verdict
    assert run.verdict["pairs"]["complete"] >= 300
    assert no_server_left()
