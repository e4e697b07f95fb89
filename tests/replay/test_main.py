"""The engine as a process: lines of JSON, signals, exit codes, and no traceback for what the user gave."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from recording.clock import RunClock
from recording.exchange import Request
from recording.journal_codec import decode_exchange
from recording.journal_reader import JournalReader
from recording.trace import TraceWriter
from replay.__main__ import main

SERVER = """
import asyncio, sys, uvloop
from replay.testing import RecordingTarget
async def serve():
    async with RecordingTarget() as target:
        print(target.url, flush=True)
        target.held = "held" in sys.argv
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
uvloop.run(serve())
"""
HOUR_NS = 3600_000_000_000


@contextmanager
def server(*arguments: str) -> Iterator[str]:
    """A recording target in a process of its own; its address."""
    command = [sys.executable, "-c", SERVER, *arguments]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()


def trace(folder: Path, *offsets_ns: int) -> Path:
    path = folder / "trace.parquet"
    with TraceWriter(path, origin="test") as writer:
        for number, at_ns in enumerate(offsets_ns):
            writer.append(Request(id=f"r{number}", at_ns=at_ns, method="GET", path="/", headers=()))
    return path


def config(folder: Path, **settings: Any) -> Path:  # Any: settings as a person writes them
    path = folder / "config.json"
    path.write_text(json.dumps({"trace": str(folder / "trace.parquet"), **settings}))
    return path


def run(path: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "replay", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_replay_prints_progress_and_then_its_figures(tmp_path: Path) -> None:
    trace(tmp_path, 0, 1_000_000, 2_000_000)
    with server() as url:
        ended = run(config(tmp_path, to=url, record=str(tmp_path), writer="client-0"))
    assert (ended.returncode, ended.stderr) == (0, "")
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    assert lines[0]["progress"]["total"] == 3
    assert lines[-1]["done"]["outcomes"] == {"ok": 3}
    poll = JournalReader(tmp_path / "journal" / "client-0").poll()
    assert poll is not None
    assert {decode_exchange(entry.payload).request_id for entry in poll.entries} == {"r0", "r1", "r2"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_replay_and_keeps_the_rows(tmp_path: Path, number: signal.Signals) -> None:
    trace(tmp_path, 0, HOUR_NS)
    with server("held") as url:
        path = config(tmp_path, to=url, record=str(tmp_path), stop_grace_s=0)
        command = [sys.executable, "-m", "replay", str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            while json.loads(process.stdout.readline())["progress"]["in_flight"] == 0:
                continue
            process.send_signal(number)
            last = process.stdout.read().splitlines()[-1]
    assert process.returncode == 0
    done = json.loads(last)["done"]
    assert (done["stopped_early"], done["outcomes"]) == (True, {"cancelled": 1})
    poll = JournalReader(tmp_path / "journal" / "exchanges-0").poll()
    assert poll is not None
    assert [decode_exchange(entry.payload).outcome for entry in poll.entries] == ["cancelled"]


def test_the_run_starts_when_the_supervisor_sets_the_origin(tmp_path: Path) -> None:
    """The clock's origin lies an hour ahead until the engine has said that it is ready."""
    trace(tmp_path, 0, 1000)
    now = RunClock.standalone()
    clock = RunClock.create(tmp_path / "clock", origin_ns=now.origin_ns + HOUR_NS)
    with server() as url:
        path = config(tmp_path, to=url, clock=str(tmp_path / "clock"), start_at_ns=0)
        command = [sys.executable, "-m", "replay", str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert "progress" in json.loads(process.stdout.readline())
            clock.set_origin(now.origin_ns + now.now_ns())
            last = process.stdout.read().splitlines()[-1]
    assert json.loads(last)["done"]["outcomes"] == {"ok": 2}


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"to": "http://127.0.0.1:9"}, "http://127.0.0.1:9: does not answer"),
        ({"to": "http://nowhere.invalid"}, "http://nowhere.invalid: does not answer"),
        ({"to": "nonsense"}, "is not of the form http://HOST[:PORT]"),
        ({"to": "http://127.0.0.1:9", "trace": "/no/such/trace"}, "/no/such/trace: no such file"),
        ({"to": "http://127.0.0.1:9", "trace": __file__}, "is not a whole Parquet file"),
        ({"to": "http://127.0.0.1:9", "profile": "up 3/s"}, "'up' is not a load shape"),
        ({"to": "http://127.0.0.1:9", "clock": "/no/clock"}, "/no/clock: is not a clock file"),
        ({"to": "http://127.0.0.1:9", "max_in_flight": 10**9}, "max_in_flight: 1000000000 requests"),
        ({"to": "http://127.0.0.1:9", "sped": 2}, "did you mean 'speed'"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], settings: dict[str, object], says: str
) -> None:
    trace(tmp_path, 0)
    assert main([str(config(tmp_path, **settings))]) == 2
    printed = capsys.readouterr()
    assert (printed.out, len(printed.err.splitlines())) == ("", 1)
    assert says in printed.err


def test_no_configuration_prints_the_usage() -> None:
    ended = subprocess.run([sys.executable, "-m", "replay"], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (2, "usage: python -m replay CONFIG.json\n")
