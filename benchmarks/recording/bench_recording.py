"""What recording costs: the journal's append per exchange, and how many exchanges a second become Parquet.

    python benchmarks/recording/bench_recording.py [--rounds 5]

Each round writes 50,000 exchanges (a 600-byte request, a 180-byte JSON answer, two targets) through the real
writer, then converts the same segments with the real recorder: labels joined, predictions extracted, Parquet
fsynced. Distinct answer bodies every time, so that nothing is remembered. Medians over rounds.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from recording.exchange import Request
from recording.journal import EXCHANGE, REQUEST, JournalWriter
from recording.journal_codec import encode_exchange, encode_request
from recording.run_folder import RunFolder
from recording.trace import TraceWriter
from sparring.predictions import PredictionReader, PredictionSource
from sparring.recorder.converter import Converter
from sparring.recorder.labels import Labels
from sparring.recorder.rows import RowMaker

REQUESTS = 25_000
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ndate: Mon, 23 Nov 2026 09:43:30 GMT\r\n"
FIELDS = b"Host: model\r\nContent-Type: application/json\r\nUser-Agent: bench\r\nAccept: */*\r\n"
BODY = b'{"instances":[{' + b",".join(b'"feature_%d":0.1234' % i for i in range(25)) + b"}]}"


def exchange_of(number: int, *, target: bytes, role: bytes) -> bytes:
    """One exchange with a body of its own."""
    body = b'{"predictions":[{"label":%d,"score":0.%06d}],"model":"payments","version":"7"}' % (
        number % 2,
        number,
    )
    return encode_exchange(
        request_id=b"r%d" % number, target=target, role=role, due_ns=number, sent_ns=number + 10,
        first_byte_ns=number + 20, done_ns=number + 30, outcome=b"ok", status=200, request_bytes=len(BODY),
        response_bytes=len(body), response_head=HEAD, response_body=body,
    )  # fmt: skip


def append_all(folder: RunFolder) -> float:
    """Seconds of writing every request with its two exchanges."""
    writer = JournalWriter(folder.journal / "exchanges-0")
    started = time.perf_counter()
    for number in range(REQUESTS):
        writer.append(
            REQUEST,
            encode_request(
                request_id=b"r%d" % number, received_ns=number, due_ns=number, method=b"POST", path=b"/p",
                fields=FIELDS, body=BODY, body_bytes=len(BODY),
            ),
        )  # fmt: skip
        writer.append(EXCHANGE, exchange_of(number, target=b"baseline", role=b"baseline"))
        writer.append(EXCHANGE, exchange_of(number, target=b"candidate", role=b"candidate"))
    seconds = time.perf_counter() - started
    writer.close()
    return seconds


def convert_all(folder: RunFolder, trace: Path) -> float:
    """Seconds of turning the journal into durable Parquet, from reading to the last fsync."""
    source = PredictionSource(prediction="predictions[0].label", score="predictions[0].score")
    rows = RowMaker(labels=Labels(trace), predictions=PredictionReader(source.paths()))
    converter = Converter(journal=folder.journal / "exchanges-0", folder=folder, rows=rows)
    started = time.perf_counter()
    while not converter.exhausted:
        converter.step()
    return time.perf_counter() - started


def write_trace(path: Path) -> Path:
    """A label for every request."""
    with TraceWriter(path, origin="benchmark") as writer:
        for number in range(REQUESTS):
            writer.append(
                Request(id=f"r{number}", at_ns=number, method="POST", path="/p", label=str(number % 2))
            )
    return path


def main() -> None:
    """Run the rounds and print medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    appended, converted = [], []
    with tempfile.TemporaryDirectory() as scratch:
        trace = write_trace(Path(scratch) / "trace.parquet")
        for number in range(rounds):
            folder = RunFolder(Path(scratch) / str(number)).create()
            appended.append(append_all(folder) / (2 * REQUESTS) * 1e6)
            converted.append(2 * REQUESTS / convert_all(folder, trace))
    print(f"journal: {statistics.median(appended):.2f} us per exchange, its share of the request included "
          f"({min(appended):.2f} to {max(appended):.2f})")  # fmt: skip
    print(
        f"recorder: {statistics.median(converted):,.0f} exchanges/s"
        f" ({min(converted):,.0f} to {max(converted):,.0f})"
    )


if __name__ == "__main__":
    main()
