"""Whatever the disk does, the writer goes on: records are dropped and counted, it says so once, and recovers
when it can."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from recording.journal import EXCHANGE, JournalWriter
from recording.journal_reader import JournalReader

SMALL = 4096
SECOND_NS = 1_000_000_000


class Clock:
    """Moves when told."""

    now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


@pytest.fixture
def clock() -> Clock:
    return Clock()


def payloads(directory: Path) -> list[bytes]:
    return [entry.payload for entry in JournalReader(directory).read()]


def refusing(error: int, *, times: int) -> Callable[..., None]:
    """A call to the system that fails so often, and then does nothing."""
    left = [times]

    def call(*_: object) -> None:
        left[0] -= 1
        if left[0] >= 0:
            raise OSError(error, os.strerror(error))

    return call


def test_a_folder_that_cannot_be_made_costs_records_only_until_it_can(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "record").write_text("a file is in the way")
    directory = tmp_path / "record" / "exchanges-0"
    writer = JournalWriter(directory, clock_ns=clock)
    assert not writer.append(EXCHANGE, b"lost")
    assert "Not a directory" in writer.take_trouble()
    (tmp_path / "record").unlink()
    assert not writer.append(EXCHANGE, b"too soon to look again")
    assert writer.take_trouble() == ""
    clock.now_ns += 2 * SECOND_NS
    assert writer.append(EXCHANGE, b"kept")
    assert (writer.trouble, writer.dropped_records) == ("", 2)
    assert "recording again; 2 records were dropped" in writer.take_trouble()
    writer.close()
    assert payloads(directory) == [b"kept"]


def test_a_disk_that_is_full_at_the_start_is_the_same(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "posix_fallocate", refusing(28, times=1 << 30))
        writer = JournalWriter(tmp_path, clock_ns=clock)
        for _ in range(3):
            assert not writer.append(EXCHANGE, b"lost")
            clock.now_ns += 2 * SECOND_NS
    assert "No space left" in writer.take_trouble()
    assert writer.take_trouble() == ""  # one trouble is said once, however often it is met
    writer.sync()
    assert list(tmp_path.glob("*.new")) == []
    assert writer.append(EXCHANGE, b"kept")
    writer.close()
    assert payloads(tmp_path) == [b"kept"]


def test_a_writer_without_a_folder_can_be_closed(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    writer = JournalWriter(tmp_path / "file" / "journal")
    writer.rotate()
    writer.sync()
    writer.close()
    assert writer.trouble


def test_a_failed_flush_is_counted_and_the_next_record_begins_a_new_segment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = JournalWriter(tmp_path, segment_bytes=SMALL)
    writer.append(EXCHANGE, b"before")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", refusing(5, times=1))
        writer.sync()
    assert (writer.sync_failures, "Input/output error" in writer.take_trouble()) == (1, True)
    assert writer.append(EXCHANGE, b"after")
    assert len(list(tmp_path.glob("*.seg"))) == 2
    writer.close()
    assert (writer.sync_failures, payloads(tmp_path)) == (1, [b"before", b"after"])


def test_a_sealed_segment_that_cannot_be_flushed_does_not_keep_the_next_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = JournalWriter(tmp_path, segment_bytes=SMALL)
    for number in range(3):
        writer.append(EXCHANGE, b"%d" % number)
        writer.rotate()
    with monkeypatch.context() as patch:
        patch.setattr(os, "ftruncate", refusing(5, times=2))
        writer.sync()
    assert (writer.sync_failures, len(writer._retired)) == (2, 0)
    writer.close()
    assert payloads(tmp_path) == [b"0", b"1", b"2"]


def test_a_folder_that_is_removed_is_made_again(tmp_path: Path, clock: Clock) -> None:
    directory = tmp_path / "journal"
    writer = JournalWriter(directory, segment_bytes=SMALL, clock_ns=clock)
    writer.append(EXCHANGE, b"gone with the folder")
    shutil.rmtree(directory)
    writer.sync()
    assert "removed" in writer.take_trouble()
    assert writer.append(EXCHANGE, b"kept")
    assert JournalReader(directory).is_written()
    writer.close()
    assert payloads(directory) == [b"kept"]


def test_who_takes_the_folder_meanwhile_keeps_it(tmp_path: Path, clock: Clock) -> None:
    """A writer that comes back to its folder and finds another there drops its records."""
    directory = tmp_path / "journal"
    late = JournalWriter(directory, segment_bytes=SMALL, clock_ns=clock)
    shutil.rmtree(directory)
    other = JournalWriter(directory, segment_bytes=SMALL)
    late.sync()
    fates = [late.append(EXCHANGE, bytes(1000)) for _ in range(8)]
    assert not any(fates)
    assert "another process writes" in late.trouble
    other.append(EXCHANGE, b"other")
    late.close()
    other.close()
    assert payloads(directory) == [b"other"]
