"""From journal to Parquet: every record once, labels joined, crashes repeatable, a full disk survivable."""

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from recording.errors import InputError
from recording.exchange import Request
from recording.journal import EXCHANGE, REFUSED, REQUEST, JournalWriter
from recording.journal_codec import encode_exchange, encode_refused, encode_request, join_faults
from recording.parquet import DurableParquet
from recording.run_folder import RunFolder, write_json
from recording.trace import TraceWriter, iter_requests
from sparring.predictions import PredictionReader, PredictionSource
from sparring.process_configs import config_file
from sparring.recorder.converter import Converter
from sparring.recorder.labels import Labels
from sparring.recorder.rows import RowMaker
from sparring.recorder.service import Recorder, RecorderConfig, convert
from sparring.recovery import recover_folder

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def exchange(
    number: int,
    *,
    target: str = "baseline",
    role: str = "baseline",
    outcome: bytes = b"ok",
    faults: tuple[str, ...] = (),
    head: bytes = HEAD,
    body: bytes = b'{"prediction": 1}',
    chunk_ns: tuple[int, ...] = (),
    body_bytes: int | None = None,
    digest: bytes = b"",
) -> bytes:
    return encode_exchange(
        request_id=b"r%d" % number,
        target=target.encode(),
        role=role.encode(),
        due_ns=10,
        sent_ns=20,
        first_byte_ns=30,
        done_ns=40,
        outcome=outcome,
        status=200,
        request_bytes=5,
        response_bytes=len(body) if body_bytes is None else body_bytes,
        response_head=head,
        response_body=body,
        faults=join_faults(faults),
        chunks=len(chunk_ns),
        chunk_ns=chunk_ns,
        digest=digest,
    )


def request(number: int, *, body_bytes: int = 4, digest: bytes = b"") -> bytes:
    return encode_request(
        request_id=b"r%d" % number,
        received_ns=15,
        due_ns=10,
        method=b"POST",
        path=b"/p",
        fields=b"Host: h\r\nX-A: b\r\n",
        body=b"body",
        body_bytes=body_bytes,
        digest=digest,
    )


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "run").create()


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    path = tmp_path / "trace.parquet"
    with TraceWriter(path, origin="test") as writer:
        for number in range(10):
            writer.append(
                Request(
                    id=f"r{number}",
                    at_ns=number,
                    method="POST",
                    path="/p",
                    label=str(number % 2),
                    slices={"parity": str(number % 2)},
                )
            )
    return path


@pytest.fixture
def journal(folder: RunFolder) -> Iterator[JournalWriter]:
    writer = JournalWriter(folder.journal / "exchanges-0", segment_bytes=1 << 16)
    yield writer
    if writer._segment is not None:
        writer.close()


def rows_of(folder: RunFolder, kind: str = "exchanges") -> list[dict[str, object]]:
    return [row for path in folder.exchange_files(kind) for row in pq.read_table(path).to_pylist()]


def maker(trace: Path | None) -> RowMaker:
    return RowMaker(labels=Labels(trace), predictions=PredictionReader(PredictionSource().paths()))


def converted(folder: RunFolder, trace: Path | None) -> Converter:
    converter = Converter(journal=folder.journal / "exchanges-0", folder=folder, rows=maker(trace))
    while not converter.exhausted:
        converter.step()
    return converter


def test_records_become_rows_with_labels_and_slices(
    folder: RunFolder, trace: Path, journal: JournalWriter
) -> None:
    """And the segments are gone only then."""
    journal.append(REQUEST, request(3))
    journal.append(EXCHANGE, exchange(3, faults=("f1", "f2")))
    journal.append(EXCHANGE, exchange(3, target="c", role="candidate", body=b'{"prediction":0}'))
    journal.close()
    converted(folder, trace)
    first, second = rows_of(folder)
    assert (first["request_id"], first["prediction"], first["label"], first["faults"]) == (
        "r3",
        "1",
        "1",
        ["f1", "f2"],
    )
    assert first["slices"] == [("parity", "1")]
    assert (second["target"], second["role"], second["prediction"]) == ("c", "candidate", "0")
    (seen,) = [r for path in folder.exchange_files("requests") for r in iter_requests(path)]
    assert (seen.id, seen.at_ns, seen.headers, seen.body) == (
        "r3",
        15,
        (("Host", "h"), ("X-A", "b")),
        b"body",
    )
    assert not list(folder.journal.rglob("*.seg"))


def test_a_body_that_was_cut_has_its_length_and_digest_in_its_row(
    folder: RunFolder, journal: JournalWriter
) -> None:
    """And one that was not has neither, so that who replays it can tell."""
    digest = bytes(range(32))
    journal.append(REQUEST, request(1))
    journal.append(REQUEST, request(2, body_bytes=9, digest=digest))
    journal.append(EXCHANGE, exchange(1))
    journal.append(EXCHANGE, exchange(2, body_bytes=1 << 33, digest=digest))
    journal.close()
    converted(folder, None)
    whole, cut = rows_of(folder, "requests")
    assert (whole["body_bytes"], whole["body_sha256"]) == (None, None)
    assert (cut["body"], cut["body_bytes"], cut["body_sha256"]) == (b"body", 9, digest.hex())
    whole, cut = rows_of(folder)
    assert whole["response_sha256"] is None
    assert (cut["response_bytes"], cut["response_sha256"]) == (1 << 33, digest.hex())


def test_what_was_refused_becomes_rows_of_its_own(folder: RunFolder, journal: JournalWriter) -> None:
    """It never reached a target, so it is neither a request nor an exchange."""
    journal.append(
        REFUSED, encode_refused(received_ns=7, status=400, reason=b"no Host", raw=b"GET", raw_bytes=99)
    )
    journal.close()
    converted(folder, None)
    assert rows_of(folder, "refused") == [
        {"received_ns": 7, "status": 400, "reason": "no Host", "raw": b"GET", "raw_bytes": 99}
    ]
    assert rows_of(folder, "requests") == rows_of(folder) == []
    assert [path.name for path in folder.exchange_files("refused")] == [
        f"exchanges-0-{journal._incarnation:020d}-000001.parquet"
    ]


def test_a_later_round_finds_the_label_of_the_first(trace: Path) -> None:
    """Ids of repeated rounds are `<id>~2`."""
    assert Labels(trace).find("r3~2") == ("1", (("parity", "1"),))
    assert Labels(trace).find("unknown") == (None, ())
    assert Labels(None).find("r3") == (None, ())


def test_an_error_inside_a_streamed_200_is_an_error(folder: RunFolder, journal: JournalWriter) -> None:
    """The status alone would call it a success; times of the stream are in the row."""
    head = HEAD.replace(b"application/json", b"text/event-stream; charset=utf-8")
    stream = b'data: {"error": {"message": "boom"}}'
    tokens = b'data: {"usage":{"completion_tokens":7}}\n\ndata: [DONE]\n\n'
    journal.append(EXCHANGE, exchange(1, head=head, body=stream))
    journal.append(EXCHANGE, exchange(2, head=head, body=tokens, chunk_ns=(25, 30, 40)))
    journal.close()
    converted(folder, None)
    failed, fine = rows_of(folder)
    assert (failed["outcome"], failed["prediction"]) == ("http_error", None)
    assert (fine["outcome"], fine["ttft_ns"], fine["output_tokens"], fine["itl_p50_ns"]) == ("ok", 5, 7, 7)


def test_an_answer_that_was_not_ok_has_no_prediction(folder: RunFolder, journal: JournalWriter) -> None:
    """A 500 with a JSON body predicts nothing."""
    journal.append(EXCHANGE, exchange(1, outcome=b"http_error"))
    journal.close()
    converted(folder, None)
    assert rows_of(folder)[0]["prediction"] is None


def test_a_recorder_that_died_halfway_changes_nothing(folder: RunFolder, journal: JournalWriter) -> None:
    """Converted again from the start: the same files, each record once."""
    for number in range(3):
        journal.append(EXCHANGE, exchange(number))
    dead = Converter(journal=folder.journal / "exchanges-0", folder=folder, rows=maker(None))
    dead.step()
    assert rows_of(folder) == []
    journal.append(EXCHANGE, exchange(3))
    journal.close()
    converted(folder, None)
    assert [row["request_id"] for row in rows_of(folder)] == ["r0", "r1", "r2", "r3"]


def test_a_crash_between_parquet_and_deletion_does_not_double_rows(
    folder: RunFolder, journal: JournalWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Parquet of a segment is named after it."""
    journal.append(EXCHANGE, exchange(1))
    journal.close()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", _refuse)
        converter = Converter(journal=folder.journal / "exchanges-0", folder=folder, rows=maker(None))
        converter.step()
        assert converter.trouble
    converted(folder, None)
    assert [row["request_id"] for row in rows_of(folder)] == ["r1"]


def _refuse(*_: object, **__: object) -> None:
    raise OSError(5, "Input/output error")


def test_a_full_disk_keeps_the_segment_and_says_so(
    folder: RunFolder, journal: JournalWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing that was recorded is lost; when there is room again it is converted."""
    journal.append(EXCHANGE, exchange(1))
    journal.close()
    converter = Converter(journal=folder.journal / "exchanges-0", folder=folder, rows=maker(None))
    with monkeypatch.context() as patch:
        patch.setattr(DurableParquet, "commit", _full)
        assert converter.step() is None
    assert "No space left" in converter.trouble
    assert list(folder.journal.rglob("*.seg"))
    assert converter.step() == []  # it was told already
    assert (converter.trouble, len(rows_of(folder)), converter.rows_written) == ("", 1, 1)


def _full(_: object) -> None:
    raise OSError(28, os.strerror(28))


def test_what_a_crash_left_is_recovered_with_the_runs_own_settings(
    folder: RunFolder, trace: Path, journal: JournalWriter
) -> None:
    """Labels and predictions as the recorder was told; a second call finds nothing to do."""
    write_json(
        config_file(folder, "recorder"),
        {"folder": str(folder.path), "trace": str(trace), "predictions": {"prediction": "other"}},
    )
    journal.append(EXCHANGE, exchange(1, body=json.dumps({"other": 9}).encode()))
    with pytest.raises(InputError, match="still being recorded"):
        recover_folder(folder)
    journal.close()
    assert recover_folder(folder) == 1
    assert (rows_of(folder)[0]["prediction"], rows_of(folder)[0]["label"]) == ("9", "1")
    assert recover_folder(folder) == 0


def test_the_recorder_ends_when_told_although_a_writer_lives(
    folder: RunFolder, journal: JournalWriter
) -> None:
    """It has read what there is; the segment that is still written stays for the next start."""
    journal.append(EXCHANGE, exchange(1))
    recorder = Recorder(RecorderConfig(folder=folder.path, stay=True))
    recorder.stopping = True
    asyncio.run(asyncio.wait_for(convert(recorder), timeout=20))
    recorder.close()
    assert recorder.live.targets["baseline"].outcomes == {"ok": 1}
    assert rows_of(folder) == []
    assert list(folder.journal.rglob("*.seg"))
