"""The run's Parquet files as DuckDB views, whichever of them are there.

Knows which view stands for which files and how to say that one is missing or damaged; refuses to know what
is asked of them. Rows never become Python objects here: callers aggregate in SQL and get small tables back.
"""

import glob
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from recording.run_folder import RunFolder
from recording.schema import EXCHANGE_SCHEMA, FAULTS_SCHEMA, RESOURCES_SCHEMA
from report.safe_text import printable

Row = tuple[object, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """Something the report would show and cannot: in which part, what, and why."""

    part: str
    what: str
    why: str


class Tables:
    """An in-memory database over one run's files; `missing` says what is not there."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._present: set[str] = set()
        self.missing: list[Missing] = []

    def has(self, view: str) -> bool:
        """Whether there is anything to ask of `view`."""
        return view in self._present

    def rows(self, query: str, *values: object) -> list[Row]:
        """The rows of an aggregate: few by construction of the query, not by luck."""
        return self._connection.execute(query, list(values)).fetchall()

    def add(self, view: str, *, files: list[Path], columns: pa.Schema) -> None:
        """Make `view` of the files that can be read; the others are noted as missing."""
        whole = [path for path in files if self._whole(view, path=path, columns=columns)]
        if whole:
            listed = ", ".join(map(_quoted, whole))
            self._connection.execute(
                f"CREATE VIEW {view} AS SELECT {_selection(whole, columns)} "
                f"FROM read_parquet([{listed}], union_by_name = true)"
            )
            self._present.add(view)

    def note(self, part: str, *, what: str, why: str) -> None:
        """Remember that something cannot be shown."""
        self.missing.append(Missing(part=part, what=printable(what), why=printable(why)))

    def _whole(self, view: str, *, path: Path, columns: pa.Schema) -> bool:
        try:
            found = set(pq.read_schema(path).names)
        except (pa.ArrowInvalid, OSError) as error:
            self.note(view, what=path.name, why=f"is not a whole Parquet file: {str(error).splitlines()[0]}")
            return False
        absent = [field.name for field in columns if not field.nullable and field.name not in found]
        if absent:
            self.note(view, what=path.name, why=f"has no column {absent[0]!r}")
        return not absent


def _quoted(path: Path) -> str:
    """An SQL text of exactly this path, whatever glob characters and quotes are in it."""
    return "'" + glob.escape(str(path)).replace("'", "''") + "'"


def _selection(files: list[Path], columns: pa.Schema) -> str:
    """All columns of the schema; those that no file has are there and empty."""
    found = {name for path in files for name in pq.read_schema(path).names}
    return ", ".join(f'"{name}"' if name in found else f'NULL AS "{name}"' for name in columns.names)


@contextmanager
def open_tables(folder: RunFolder) -> Iterator[Tables]:
    """Views `exchanges`, `client`, `resources` and `faults` over what the folder holds."""
    with duckdb.connect(":memory:") as connection:
        tables = Tables(connection)
        for view, columns, files in _sources(folder):
            tables.add(view, files=files, columns=columns)
            if not files:
                what, why = _ABSENT[view]
                tables.note(view, what=what, why=why)
        yield tables


_ABSENT = {
    "exchanges": ("exchanges/*.parquet", "is not there: no latency, rate or outcome of any target is known"),
    "client": ("client/*.parquet", "is not there: what the client saw, and when, is not known"),
    "resources": ("resources.parquet", "is not there: CPU and memory of the targets were not sampled"),
    "faults": ("faults.parquet", "is not there: no scenario was run, or its counts were not kept"),
}


def _sources(folder: RunFolder) -> tuple[tuple[str, pa.Schema, list[Path]], ...]:
    return (
        ("exchanges", EXCHANGE_SCHEMA, folder.exchange_files("exchanges")),
        ("client", EXCHANGE_SCHEMA, folder.exchange_files("client")),
        ("resources", RESOURCES_SCHEMA, [path for path in (folder.resources,) if path.exists()]),
        ("faults", FAULTS_SCHEMA, [path for path in (folder.faults,) if path.exists()]),
    )
