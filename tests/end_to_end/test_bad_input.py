"""What a user can get wrong: one clear line, the right exit code, no traceback, nothing started or left
behind."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.rehearsing import CRITERIA, Bench, write_numbers


def refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Exit code 2 and one message that has all the words."""
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr, done.stderr


def test_a_typo_in_the_run_file_names_line_and_key(bench: Bench) -> None:
    """With the nearest known key."""
    path = bench.write(candidate=bench.target("candidate"))
    path.write_text(path.read_text().replace("speed:", "sped:"))
    refused(bench.in_process("run", path), "run.yaml:", "'traffic.sped'", "did you mean 'speed'")


def test_a_typo_in_the_criteria_is_found_before_anything_starts(bench: Bench) -> None:
    """Not after the traffic."""
    criteria = {**CRITERIA, "criteria": [{"id": "a", "metric": "accuracy", "margn": {"absolute": 0.1}}]}
    path = bench.write(candidate=bench.target("candidate"), criteria=criteria)
    refused(
        bench.in_process("run", path, "--out", bench.out), "criteria.yaml:", "margn", "did you mean 'margin'"
    )
    assert not bench.out.exists()


def test_a_port_in_use_is_named(bench: Bench) -> None:
    """Else the old server would answer for the new one."""
    path = bench.write(candidate=bench.target("candidate"))
    with socket.create_server(("127.0.0.1", bench.ports["candidate"])):
        refused(
            bench.in_process("run", path),
            f"port {bench.ports['candidate']}",
            "in use",
            "targets.candidate.url",
        )


def test_set_changes_a_value_and_refuses_a_misspelt_one(bench: Bench) -> None:
    """The same check as for the file."""
    path = bench.write(candidate=bench.target("candidate"))
    refused(bench.in_process("run", path, "--set", "traffic.sped=3"), "traffic.sped")
    refused(bench.in_process("run", path, "--set", "nonsense"), "a.b=c")


def test_a_full_folder_is_not_written_into(bench: Bench) -> None:
    """Another run's results stay."""
    bench.out.mkdir()
    (bench.out / "precious").write_text("x")
    refused(
        bench.in_process("run", bench.write(candidate=bench.target("candidate")), "--out", bench.out),
        "not empty",
    )


@pytest.mark.parametrize("content", [b"", b"hello", b"PAR1" + bytes(100)])
def test_a_foreign_trace_is_refused(bench: Bench, content: bytes) -> None:
    """By its name."""
    path = bench.write(candidate=bench.target("candidate"))
    (bench.folder / "trace.parquet").write_bytes(content)
    refused(bench.in_process("run", path, "--out", bench.out), "trace.parquet", "Parquet")
    refused(
        bench.in_process("replay", bench.folder / "trace.parquet", "--to", "http://127.0.0.1:1"),
        "trace.parquet",
    )


def test_commands_refuse_what_is_not_there(bench: Bench) -> None:
    """Files, folders, formats, schemas, options."""
    refused(bench.in_process("run", "none.yaml"), "none.yaml", "no such file")
    refused(bench.in_process("judge", "nowhere"), "nowhere")
    refused(bench.in_process("report", "nowhere"), "nowhere")
    refused(bench.in_process("import", "none.gor", "--out", "t.parquet"), "none.gor")
    refused(bench.in_process("schema", "nonsense"), "not one of", "criteria")
    refused(bench.in_process("proxy"), "--baseline")
    refused(bench.in_process("run", "--nonsense"), "--nonsense")
    (bench.folder / "empty").mkdir()
    (bench.folder / "empty" / "criteria.yaml").write_text(
        "version: 1\ncriteria: [{id: a, metric: error_rate, max: 0.1}]\n"
    )
    refused(bench.in_process("judge", "empty"), "exchanges")


def test_a_target_nobody_listens_on_is_named(bench: Bench) -> None:
    """The replay engine alone says so before it sends anything."""
    trace = write_numbers(bench.folder / "t.parquet", count=3)
    refused(bench.in_process("replay", trace, "--to", "http://127.0.0.1:9"), "127.0.0.1:9")


def test_every_schema_prints(bench: Bench) -> None:
    """JSON for people's files, columns for ours."""
    for name in ("run", "criteria", "scenario", "proxy", "trace", "exchanges"):
        done = bench.in_process("schema", name)
        assert (done.returncode, done.stdout[:1]) == (0, "{")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MiB, where this user may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip(f"mounting a small file system is not allowed here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.slow
def test_a_full_disk_never_costs_traffic_and_says_so(bench: Bench, small_disk: Path) -> None:
    """The run ends with a verdict that is no PASS, and a message that names the folder."""
    out = small_disk / "run"
    path = bench.write(candidate=bench.target("candidate"), count=4000)
    done = bench.sparring("run", path, "--out", out, "--set", "proxy.limits.journal_segment_bytes=16777216")
    assert done.returncode not in {0, 1}, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert "space" in done.stderr + done.stdout


def test_the_command_is_there_as_a_module() -> None:
    """`python -m sparring --version`."""
    done = subprocess.run(
        [sys.executable, "-m", "sparring", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("sparring ")
