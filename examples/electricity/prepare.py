"""Make everything the rehearsals need, in `work/`: the four model servers and the trace to replay.

Knows how a row of the electricity stream becomes a request of the Open Inference Protocol; refuses to know
the models' recipes (`train.py`). Called by hand and by the end-to-end tests:

    python examples/electricity/prepare.py path/to/elec.csv

The file is also found as `drift/elec.csv` in the folder that `SPARRING_DATA` names. A request arrives every
half hour, as its row did; how fast they are replayed is the load profile's matter.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from recording.exchange import Request
from recording.trace import TraceWriter

HERE = Path(__file__).resolve().parent
WORK = HERE / "work"
REPLAYED_ROWS = slice(18_000, 20_500)
HALF_HOUR_NS = 30 * 60 * 1_000_000_000
HEADERS = (("Content-Type", "application/json"),)


def requests(path: Path) -> Iterator[Request]:
    """The replayed rows of the CSV file, in order, each as a labelled inference request."""
    with path.open(newline="") as file:
        rows = csv.reader(file)
        next(rows)
        for index, row in enumerate(islice(rows, REPLAYED_ROWS.start, REPLAYED_ROWS.stop)):
            yield request(index, row)


def request(index: int, row: list[str]) -> Request:
    """One row: period of the day, price and demand in two states, transfer; the class, 1 if prices rise."""
    features = [float(text) for text in row[:6]]
    tensor = {"name": "predict", "shape": [1, 6], "datatype": "FP64", "data": [features]}
    return Request(
        id=f"elec-{REPLAYED_ROWS.start + index}",
        at_ns=index * HALF_HOUR_NS,
        method="POST",
        path="/v2/models/elec/infer",
        headers=HEADERS,
        body=json.dumps({"inputs": [tensor]}).encode(),
        label=row[6],
        slices={"half_day": "before noon" if features[0] < 0.5 else "after noon"},
    )


def write_trace(rows: Path, out: Path) -> None:
    """The replayed rows as a trace."""
    with TraceWriter(out, origin="electricity stream (Elec2)", importer="examples/electricity") as trace:
        trace.extend(requests(rows))


def train(rows: Path, out: Path) -> None:
    """One MLServer folder a model, trained by the versions that will serve it."""
    python = str(WORK / "env" / "bin" / "python")
    subprocess.run([python, str(HERE / "train.py"), str(rows), str(out)], check=True)


def link_environment() -> None:
    """The run files start `work/env/bin/mlserver`, wherever the environment really is."""
    make = [sys.executable, str(HERE / "environment.py")]
    folder = subprocess.run(make, stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    WORK.mkdir(exist_ok=True)
    link = WORK / "env"
    link.unlink(missing_ok=True)
    link.symlink_to(folder)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Train the electricity models and write the trace.")
    known = os.environ.get("SPARRING_DATA")
    parser.add_argument(
        "rows", type=Path, nargs="?", default=known and Path(known, "drift", "elec.csv"), help="elec.csv"
    )
    options = parser.parse_args()
    if options.rows is None or not options.rows.is_file():
        parser.error(f"no such file: {options.rows} (give the path of elec.csv, or set SPARRING_DATA)")
    link_environment()
    train(options.rows, WORK / "servers")
    write_trace(options.rows, WORK / "trace.parquet")
    print(f"ready: {WORK / 'trace.parquet'}, {WORK / 'servers'}")


if __name__ == "__main__":
    main()
