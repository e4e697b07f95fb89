"""A real GoReplay capture, imported and replayed: every request arrives, byte for byte but for framing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from recording.importers.table import import_files
from recording.journal_codec import decode_exchange
from recording.journal_reader import JournalReader

EXAMPLE = Path(__file__).parents[2] / "examples" / "goreplay"
SEPARATOR = "\n🐵🙈🙉\n".encode()
REBUILT = {b"connection", b"content-length", b"transfer-encoding", b"x-request-id", b"upgrade"}
CAPTURED = 101

Fields = list[bytes]


def cut(raw: bytes) -> tuple[bytes, Fields, bytes]:
    """Request line, field lines that are not rebuilt, and body, without any HTTP parser."""
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    return first, [line for line in lines if line.split(b":")[0].lower() not in REBUILT], body


def captured(path: Path) -> dict[bytes, tuple[bytes, Fields, bytes]]:
    """Every request of a capture by its id."""
    records = [record for record in path.read_bytes().split(SEPARATOR) if record.strip()]
    heads = [record.partition(b"\n") for record in records]
    return {head.split()[1]: cut(raw) for head, _, raw in heads if head.startswith(b"1 ")}


def replayed(folder: Path, capture: Path, *, speed: float) -> list[bytes]:
    """Import and replay a capture with the example's server, which keeps what arrives; the raw requests."""
    import_files([capture], out=folder / "trace.parquet")
    kept = folder / "arrived.bin"
    server = [sys.executable, str(EXAMPLE / "target.py"), "0", str(kept)]
    with subprocess.Popen(server, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        config = {"to": process.stdout.readline().strip(), "speed": speed, "record": str(folder)}
        (folder / "config.json").write_text(json.dumps({"trace": str(folder / "trace.parquet"), **config}))
        engine = [sys.executable, "-m", "replay", str(folder / "config.json")]
        ended = subprocess.run(engine, capture_output=True, text=True, check=True)
        process.terminate()
        assert process.stdout.read() == f"{CAPTURED} requests arrived\n"
    assert json.loads(ended.stdout.splitlines()[-1])["done"]["outcomes"] == {"ok": CAPTURED}
    return kept.read_bytes().split(SEPARATOR)[:-1]


@pytest.fixture(scope="module")
def capture(shared_data: Path) -> Path:
    return shared_data / "goreplay" / "datadog_requests_0.gor"


@pytest.fixture(scope="module")
def fast(tmp_path_factory: pytest.TempPathFactory, capture: Path) -> tuple[Path, list[bytes]]:
    """One replay at a thousand times the speed: its folder, and what arrived."""
    folder = tmp_path_factory.mktemp("fast")
    return folder, replayed(folder, capture, speed=1000)


def test_every_captured_request_arrives_as_it_was(fast: tuple[Path, list[bytes]], capture: Path) -> None:
    assert_arrived_as_captured(fast[1], capture)


@pytest.mark.slow
def test_every_captured_request_arrives_as_it_was_at_ten_times_the_speed(
    tmp_path: Path, capture: Path
) -> None:
    assert_arrived_as_captured(replayed(tmp_path, capture, speed=10), capture)


def assert_arrived_as_captured(arrived: list[bytes], capture: Path) -> None:
    expected = captured(capture)
    assert len(arrived) == len(expected) == CAPTURED
    assert {id_of(raw): cut(raw) for raw in arrived} == expected
    for raw in arrived:
        assert stated_length(raw) == len(raw.partition(b"\r\n\r\n")[2])


def test_the_rows_tell_when_each_was_due_in_the_capture(
    fast: tuple[Path, list[bytes]], capture: Path
) -> None:
    poll = JournalReader(fast[0] / "journal" / "exchanges-0").poll()
    assert poll is not None
    rows = sorted((decode_exchange(entry.payload) for entry in poll.entries), key=lambda row: row.due_ns)
    offsets_ns = sorted(recorded_offsets(capture))
    assert [row.due_ns - rows[0].due_ns for row in rows] == [round(at_ns / 1000) for at_ns in offsets_ns]


def id_of(raw: bytes) -> bytes:
    return value_of(raw, b"x-request-id") or b""


def stated_length(raw: bytes) -> int:
    return int(value_of(raw, b"content-length") or b"0")


def value_of(raw: bytes, name: bytes) -> bytes | None:
    fields = (line.split(b": ", 1) for line in raw.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:])
    return next((field[1] for field in fields if field[0].lower() == name), None)


def recorded_offsets(capture: Path) -> list[int]:
    heads = (record.partition(b"\n")[0].split() for record in capture.read_bytes().split(SEPARATOR))
    at_ns = [int(head[2]) for head in heads if head and head[0] == b"1"]
    return [at - min(at_ns) for at in at_ns]
