"""Whatever was started is stopped whole, even if the one who started it was killed."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from recording.errors import InputError
from sparring.processes import accepts, group_lives, start, stop, wait_for_free_port, wait_until
from sparring.stage import Spoken, Stage

STUBBORN = (
    "import os, signal, socket, sys, time\n"
    "if os.fork() == 0:\n"
    "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "    server = socket.create_server(('127.0.0.1', int(sys.argv[1])))\n"
    "    time.sleep(600)\n"
    "time.sleep(600)\n"
)


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_children_of_children_end_too_and_the_port_is_free(tmp_path: Path, port: int) -> None:
    """A server whose child ignores SIGTERM and holds the port."""
    child = start("stubborn", [sys.executable, "-c", STUBBORN, str(port)], log=tmp_path / "log")
    assert wait_until(lambda: accepts(("127.0.0.1", port)), timeout_s=20)
    stop(child, grace_s=0.2)
    assert not group_lives(child.pid)
    assert wait_for_free_port(("127.0.0.1", port))


def test_a_command_that_does_not_exist_is_the_users_error(tmp_path: Path) -> None:
    """Named with the command and the fix."""
    with pytest.raises(InputError, match="cannot start 'no-such-program'"):
        start("x", ["no-such-program"], log=tmp_path / "log")


def test_leaving_the_stage_stops_everything(tmp_path: Path) -> None:
    """Also when it is left by an error."""
    stage = Stage(tmp_path)
    child = stage.start("sleeper", [sys.executable, "-c", "import time; time.sleep(600)"])
    with pytest.raises(InputError), stage:
        stage.start("nothing", ["no-such-program"])
    assert not group_lives(child.pid)


def test_the_guardian_ends_what_a_killed_supervisor_left(tmp_path: Path) -> None:
    """SIGKILL gives the supervisor no chance; its children end all the same."""
    program = (
        "import sys, time; from pathlib import Path; from sparring.stage import Stage\n"
        "stage = Stage(Path(sys.argv[1]))\n"
        "child = stage.start('sleeper', [sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        "print(child.pid, flush=True); time.sleep(600)\n"
    )
    supervisor = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert supervisor.stdout is not None
    group = int(supervisor.stdout.readline())
    assert group_lives(group)
    os.kill(supervisor.pid, signal.SIGKILL)
    supervisor.wait()
    supervisor.stdout.close()
    assert wait_until(lambda: not group_lives(group), timeout_s=20)


def test_json_lines_of_our_own_processes_are_heard(tmp_path: Path) -> None:
    """And the end of a silent one is noticed."""
    with Stage(tmp_path) as stage:
        talker = stage.start(
            "talker", [sys.executable, "-c", "print('noise'); print('{\"ready\": 1}')"], speaks=True
        )
        assert stage.spoken["talker"].wait_for("ready", child=talker, timeout_s=20) == {"ready": 1}
        silent = stage.start("silent", [sys.executable, "-c", "raise SystemExit(3)"], speaks=True)
        assert stage.spoken["silent"].wait_for("ready", child=silent, timeout_s=20) is None
        assert stage.ended()["silent"] == 3


def test_what_a_process_said_last_is_heard_after_its_end(tmp_path: Path) -> None:
    """Its output may still be in the pipe when its exit code is known already."""
    asked_to_finish = threading.Event()

    class Late(Spoken):
        def finish(self) -> None:
            asked_to_finish.set()
            super().finish()

    def output() -> Iterator[str]:
        assert asked_to_finish.wait(20)
        yield '{"ready": 1}\n'

    with Stage(tmp_path) as stage:
        ended = stage.start("ended", [sys.executable, "-c", "pass"])
        ended.process.wait(20)
        assert Late(output()).wait_for("ready", child=ended, timeout_s=20) == {"ready": 1}
