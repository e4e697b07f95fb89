"""Parquet files that are either whole or not there, and readable batch by batch.

Knows temporary names, fsync and rename, and how to tell a foreign or cut file from ours; refuses to know
what columns mean. Called by the trace writer and by the recorder.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from recording.errors import InputError
from recording.folders import fsync_folder

BATCH_ROWS = 8192
COMPRESSION = "zstd"


class DurableParquet:
    """A Parquet file under a temporary name until `commit`, which makes it durable and visible at once."""

    def __init__(self, path: Path, schema: pa.Schema, *, metadata: dict[str, str] | None = None) -> None:
        self.path = path
        self.rows = 0
        self._partial = path.with_name(f".{path.name}.partial")
        path.parent.mkdir(parents=True, exist_ok=True)
        self._writer = pq.ParquetWriter(
            self._partial,
            schema.with_metadata(metadata or None),
            compression=COMPRESSION,
            compression_level=1,
        )

    def write(self, table: pa.Table | pa.RecordBatch) -> None:
        """Append rows; they become readable only with `commit`."""
        if isinstance(table, pa.Table):
            self._writer.write_table(table)
        else:
            self._writer.write_batch(table)
        self.rows += table.num_rows

    def add_metadata(self, metadata: dict[str, str]) -> None:
        """Facts known only at the end, for the file's footer."""
        self._writer.add_key_value_metadata(metadata)

    def commit(self) -> None:
        """Finish, fsync, rename, fsync the folder."""
        self._writer.close()
        fd = os.open(self._partial, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
        self._partial.rename(self.path)
        fsync_folder(self.path.parent)

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._writer.close()
        self._partial.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.commit()
        else:
            self.abandon()


def open_parquet(path: Path, *, columns: pa.Schema, meaning: str) -> pq.ParquetFile:
    """Open `path` and check that it has the columns of `columns` (those that may not be null, at least).

    `meaning` is what the file ought to be, for the message ("a trace").
    """
    if not path.exists():
        raise InputError("no such file", place=str(path), fix="check the path")
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(
            f"is not a whole Parquet file: {str(error).splitlines()[0]}", place=str(path), fix="make it again"
        ) from None
    missing = [
        field.name for field in columns if not field.nullable and field.name not in file.schema_arrow.names
    ]
    if missing:
        found = ", ".join(file.schema_arrow.names[:8])
        raise InputError(
            f"is not {meaning}: column {missing[0]!r} is missing (it has {found})",
            place=str(path),
            fix="`sparring import` makes a trace from other formats" if meaning == "a trace" else "",
        )
    return file


def read_batches(file: pq.ParquetFile, *, columns: list[str] | None = None) -> Iterator[pa.RecordBatch]:
    """The file's rows in order, a bounded batch at a time."""
    yield from file.iter_batches(batch_size=BATCH_ROWS, columns=columns)
