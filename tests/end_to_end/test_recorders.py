"""Two recorders at once on one folder, as when a supervisor is killed and started again: no row is harmed."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from recording.journal import EXCHANGE, JournalWriter
from recording.journal_codec import encode_exchange
from recording.run_folder import RunFolder, write_json
from sparring.processes import wait_until
from tests.end_to_end.soak_service import PATIENCE_S, ROOT, table, unread

ROWS = 60_000
PARTIAL = ".partial"


def write_journal(folder: RunFolder) -> None:
    """More than a recorder can convert in an instant, in one segment."""
    writer = JournalWriter(folder.journal / "exchanges-0")
    for number in range(ROWS):
        assert writer.append(
            EXCHANGE,
            encode_exchange(
                request_id=b"r%d" % number, target=b"baseline", role=b"baseline", due_ns=0, sent_ns=1,
                first_byte_ns=2, done_ns=3, outcome=b"ok", status=200, request_bytes=5, response_bytes=300,
                response_body=b"%300d" % number,
            ),
        )  # fmt: skip
    writer.close()


def start_recorder(folder: RunFolder) -> subprocess.Popen[bytes]:
    """It ends when all is converted."""
    config = folder.logs / "recorder.json"
    write_json(config, {"folder": str(folder.path), "stay": False})
    command = [sys.executable, "-m", "sparring.recorder", str(config)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)


def writes(process: subprocess.Popen[bytes]) -> set[str]:
    """The unfinished files that it has open."""
    try:
        opened = [str(path.readlink()) for path in Path(f"/proc/{process.pid}/fd").iterdir()]
    except FileNotFoundError:
        return set()  # it has ended, or has just closed one
    return {name for name in opened if name.endswith(PARTIAL)}


@pytest.mark.slow
def test_a_second_recorder_never_writes_what_the_first_is_writing(tmp_path: Path) -> None:
    """Whichever of them is killed then, every row is there once."""
    folder = RunFolder(tmp_path / "run").create()
    write_journal(folder)
    recorders = [start_recorder(folder)]
    try:
        first = recorders[0]
        assert wait_until(lambda: bool(writes(first)), timeout_s=PATIENCE_S)
        recorders.append(second := start_recorder(folder))
        clash = wait_until(
            lambda: first.poll() is not None or bool(writes(first) & writes(second)), timeout_s=PATIENCE_S
        )
        assert clash, "the first recorder has neither ended nor been disturbed"
        second.send_signal(signal.SIGSTOP)  # the worst moment to be killed, if they do clash
        assert first.wait(PATIENCE_S) == 0
        second.kill()
        second.wait()
        recorders.append(last := start_recorder(folder))
        assert last.wait(PATIENCE_S) == 0
    finally:
        for recorder in recorders:
            recorder.kill()
            recorder.wait()
    assert unread(folder.path) == []
    ids = table(folder.path, "exchanges", ["request_id"]).column("request_id").to_pylist()
    assert sorted(ids) == sorted(f"r{number}" for number in range(ROWS))
