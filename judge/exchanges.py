"""A folder's exchange files as one table, checked before anything is counted.

Knows Parquet files, the embedded engine and its memory; refuses to know what makes a pair or a verdict. A
folder without exchanges, or a file that is cut or foreign, is an `InputError` that names the file; rows
that contradict themselves are the verdict's business. Called by `judge.verdict`.
"""

import functools
import hashlib
import operator
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa

from recording.errors import InputError
from recording.parquet import open_parquet
from recording.run_folder import RunFolder
from recording.schema import EXCHANGE_SCHEMA

ENGINES = ("duckdb",)
_MEMORY = "1300MB"
_DIGESTED = ("request_id", "target", "role", "outcome", "prediction", "label")
_INSTANTS = ("due_ns", "sent_ns", "done_ns")
_NOT_NULL = ("request_id", "target", "role", "outcome", *_INSTANTS)
_BETWEEN, _MISSING = "\x1f", "\x00"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One target as the rows name it. `nulls` counts rows that lack a value they must have; `mixed` is the
    exclusive or of a hash of every row.
    """

    name: str
    role: str
    rows: int
    nulls: int = 0
    mixed: int = 0


@ibis.udf.scalar.builtin(signature=(("string",), "decimal(38, 0)"))  # type: ignore[untyped-decorator]  # of ibis
def md5_number(text: str) -> int:  # type: ignore[empty-body]  # declares DuckDB's own function
    """MD5 as a number of 128 bits."""


@ibis.udf.agg.builtin(signature=(("decimal(38, 0)",), "decimal(38, 0)"))  # type: ignore[untyped-decorator]  # of ibis
def bit_xor(number: int) -> int:  # type: ignore[empty-body]  # declares DuckDB's own function
    """Exclusive or of all values, whatever their order."""


class Exchanges:
    """An open folder. A context manager: the engine's spill files live as long."""

    def __init__(self, files: list[Path]) -> None:
        self.files = files
        self._spill = tempfile.TemporaryDirectory(prefix="sparring-judge-")
        self._engine = ibis.duckdb.connect(
            ":memory:",
            memory_limit=_MEMORY,
            temp_directory=self._spill.name,
            preserve_insertion_order=False,
        )
        self.table: ir.Table = self._engine.read_parquet([str(path) for path in files], union_by_name=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._engine.disconnect()
        self._spill.cleanup()

    def arrow(self, expression: ir.Table) -> pa.Table:
        """The expression's rows, all at once; nothing wider than two numbers per pair is asked for."""
        with self._naming_the_file():
            return expression.to_pyarrow()

    def keep(self, expression: ir.Table) -> ir.Table:
        """The expression's rows in a table of this connection, so that several questions read them once."""
        with self._naming_the_file():
            return self._engine.create_table(ibis.util.gen_name("kept"), expression, temp=True)

    def targets(self) -> list[Target]:
        """Every target with its role, in order of names."""
        lacking = ibis.or_(*(self.table[name].isnull() for name in _NOT_NULL))
        counted = self.table.group_by("target", "role").agg(
            rows=self.table.count(),
            nulls=lacking.sum(),
            mixed=bit_xor(md5_number(_as_text(self.table))).cast("string"),
        )
        found = [
            Target(
                name=row["target"] or "",
                role=row["role"] or "",
                rows=row["rows"],
                nulls=row["nulls"],
                mixed=int(row["mixed"]),
            )
            for row in self.arrow(counted).to_pylist()
        ]
        return sorted(found, key=lambda target: (target.role, target.name))

    @property
    def spill(self) -> Path:
        """Where the engine puts what does not fit into its memory."""
        return Path(self._spill.name)

    @contextmanager
    def _naming_the_file(self) -> Iterator[None]:
        try:
            yield
        except duckdb.OutOfMemoryException as error:
            raise InputError(
                f"needs more memory than {_MEMORY}: {error}", place=str(self.files[0])
            ) from error
        except duckdb.Error as error:
            damaged = _damaged(self.files)
            if damaged is None:
                raise
            raise InputError(
                f"cannot be read to its end: {str(error).splitlines()[0]}",
                place=str(damaged),
                fix="record it again, or take the file out",
            ) from error


def _as_text(table: ir.Table) -> ir.StringValue:
    """Everything of a row that is judged, in one text; a missing value differs from an empty one."""
    texts = [table[name].fill_null(_MISSING) for name in _DIGESTED]
    instants = [table[name].cast("string").fill_null(_MISSING) for name in _INSTANTS]
    return ibis.literal(_BETWEEN).join([*texts, *instants, table.faults.join(",").fill_null(_MISSING)])


def data_digest(targets: Sequence[Target]) -> str:
    """`sha256:…` of the judged columns of all rows, however they are ordered and cut into files."""
    rows = sum(target.rows for target in targets)
    mixed = functools.reduce(operator.xor, (target.mixed for target in targets), 0)
    return "sha256:" + hashlib.sha256(f"{rows}:{mixed}".encode()).hexdigest()


def open_exchanges(folder: Path, *, engine: str = "duckdb", kind: str = "exchanges") -> Exchanges:
    """Check the files of `folder/kind` and open them; `InputError` names what cannot be used."""
    if engine not in ENGINES:
        raise InputError(
            f"engine {engine!r} is not there", place="--engine", fix=f"one of {', '.join(ENGINES)}"
        )
    files = RunFolder(folder).exchange_files(kind)
    if not files:
        raise InputError(
            f"has no {kind}/*.parquet", place=str(folder), fix="name the folder of a run that was recorded"
        )
    for path in files:
        _check(path)
    return Exchanges(files)


def _check(path: Path) -> None:
    with open_parquet(path, columns=EXCHANGE_SCHEMA, meaning="a file of exchanges") as file:
        schema = file.schema_arrow
    for field in EXCHANGE_SCHEMA:
        if field.name in schema.names and not _same_kind(schema.field(field.name).type, field.type):
            raise InputError(
                f"column {field.name!r} is {schema.field(field.name).type}, not {field.type}",
                place=str(path),
                fix="write it by the schema that `sparring schema exchanges` prints",
            )


def _same_kind(found: pa.DataType, wanted: pa.DataType) -> bool:
    if pa.types.is_dictionary(found):
        found = found.value_type
    if pa.types.is_large_string(found):
        found = pa.string()
    return bool(pa.types.is_nested(wanted) or pa.types.is_binary(wanted) or found.equals(wanted))


def _damaged(files: list[Path]) -> Path | None:
    """The first file whose pages do not all decode."""
    for path in files:
        with open_parquet(path, columns=EXCHANGE_SCHEMA, meaning="a file of exchanges") as file:
            try:
                for _ in file.iter_batches(columns=list(_NOT_NULL)):
                    pass
            except (pa.ArrowException, OSError):
                return path
    return None
