"""Views hold what the files hold, and say which file does not belong."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recording.run_folder import RunFolder
from report.tables import open_tables


def test_only_what_is_there_can_be_asked(bare_folder: Path) -> None:
    with open_tables(RunFolder(bare_folder)) as tables:
        assert not tables.has("exchanges")
        assert len(tables.missing) == 4


def test_a_good_file_counts_beside_a_damaged_one(run_folder: Path) -> None:
    (run_folder / "exchanges/broken.parquet").write_bytes(b"PAR1")
    with open_tables(RunFolder(run_folder)) as tables:
        assert tables.rows("SELECT count(*) FROM exchanges") == [(900,)]
        assert [gap.what for gap in tables.missing] == ["broken.parquet"]


def test_a_column_that_no_file_has_is_there_and_empty(run_folder: Path) -> None:
    path = run_folder / "resources.parquet"
    pq.write_table(pq.read_table(path).drop_columns(["threads"]), path)
    with open_tables(RunFolder(run_folder)) as tables:
        assert tables.rows("SELECT count(threads), count(*) > 0 FROM resources") == [(0, True)]


def test_columns_beyond_the_schema_do_not_disturb(run_folder: Path) -> None:
    path = run_folder / "exchanges/exchanges-0-000001.parquet"
    table = pq.read_table(path)
    pq.write_table(table.append_column("extra", pa.array([1] * table.num_rows)), path)
    with open_tables(RunFolder(run_folder)) as tables:
        assert tables.rows("SELECT count(*) FROM exchanges") == [(900,)]


@pytest.mark.parametrize("name", [".exchanges-0-000002.parquet.partial", "notes.txt"])
def test_files_that_are_not_finished_are_not_read(run_folder: Path, name: str) -> None:
    (run_folder / "exchanges" / name).write_bytes(b"half")
    with open_tables(RunFolder(run_folder)) as tables:
        assert tables.missing == []
