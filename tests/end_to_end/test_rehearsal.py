"""`sparring run` with real processes: right verdicts, and every death a clear one, with nothing left
running."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from recording.journal import HEAD_BYTES
from sparring.processes import accepts, group_lives, wait_until
from tests.end_to_end.rehearsing import CRITERIA, Bench

pytestmark = pytest.mark.slow


def nothing_is_left(bench: Bench) -> bool:
    """No port of a target answers any more."""
    return not any(accepts(("127.0.0.1", port)) for port in bench.ports.values())


def clean(done: subprocess.CompletedProcess[str]) -> bool:
    """No traceback reached the user."""
    return "Traceback" not in done.stderr + done.stdout


def rows(folder: Path, kind: str) -> list[dict[str, object]]:
    return [
        row for path in sorted((folder / kind).glob("*.parquet")) for row in pq.read_table(path).to_pylist()
    ]


def test_an_equal_candidate_passes_and_every_row_is_there(bench: Bench) -> None:
    """Verdict, report, manifest; one row per request and target; identities hold; ports are free."""
    done = bench.sparring(
        "run", bench.write(candidate=bench.target("candidate", "--wrong", "0.05")), "--out", bench.out
    )
    assert done.returncode == 0, done.stderr
    assert bench.verdict()["verdict"] == "PASS"
    exchanges = rows(bench.out, "exchanges")
    assert sorted((r["request_id"], r["target"]) for r in exchanges) == sorted(
        (f"n{number}", target) for number in range(400) for target in ("baseline", "candidate")
    )
    assert all(r["label"] == str(int(str(r["request_id"])[1:]) % 2) for r in exchanges)
    assert len(rows(bench.out, "client")) == len(rows(bench.out, "requests")) == 400
    assert not list((bench.out / "journal").rglob("*.seg"))
    assert (bench.out / "report.html").stat().st_size > 10_000
    assert "PASS" in done.stdout
    assert nothing_is_left(bench)
    candidate = bench.manifest()["accounting"]["targets"]["candidate"]
    assert candidate["sent"] == candidate["mirrored"] == candidate["endings"]["ok"] == 400


def test_a_worse_candidate_fails_with_the_reason(bench: Bench) -> None:
    """Exit code 3, and the sentence names the criterion."""
    done = bench.sparring(
        "run", bench.write(candidate=bench.target("candidate", "--wrong", "0.4")), "--out", bench.out
    )
    assert done.returncode == 3, done.stderr
    assert bench.verdict()["verdict"] == "FAIL"
    assert "less accurate" in done.stdout


def test_judging_again_from_files_gives_the_same_verdict(bench: Bench) -> None:
    """Bit for bit, but for nothing."""
    bench.sparring(
        "run", bench.write(candidate=bench.target("candidate", "--wrong", "0.1")), "--out", bench.out
    )
    first = (bench.out / "verdict.json").read_bytes()
    bench.sparring("judge", bench.out)
    assert (bench.out / "verdict.json").read_bytes() == first


def test_a_candidate_that_never_gets_ready_is_invalid_with_its_last_words(bench: Bench) -> None:
    """The message has the log's end; nothing stays running."""
    done = bench.sparring(
        "run", bench.write(candidate=bench.target("candidate", "--refuse")), "--out", bench.out
    )
    assert done.returncode == 5, done.stderr
    assert bench.verdict()["verdict"] == "INVALID"
    assert "the model file is corrupt" in done.stderr
    assert "candidate" in " ".join(bench.verdict()["reasons"])
    assert clean(done)
    assert nothing_is_left(bench)


def test_a_candidate_that_dies_in_the_middle_is_invalid_with_the_moment(bench: Bench) -> None:
    """What was recorded until then is kept."""
    target = bench.target("candidate", "--die-after", "150")
    done = bench.sparring("run", bench.write(candidate=target, count=4000), "--out", bench.out)
    assert done.returncode == 5, done.stderr
    (event,) = bench.manifest()["events"]
    assert (event["kind"], event["target"]) == ("target_died", "candidate")
    assert event["at_ns"] > 0
    assert any("candidate" in reason and " s" in reason for reason in bench.verdict()["reasons"])
    assert sum(row["outcome"] == "ok" for row in rows(bench.out, "exchanges")) >= 150
    assert nothing_is_left(bench)


@pytest.fixture
def under_way(bench: Bench) -> Iterator[subprocess.Popen[str]]:
    """A run of an equal candidate whose traffic flows and whose first rows are journalled."""
    path = bench.write(candidate=bench.target("candidate", "--wrong", "0.05"), count=20_000)
    run = bench.start("run", path, "--out", bench.out, "--no-progress")
    assert run.stderr is not None
    try:
        assert any("traffic starts" in line for line in run.stderr)
        assert wait_until(lambda: _some_rows_are_journalled(bench.out), timeout_s=30)
        yield run
    finally:
        run.kill()
        run.communicate(timeout=60)


@pytest.mark.parametrize("victim", ["proxy", "recorder", "engine"])
def test_the_death_of_any_process_of_ours_is_never_a_pass(
    bench: Bench, under_way: subprocess.Popen[str], victim: str
) -> None:
    """Killed with SIGKILL while traffic runs: INVALID, nothing left, no answer that a client saw lost."""
    os.kill(_pid_of(str(bench.out / "logs" / f"{victim}.json")), signal.SIGKILL)
    under_way.communicate(timeout=60)
    assert under_way.returncode == 5
    assert bench.verdict()["verdict"] == "INVALID"
    assert bench.manifest()["events"]
    answered = {row["request_id"] for row in rows(bench.out, "client") if row["outcome"] == "ok"}
    recorded = {row["request_id"] for row in rows(bench.out, "exchanges") if row["target"] == "baseline"}
    assert answered
    assert answered <= recorded
    assert nothing_is_left(bench)


def _pid_of(argument: str) -> int:
    """The process that was started with this configuration file."""
    found = [
        int(path.name)
        for path in Path("/proc").iterdir()
        if path.name.isdigit() and argument.encode() in _command_line(path).split(b"\0")
    ]
    return found[0]


def _command_line(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


def _some_rows_are_journalled(folder: Path) -> bool:
    return all(
        any(map(_holds_records, (folder / "journal").glob(f"{kind}-*/*.seg")))
        for kind in ("exchanges", "client")
    )


def _holds_records(segment: Path) -> bool:
    """Segments are preallocated: what counts is whether anything stands behind the head."""
    with segment.open("rb") as file:
        file.seek(HEAD_BYTES)
        return any(file.read(64))


def test_an_interrupted_run_is_no_pass_and_keeps_its_rows(
    bench: Bench, under_way: subprocess.Popen[str]
) -> None:
    """Exit code 130; a verdict of HOLD at best."""
    under_way.send_signal(signal.SIGINT)
    under_way.communicate(timeout=60)
    assert under_way.returncode == 130
    assert bench.verdict()["verdict"] in {"HOLD", "INVALID", "FAIL"}
    assert nothing_is_left(bench)


def test_a_killed_supervisor_leaves_nothing_running_and_its_rows_are_recovered(
    bench: Bench, under_way: subprocess.Popen[str]
) -> None:
    """SIGKILL of the supervisor: the guardian ends the rest; judging recovers the journals."""
    under_way.kill()
    under_way.communicate(timeout=30)
    assert wait_until(lambda: nothing_is_left(bench), timeout_s=30)
    assert wait_until(lambda: not group_lives(under_way.pid), timeout_s=30)
    again = bench.sparring("judge", bench.out)
    assert clean(again), again.stderr
    assert rows(bench.out, "exchanges")
    assert not list((bench.out / "journal").rglob("*.seg"))


def test_labels_that_never_join_are_invalid_with_the_fix(bench: Bench) -> None:
    """Accuracy cannot be judged, and says so instead of passing."""
    path = bench.write(candidate=bench.target("candidate", "--wrong", "0.05"), labelled=False)
    done = bench.sparring("run", path, "--out", bench.out)
    assert done.returncode == 5
    assert any("label" in reason for reason in bench.verdict()["reasons"])


def test_json_output_is_json_alone(bench: Bench) -> None:
    """For machines: the verdict on standard output, nothing on standard error."""
    done = bench.sparring(
        "run", bench.write(candidate=bench.target("candidate")), "--out", bench.out, "--json"
    )
    assert json.loads(done.stdout)["verdict"] == "PASS"
    assert done.stderr == ""


def test_faults_touch_both_arms_of_the_same_requests(bench: Bench) -> None:
    """The same requests, the same fault; windows and counts are in the run's files."""
    scenario = {
        "version": 1,
        "name": "no-x",
        "faults": [
            {"id": "drop-x", "type": "missing", "target": "both", "probability": 0.3,
             "window": {"from": 0, "to": "10m"}, "params": {"path": "$.x", "how": "drop_key"}},
        ],
    }  # fmt: skip
    (bench.folder / "scenario.json").write_text(json.dumps(scenario))
    path = bench.write(candidate=bench.target("candidate"), scenario="scenario.json", criteria=CRITERIA)
    done = bench.sparring("run", path, "--out", bench.out)
    assert done.returncode in {0, 4}, done.stderr
    touched: dict[object, set[object]] = {}
    for row in rows(bench.out, "exchanges"):
        if row["faults"]:
            touched.setdefault(row["target"], set()).add(row["request_id"])
            assert row["outcome"] == "http_error"
    assert touched["baseline"] == touched["candidate"]
    assert 60 <= len(touched["baseline"]) <= 180
    (window,) = pq.read_table(bench.out / "faults.parquet").to_pylist()
    assert window["fault_id"] == "drop-x"
    assert window["injected"] == 2 * len(touched["baseline"])
