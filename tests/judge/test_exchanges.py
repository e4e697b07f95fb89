"""Files that cannot be used are named, with what to do; rows may come in any order and in many files."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from judge.criteria import Criteria
from judge.exchanges import open_exchanges
from judge.verdict import judge_folder
from recording.errors import InputError
from tests.judge.made_run import MadeRun

LINES = (
    "id: accuracy, metric: accuracy, margin: {absolute: 0.05}",
    "id: budget, metric: latency_budget, budget_ms: 4, margin: {absolute: 0.05}",
    "id: p50, metric: latency_quantile, quantile: 0.5, margin: {relative: 0.05}",
)
Make = Callable[..., Criteria]


@pytest.fixture(scope="module")
def expected() -> dict[str, object]:
    """The verdict of the first order that was judged."""
    return {}


@given(shuffle=st.integers(0, 2**32), shards=st.integers(1, 5))
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_shuffled_and_recut_rows_give_the_same_verdict_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory,
    criteria: Make,
    expected: dict[str, object],
    shuffle: int,
    shards: int,
) -> None:
    run = MadeRun(tmp_path_factory.mktemp("run")).counts(both=150, better=20, worse=12, neither=9)
    for number, row in enumerate(run.rows):
        row["done_ns"] = row["due_ns"] + 1_000_000 + (number * 7919) % 5_000_011  # type: ignore[operator]  # ints
    written = judge_folder(run.write(shards=shards, shuffle=shuffle), criteria(*LINES)).to_json()
    assert expected.setdefault("verdict", written) == written


def test_the_digest_changes_with_any_judged_value_and_with_nothing_else(
    new_run: Callable[[str], MadeRun], criteria: Make
) -> None:
    changes = {
        "same": ("response_bytes", 99),
        "label": ("label", "3"),
        "done": ("done_ns", 4),
        "fault": ("faults", ["x"]),
    }
    digests = {}
    for name, (column, value) in changes.items():
        run = new_run(name).add(20)
        run.rows[5][column] = value
        digests[name] = judge_folder(run.write(), criteria(LINES[0])).data_digest
    first = judge_folder(new_run("first").add(20).write(), criteria(LINES[0])).data_digest
    assert digests["same"] == first
    assert len({first, *digests.values()}) == 4


def test_a_missing_value_is_told_from_an_empty_one_in_the_digest(
    new_run: Callable[[str], MadeRun], criteria: Make
) -> None:
    digests = set()
    for name, prediction, label in (("a", None, "1"), ("b", "1", None), ("c", "", "1")):
        run = new_run(name).add(20)
        run.rows[0] |= {"prediction": prediction, "label": label}
        digests.add(judge_folder(run.write(), criteria(LINES[0])).data_digest)
    assert len(digests) == 3


def test_a_folder_without_exchanges_is_named(tmp_path: Path, criteria: Make) -> None:
    with pytest.raises(InputError, match=r"has no exchanges/\*\.parquet"):
        judge_folder(tmp_path, criteria(LINES[0]))


@pytest.mark.parametrize("text", [b"", b"not parquet", b"PAR1" + b"\0" * 100])
def test_a_file_that_is_not_parquet_is_named(made_run: MadeRun, criteria: Make, text: bytes) -> None:
    folder = made_run.add(5).write()
    (folder / "exchanges" / "zz.parquet").write_bytes(text)
    with pytest.raises(InputError, match=r"zz\.parquet: is not a whole Parquet file"):
        judge_folder(folder, criteria(LINES[0]))


def test_a_file_that_was_cut_is_named(made_run: MadeRun, criteria: Make) -> None:
    path = made_run.add(50).write() / "exchanges" / "part-0.parquet"
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(InputError, match=r"part-0\.parquet"):
        judge_folder(path.parents[1], criteria(LINES[0]))


def test_a_file_with_damaged_pages_is_named(made_run: MadeRun, criteria: Make) -> None:
    path = made_run.add(2000).write(shards=2) / "exchanges" / "part-1.parquet"
    whole = bytearray(path.read_bytes())
    whole[4:400] = b"\xff" * 396
    path.write_bytes(whole)
    with pytest.raises(InputError, match=r"part-1\.parquet: cannot be read to its end"):
        judge_folder(path.parents[1], criteria(LINES[0]))


def test_a_foreign_parquet_file_is_named_with_the_column_it_lacks(made_run: MadeRun, criteria: Make) -> None:
    folder = made_run.add(5).write()
    pq.write_table(pa.table({"x": [1]}), folder / "exchanges" / "zz.parquet")
    with pytest.raises(InputError, match=r"zz\.parquet: is not a file of exchanges: column 'request_id'"):
        judge_folder(folder, criteria(LINES[0]))


def test_a_column_of_another_type_is_named(made_run: MadeRun, criteria: Make) -> None:
    folder = made_run.add(5).write()
    path = folder / "exchanges" / "part-0.parquet"
    table = pq.read_table(path)
    place = table.schema.get_field_index("due_ns")
    pq.write_table(table.set_column(place, "due_ns", table.column("due_ns").cast(pa.string())), path)
    with pytest.raises(InputError, match="column 'due_ns' is string, not int64"):
        judge_folder(folder, criteria(LINES[0]))


def test_dictionary_encoded_columns_are_read(made_run: MadeRun, criteria: Make) -> None:
    folder = made_run.add(700).write()
    path = folder / "exchanges" / "part-0.parquet"
    plain = judge_folder(folder, criteria(LINES[0]))
    table = pq.read_table(path)
    for name in ("target", "role", "outcome", "label"):
        place = table.schema.get_field_index(name)
        table = table.set_column(place, name, table.column(name).dictionary_encode())
    pq.write_table(table, path)
    assert judge_folder(folder, criteria(LINES[0])) == plain


def test_several_candidates_are_the_users_choice(made_run: MadeRun, criteria: Make) -> None:
    run = made_run.add(700)
    run.rows += [{**row, "target": "v3"} for row in run.rows if row["role"] == "candidate"]
    with pytest.raises(InputError, match="2 targets have the role candidate"):
        judge_folder(run.write(), criteria(LINES[0]))
    assert judge_folder(run.path, criteria(LINES[0], candidate="v3")).results[0].n == 700


def test_a_target_cannot_be_compared_with_itself(made_run: MadeRun, criteria: Make) -> None:
    folder = made_run.add(7).write()
    with pytest.raises(InputError, match="at once"):
        judge_folder(folder, criteria(LINES[0], baseline="candidate"))


def test_an_engine_that_is_not_there_is_refused(made_run: MadeRun, criteria: Make) -> None:
    folder = made_run.add(7).write()
    with pytest.raises(InputError, match="engine 'abacus' is not there"):
        judge_folder(folder, criteria(LINES[0]), engine="abacus")


def test_nothing_is_left_behind(made_run: MadeRun) -> None:
    with open_exchanges(made_run.add(7).write()) as exchanges:
        spill = Path(exchanges.spill)
        assert spill.is_dir()
    assert not spill.exists()
