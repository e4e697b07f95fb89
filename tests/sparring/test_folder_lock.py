"""One recorder a folder: the second waits and says so, and a dead one keeps nobody out."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from recording.run_folder import RunFolder, write_json
from sparring.processes import wait_until
from sparring.recorder.folder_lock import FolderLock

PATIENCE_S = 30.0


def test_a_folder_is_held_by_one_at_a_time(tmp_path: Path) -> None:
    first, second = FolderLock(tmp_path), FolderLock(tmp_path)
    assert first.take_nowait()
    assert first.take_nowait(), "asking again changes nothing"
    assert not second.take_nowait()
    first.release()
    assert second.take_nowait()
    second.release()


def test_the_lock_leaves_nothing_behind(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path)
    assert lock.take_nowait()
    lock.release()
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        FolderLock(tmp_path / "gone").take_nowait()


def recorder(folder: RunFolder) -> "subprocess.Popen[str]":
    config = folder.logs / "recorder.json"
    write_json(config, {"folder": str(folder.path), "stay": True})
    command = [sys.executable, "-m", "sparring.recorder", str(config)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_a_second_recorder_says_that_it_waits_and_goes_on_when_the_first_is_killed(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run").create()
    running = [recorder(folder)]
    try:
        first = running[0]
        assert first.stdout is not None
        assert "ready" in first.stdout.readline()
        running.append(second := recorder(folder))
        assert second.stderr is not None
        assert second.stdout is not None
        assert second.stderr.readline() == f"recorder: waits for another one in {folder.path}\n"
        os.kill(first.pid, signal.SIGKILL)
        assert "ready" in second.stdout.readline()
    finally:
        end(running)


@pytest.mark.slow
def test_a_recorder_that_waits_ends_when_it_is_told_to(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run").create()
    lock = FolderLock(folder.path)
    assert lock.take_nowait()
    running = [waiting := recorder(folder)]
    try:
        assert waiting.stderr is not None
        assert waiting.stderr.readline()
        waiting.terminate()
        assert wait_until(lambda: waiting.poll() is not None, timeout_s=PATIENCE_S)
        assert waiting.returncode == 0
    finally:
        end(running)
        lock.release()


def end(running: "list[subprocess.Popen[str]]") -> None:
    for process in running:
        process.kill()
        process.communicate()
