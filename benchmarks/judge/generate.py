"""A recorded run of any number of pairs, made up: for measuring the judge, not for judging anything.

    python -m benchmarks.judge.generate 1000000 /tmp/run

Every pair has a label; both arms are right nine times in ten, mostly on the same requests; latencies are
log-normal around 20 ms and share half of their variance. The same seed gives the same rows.
"""

import argparse
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from recording.schema import EXCHANGE_SCHEMA

PAIRS_PER_FILE = 250_000
_GAP_NS = 1_000_000
Ints = NDArray[np.int64]


def main() -> None:
    """Write the rows of both arms, a file per arm and quarter of a million pairs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pairs", type=int)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    generate(asked.folder, pairs=asked.pairs, seed=asked.seed)


def generate(folder: Path, *, pairs: int, seed: int = 0) -> None:
    """Write `folder/exchanges/*.parquet`."""
    (folder / "exchanges").mkdir(parents=True, exist_ok=True)
    chance = np.random.default_rng(seed)
    for part, start in enumerate(range(0, pairs, PAIRS_PER_FILE)):
        number = start + np.arange(min(PAIRS_PER_FILE, pairs - start), dtype=np.int64)
        labels = chance.integers(0, 10, len(number))
        shared = chance.normal(size=len(number))
        easy = chance.random(len(number)) < 0.9
        for arm in ("baseline", "candidate"):
            rows = _rows(arm, number=number, labels=labels, easy=easy, shared=shared, chance=chance)
            pq.write_table(rows, folder / "exchanges" / f"{arm}-{part:05d}.parquet", compression="zstd")


def _rows(
    arm: str,
    *,
    number: Ints,
    labels: Ints,
    easy: NDArray[np.bool_],
    shared: NDArray[np.float64],
    chance: np.random.Generator,
) -> pa.Table:
    n, due_ns = len(number), number * _GAP_NS
    mood = np.sqrt(0.5) * (shared + chance.normal(size=n))
    service_ns = (20e6 * np.exp(0.5 * mood)).astype(np.int64)
    right = easy ^ (chance.random(n) < 0.01)
    failed = chance.random(n) < 0.001
    answer = np.where(right, labels, (labels + 1) % 10)
    nothing = {field.name: pa.nulls(n, field.type) for field in EXCHANGE_SCHEMA if field.nullable}
    zeros = {field.name: pa.array(np.zeros(n), field.type) for field in _numbers()}
    known = {
        "request_id": _ids(number),
        "target": pa.array([arm] * n),
        "role": pa.array([arm] * n),
        "due_ns": due_ns,
        "sent_ns": due_ns + 80_000,
        "first_byte_ns": due_ns + service_ns,
        "done_ns": due_ns + service_ns,
        "outcome": pa.array(np.where(failed, "timeout", "ok")),
        "prediction": pa.array(answer.astype(str), mask=failed),
        "label": pa.array(labels.astype(str)),
        "faults": pa.array([[]] * n, EXCHANGE_SCHEMA.field("faults").type),
    }
    columns = {**nothing, **zeros, **known}
    return pa.table([columns[field.name] for field in EXCHANGE_SCHEMA], schema=EXCHANGE_SCHEMA)


def _numbers() -> list[pa.Field]:
    return [f for f in EXCHANGE_SCHEMA if not f.nullable and pa.types.is_integer(f.type)]


def _ids(number: Ints) -> pa.Array:
    """Ids that look drawn at random, 32 hexadecimal digits each."""
    mixed = number.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return pa.array([f"{value:016x}{value ^ 0x5DEECE66D:016x}" for value in mixed.tolist()])


if __name__ == "__main__":
    main()
