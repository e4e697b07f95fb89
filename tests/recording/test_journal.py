"""The journal's promises: what was appended is read back, an end is told apart from damage, trouble is
counted."""

import os
import signal
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recording.errors import DamageError, InputError
from recording.journal import (
    CRC,
    EXCHANGE,
    FRAME,
    FRAME_BYTES,
    HEAD_BYTES,
    REQUEST,
    SEGMENT_HEAD,
    JournalWriter,
    aligned,
    frame_checksum,
)
from recording.journal_reader import JournalReader

SMALL = 4096
large = st.integers(16 << 10, 40 << 10).map(lambda size: b"\x5a" * size)
payloads = st.lists(st.binary(max_size=3000) | large, max_size=40)
anywhere = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None
)


def segments(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.seg"))


@given(payloads=payloads, segment_bytes=st.sampled_from([SMALL, 1 << 16]))
@anywhere
def test_everything_appended_is_read_in_order(
    payloads: list[bytes], segment_bytes: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever the sizes, and over any number of segments."""
    directory = tmp_path_factory.mktemp("journal")
    writer = JournalWriter(directory, segment_bytes=segment_bytes)
    for payload in payloads:
        assert writer.append(EXCHANGE, payload)
    writer.close()
    reader = JournalReader(directory)
    assert [entry.payload for entry in reader.read()] == payloads
    assert reader.exhausted
    assert reader.losses.missing_records == reader.losses.damaged_bytes == 0


def test_a_live_journal_is_read_as_it_grows(tmp_path: Path) -> None:
    """A reader sees each record once, as soon as it is appended, and does not take the present end for the
    end."""
    writer = JournalWriter(tmp_path)
    reader = JournalReader(tmp_path)
    assert reader.poll() is None
    writer.append(REQUEST, b"one")
    assert [entry.payload for entry in reader.read()] == [b"one"]
    writer.append(EXCHANGE, b"two")
    poll = reader.poll()
    assert poll is not None
    assert ([entry.payload for entry in poll.entries], poll.ended) == ([b"two"], False)
    assert not reader.exhausted
    writer.close()
    assert reader.read() == []
    assert reader.exhausted


def test_kinds_and_sequence_numbers_come_back(tmp_path: Path) -> None:
    """A record's kind and its place in the writer's order are kept."""
    writer = JournalWriter(tmp_path)
    writer.append(REQUEST, b"a")
    writer.append(EXCHANGE, b"b")
    assert [(e.kind, e.sequence) for e in JournalReader(tmp_path).read()] == [(REQUEST, 0), (EXCHANGE, 1)]
    writer.close()


def test_a_killed_writer_loses_nothing(tmp_path: Path) -> None:
    """SIGKILL right after an append: the record is there, and the reader knows that nobody writes any
    more."""
    program = (
        "import os, signal, sys; from pathlib import Path\n"
        "from recording.journal import EXCHANGE, JournalWriter\n"
        "writer = JournalWriter(Path(sys.argv[1]))\n"
        "for number in range(500): writer.append(EXCHANGE, b'%d' % number)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    assert ended.returncode == -signal.SIGKILL
    reader = JournalReader(tmp_path)
    assert [entry.payload for entry in reader.read()] == [b"%d" % number for number in range(500)]
    assert reader.exhausted
    assert (reader.losses.unsealed_segments, reader.losses.damaged_bytes) == (1, 0)


@given(cut=st.integers(min_value=1, max_value=400))
@anywhere
def test_a_torn_tail_costs_only_the_records_it_tore(
    cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Records before the first damaged byte are read, and the damage is counted, not guessed at."""
    directory = tmp_path_factory.mktemp("journal")
    writer = JournalWriter(directory, segment_bytes=SMALL)
    for number in range(5):
        writer.append(EXCHANGE, b"%03d" % number * 30)
    os.close(writer._lock_fd)  # the writer dies without sealing
    frame = (FRAME_BYTES + 90 + 7) & ~7
    with segments(directory)[0].open("r+b") as file:
        end = HEAD_BYTES + 5 * frame
        file.seek(end - cut)
        file.write(bytes(cut))
    reader = JournalReader(directory)
    whole = sum(n * frame + FRAME_BYTES + 90 <= 5 * frame - cut for n in range(5))
    assert [entry.payload for entry in reader.read()] == [b"%03d" % n * 30 for n in range(whole)]
    assert reader.exhausted


@pytest.mark.parametrize("offset", [0, 5, 12, 22, 30, 100])
def test_one_damaged_record_does_not_cost_the_next(tmp_path: Path, offset: int) -> None:
    """A flipped byte anywhere in a frame: that record is missing and counted, the following ones are
    there."""
    writer = JournalWriter(tmp_path, segment_bytes=SMALL)
    for number in range(6):
        writer.append(EXCHANGE, b"%03d" % number * 30)
    writer.close()
    frame = (FRAME_BYTES + 90 + 7) & ~7
    path = segments(tmp_path)[0]
    damaged = bytearray(path.read_bytes())
    damaged[HEAD_BYTES + 2 * frame + offset] ^= 0x41
    path.write_bytes(damaged)
    reader = JournalReader(tmp_path)
    assert [entry.payload for entry in reader.read()] == [b"%03d" % n * 30 for n in (0, 1, 3, 4, 5)]
    assert reader.losses.missing_records == 1
    assert reader.losses.damaged_bytes == frame


def test_records_larger_than_a_segment_get_one_of_their_own(tmp_path: Path) -> None:
    """And larger than the reader's window, too."""
    writer = JournalWriter(tmp_path, segment_bytes=SMALL)
    big = os.urandom(3 << 20)
    for payload in (b"before", big, b"after"):
        assert writer.append(EXCHANGE, payload)
    writer.close()
    assert [entry.payload for entry in JournalReader(tmp_path).read()] == [b"before", big, b"after"]


def test_beyond_the_cap_records_are_dropped_and_counted_until_there_is_room(tmp_path: Path) -> None:
    """Serving goes on; once the recorder has taken segments away, recording goes on too."""
    now_ns = 0
    writer = JournalWriter(tmp_path, segment_bytes=SMALL, max_bytes=2 * SMALL, clock_ns=lambda: now_ns)
    fates = [writer.append(EXCHANGE, bytes(1000)) for _ in range(20)]
    assert fates.count(False) == writer.dropped_records > 0
    assert "cap" in writer.trouble
    for path in segments(tmp_path):
        path.unlink()
    assert not writer.append(EXCHANGE, b"too soon to look again")
    now_ns += 2_000_000_000
    assert writer.append(EXCHANGE, b"room again")
    writer.close()
    assert [entry.payload for entry in JournalReader(tmp_path).read()] == [b"room again"]


def test_a_second_writer_of_the_same_folder_is_refused(tmp_path: Path) -> None:
    """Two writers would interleave; the message names the folder and the way out."""
    writer = JournalWriter(tmp_path)
    with pytest.raises(InputError, match="another process writes"):
        JournalWriter(tmp_path)
    writer.close()


def test_a_new_writer_goes_on_after_a_dead_one(tmp_path: Path) -> None:
    """What the dead one left is read first."""
    dead = JournalWriter(tmp_path)
    dead.append(EXCHANGE, b"old")
    os.close(dead._lock_fd)
    writer = JournalWriter(tmp_path)
    writer.append(EXCHANGE, b"new")
    writer.close()
    assert [entry.payload for entry in JournalReader(tmp_path).read()] == [b"old", b"new"]


def test_rotation_ends_a_segment_only_if_it_holds_something(tmp_path: Path) -> None:
    """So that an idle proxy does not make a file a minute."""
    writer = JournalWriter(tmp_path)
    writer.rotate()
    assert len(segments(tmp_path)) == 1
    writer.append(EXCHANGE, b"x")
    writer.rotate()
    writer.sync()
    poll = JournalReader(tmp_path).poll()
    assert poll is not None
    assert poll.ended
    writer.close()


def test_a_foreign_file_is_refused_by_name(tmp_path: Path) -> None:
    """Not ours: named, not guessed at."""
    (tmp_path / "00-1.seg").write_bytes(b"something else" * 100)
    with pytest.raises(DamageError, match="not a journal segment"):
        JournalReader(tmp_path).poll()


def restamped(path: Path, version: int) -> None:
    """The segment as one of another format version, with a head and frames that check out."""
    raw = bytearray(path.read_bytes())
    raw[8:12] = version.to_bytes(4, "little")
    at = HEAD_BYTES
    while length := FRAME.unpack_from(raw, at + CRC.size)[0]:
        end = at + FRAME_BYTES + length
        CRC.pack_into(raw, at, frame_checksum(bytes(raw[at + CRC.size : end]), version=version))
        at = aligned(end)
        if at + FRAME_BYTES > len(raw):
            break
    raw[SEGMENT_HEAD.size : SEGMENT_HEAD.size + 4] = zlib.crc32(raw[: SEGMENT_HEAD.size]).to_bytes(
        4, "little"
    )
    path.write_bytes(raw)


def test_a_segment_of_the_first_version_is_read_and_of_a_later_one_refused(tmp_path: Path) -> None:
    """What an upgraded proxy finds on its disk is not lost."""
    writer = JournalWriter(tmp_path)
    writer.append(EXCHANGE, b"x")
    writer.close()
    restamped(segments(tmp_path)[0], 1)
    assert [entry.payload for entry in JournalReader(tmp_path).read()] == [b"x"]
    restamped(segments(tmp_path)[0], 3)
    with pytest.raises(DamageError, match="format version 3; this version reads 1 to 2"):
        JournalReader(tmp_path).poll()


def test_a_damaged_head_is_told_apart_from_a_foreign_file(tmp_path: Path) -> None:
    """It is refused all the same."""
    writer = JournalWriter(tmp_path)
    writer.append(EXCHANGE, b"x")
    writer.close()
    path = segments(tmp_path)[0]
    raw = bytearray(path.read_bytes())
    raw[8] = 9
    path.write_bytes(raw)
    with pytest.raises(DamageError, match="damaged head"):
        JournalReader(tmp_path).poll()


def test_a_killed_writers_spare_segment_is_dropped_and_a_live_ones_is_not(tmp_path: Path) -> None:
    """It is preallocated and empty; what was recorded stays."""
    writer = JournalWriter(tmp_path, segment_bytes=SMALL)
    while writer._segment is None or writer._segment.offset <= SMALL // 2:
        writer.append(EXCHANGE, bytes(500))
    writer.sync()
    reader = JournalReader(tmp_path)
    reader.drop_spares()
    assert len(list(tmp_path.glob("*.new"))) == 1
    os.close(writer._lock_fd)  # the writer dies
    reader.drop_spares()
    assert list(tmp_path.glob("*.new")) == []
    assert len(reader.read()) == writer.appended_records
