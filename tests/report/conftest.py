"""A rehearsed run without processes: a folder with every file that a report reads, made of seeded numbers."""

import json
import random
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from recording.schema import EXCHANGE_SCHEMA, FAULTS_SCHEMA, RESOURCES_SCHEMA

MS = 1_000_000
S = 1_000_000_000


def exchange(**given: object) -> dict[str, object]:
    """One row of the exchange schema, `ok` after 10 ms unless said otherwise."""
    row: dict[str, object] = dict.fromkeys(EXCHANGE_SCHEMA.names)
    row |= {
        "request_id": "r",
        "target": "stable",
        "role": "baseline",
        "due_ns": 0,
        "sent_ns": 0,
        "status": 200,
    }
    row |= {"first_byte_ns": 9 * MS, "done_ns": 10 * MS, "outcome": "ok", "faults": [], "chunks": 0}
    return row | {"request_bytes": 300, "response_bytes": 80} | given


def write_rows(path: Path, rows: Iterable[Mapping[str, object]], *, schema: pa.Schema) -> None:
    """Rows as one Parquet file of the schema."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows), schema=schema), path)


def result(**given: object) -> dict[str, object]:
    """One result as the judge writes it."""
    return {
        "id": "accuracy",
        "metric": "accuracy",
        "role": "primary",
        "against": "stable",
        "slice": None,
        "scenario": "clean",
        "n": 3000,
        "estimate": 0.004,
        "baseline": 0.912,
        "candidate": 0.916,
        "lower": -0.0031,
        "upper": 0.0112,
        "margin": 0.01,
        "gate_lower": -0.0062,
        "gate_upper": 0.0144,
        "test": "non_inferiority",
        "direction": "higher",
        "discordant": 118,
        "log_e_pass": 5.2,
        "log_e_fail": -3.9,
        "status": "PASS",
        "sentence": "The candidate is right in 91.6 % of 3,000 pairs, the baseline in 91.2 %: +0.4 pp "
        "(95 % interval -0.3 to +1.1 pp), above the margin of -1 pp.",
    } | given


def self_tests() -> dict[str, object]:
    """The judge's tests of the measurement."""
    return {
        "fidelity": {
            "planned": 3012,
            "sent": 3012,
            "shed": 0,
            "shed_share": 0.0,
            "requested_rate_per_s": 50.0,
            "achieved_rate_per_s": 49.98,
            "lag_p50_ms": 0.11,
            "lag_p99_ms": 0.84,
            "dispersion_planned": {"1": 1.02},
            "dispersion_sent": {"1": 1.03},
        },
        "completeness": {"status": "PASS", "complete_share": 0.996},
        "label_join": {"status": "PASS", "joined_share": 0.9937},
    }


def results() -> list[dict[str, object]]:
    """A result of every status, with a ratio, a slice and one that could not be computed."""
    return [
        result(),
        result(
            id="latency_budget", metric="latency_budget", role="guardrail", estimate=0.004,
            baseline=0.010, candidate=0.014, lower=-0.001, upper=0.009, margin=0.005, status="HOLD",
            direction="lower", gate_lower=-0.004, gate_upper=0.012, cap=0.02,
            sentence="0.4 pp more of the candidate's answers took longer than 300 ms; the interval "
            "(-0.1 to +0.9 pp) holds the margin of +0.5 pp, so this is not decided.",
        ),
        result(
            id="errors", metric="error_rate", role="guardrail", scenario="faulted", estimate=0.031, n=412,
            baseline=0.02, candidate=0.051, lower=0.016, upper=0.046, margin=0.01, status="FAIL",
            direction="lower", gate_lower=0.0104, gate_upper=0.052,
            sentence="Under faults the candidate fails 3.1 pp more often, more than the margin of +1 pp.",
        ),
        result(
            id="p99", metric="latency_quantile", role="info", estimate=1.043, n=3000, baseline=46.8,
            candidate=48.8, lower=0.99, upper=1.09, gate_lower=None, gate_upper=1.12, margin=0.1,
            direction="lower", status="INFO", discordant=None,
            sentence="The candidate's p99 latency is at most 12 % above the baseline's.",
        ),
        result(
            id="unmeasured", metric="loss", role="info", estimate=None, baseline=None, candidate=None,
            lower=None, upper=None, margin=None, n=None, status="INVALID",
            sentence="The loss could not be computed: no prediction was a number.",
        ),
        result(
            slice="region=eu", n=640, estimate=-0.002, lower=-0.02, upper=0.016, margin=0.02,
            status="HOLD", sentence="In region=eu 640 pairs do not decide.",
        ),
    ]  # fmt: skip


def verdict(**given: object) -> dict[str, object]:
    """A verdict as the judge writes it."""
    return {
        "version": 1,
        "verdict": "HOLD",
        "reasons": ["latency_budget: undecided after 3,000 pairs", "no criterion failed"],
        "criteria_digest": "sha256:" + "c1" * 32,
        "data_digest": "sha256:" + "da" * 32,
        "seed": 7,
        "pairs": {"total": 3012, "complete": 3000, "labelled": 2981, "faulted": 412},
        "self_tests": self_tests(),
        "results": results(),
        "next": {"pairs_needed": 2400, "eta_s": 48.0},
        "expires": "2031-02-03T00:00:00+00:00",
    } | given


def manifest() -> dict[str, object]:
    """A manifest as a run leaves it, without its accounting."""
    return {
        "version": 1,
        "name": "ranker v8",
        "notes": "A smaller embedding; it must be no worse and cheaper.",
        "started": "2031-01-20T10:00:00.000+00:00",
        "sparring": "0.1.0",
        "environment_digest": "sha256:" + "e1" * 32,
        "seed": 7,
        "profile": "constant 50/s for 60s",
        "targets": {"stable": {"url": "http://127.0.0.1:9001", "role": "baseline"}},
        "machine": {"system": "Linux", "cores": 2, "memory_bytes": 8 << 30, "python": "3.11.9"},
        "events": [],
        "duration_ns": 60 * S,
    }


ARMS = (("stable", "baseline", 18.0), ("smaller", "candidate", 15.0), ("stable-b", "reference", 18.5))


def _exchanges(seconds: int, *, per_s: int) -> list[dict[str, object]]:
    chance = random.Random(7)
    rows = []
    for number in range(seconds * per_s):
        due = number * S // per_s
        broken = seconds * 0.4 <= due / S < seconds * 0.6 and chance.random() < 0.5
        for target, role, typical_ms in ARMS:
            took = chance.lognormvariate(0, 0.4) * typical_ms * (6 if broken and role == "candidate" else 1)
            failed = chance.random() < (0.1 if broken else 0.004)
            sent = due + int(chance.expovariate(1) * 0.2 * MS)
            done = sent + int(took * MS)
            rows.append(
                exchange(
                    request_id=f"r{number}", target=target, role=role, due_ns=due, sent_ns=sent, done_ns=done,
                    outcome="http_error" if failed else "ok", faults=["slow-features"] if broken else [],
                )
            )  # fmt: skip
            if role == "reference" and chance.random() < 0.3:
                rows[-1] |= {"outcome": "dropped:not_sampled", "sent_ns": -1, "done_ns": -1}
    return rows


def _client(rows: Iterable[dict[str, object]]) -> list[dict[str, object]]:
    seen = (row for row in rows if row["role"] == "baseline")
    return [row | {"target": "client", "role": "client", "faults": []} for row in seen]


def _resources(seconds: int) -> list[dict[str, object]]:
    chance = random.Random(11)
    rows: list[dict[str, object]] = []
    for target, role, typical in ARMS:
        cpu = 3.0
        for second in range(seconds):
            cpu += typical / 40 * chance.uniform(0.8, 1.2)
            row = {"at_ns": second * S, "target": target, "role": role, "cpu_s": cpu, "threads": 9}
            rows.append(
                row | {"rss_bytes": int((200 + typical + second * 0.1) * (1 << 20)), "open_files": 40}
            )
    return rows


def _accounting(rows: Iterable[dict[str, object]]) -> dict[str, object]:
    targets: dict[str, dict[str, dict[str, int]]] = {}
    for row in rows:
        account = targets.setdefault(str(row["target"]), {"endings": {}, "dropped": {}})
        kind, _, reason = str(row["outcome"]).partition(":")
        part, name = ("dropped", reason) if reason else ("endings", kind)
        account[part][name] = account[part].get(name, 0) + 1
    requests = max(sum(sum(part.values()) for part in account.values()) for account in targets.values())
    filled = {
        name: account | {"sent": sum(account["endings"].values()), "in_flight": 0}
        for name, account in targets.items()
    }
    return {"requests": requests, "targets": filled}


def write_run(folder: Path, *, seconds: int = 60, per_s: int = 50) -> Path:
    """A whole run folder."""
    rows = _exchanges(seconds, per_s=per_s)
    half = len(rows) // 2
    write_rows(folder / "exchanges/exchanges-0-000001.parquet", rows[:half], schema=EXCHANGE_SCHEMA)
    write_rows(folder / "exchanges/exchanges-1-000001.parquet", rows[half:], schema=EXCHANGE_SCHEMA)
    write_rows(folder / "client/client-0-000001.parquet", _client(rows), schema=EXCHANGE_SCHEMA)
    write_rows(folder / "resources.parquet", _resources(seconds), schema=RESOURCES_SCHEMA)
    counts = {"matched": 3000, "selected": 300, "injected": 290, "skipped_window": 2400, "failed": 0}
    counts |= {"skipped_probability": 290, "skipped_limit": 10, "skipped_not_applicable": 10}
    start, end = int(seconds * 0.4) * S, int(seconds * 0.6) * S
    fault = {"fault_id": "slow-features", "type": "delay", "target": "all", "start_ns": start, "end_ns": end}
    other = {
        "fault_id": "no-tenure",
        "type": "missing",
        "target": "candidate",
        "start_ns": end,
        "end_ns": end + S,
    }
    write_rows(folder / "faults.parquet", [fault | counts, other | counts], schema=FAULTS_SCHEMA)
    (folder / "manifest.json").write_text(json.dumps(manifest() | {"accounting": _accounting(rows)}))
    (folder / "verdict.json").write_text(json.dumps(verdict()))
    return folder


@pytest.fixture(scope="session")
def untouched_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short but whole run that no test changes."""
    return write_run(tmp_path_factory.mktemp("runs") / "ranker", seconds=10, per_s=30)


@pytest.fixture
def run_folder(untouched_run: Path, tmp_path: Path) -> Path:
    """A short but whole run of the test's own."""
    return shutil.copytree(untouched_run, tmp_path / "ranker")


@pytest.fixture
def bare_folder(tmp_path: Path) -> Path:
    """A folder with a verdict and nothing else."""
    folder = tmp_path / "bare"
    folder.mkdir()
    (folder / "verdict.json").write_text(json.dumps(verdict()))
    return folder


Rows = Sequence[Mapping[str, object]]


@pytest.fixture
def with_rows(bare_folder: Path) -> Callable[[Rows], Path]:
    """A folder whose exchanges are exactly the given rows."""

    def write(rows: Rows) -> Path:
        whole = [exchange(**row) for row in rows]
        write_rows(bare_folder / "exchanges/exchanges-0-000001.parquet", whole, schema=EXCHANGE_SCHEMA)
        return bare_folder

    return write


@pytest.fixture
def judged() -> Callable[..., dict[str, object]]:
    """A verdict as the judge writes it, with keys replaced."""
    return verdict


@pytest.fixture
def one_result() -> Callable[..., dict[str, object]]:
    """One result as the judge writes it, with keys replaced."""
    return result


@pytest.fixture
def write_exchanges() -> Callable[..., None]:
    """Adds a file of exchange rows to a folder."""

    def write(folder: Path, rows: Rows, *, name: str = "exchanges-0-000001") -> None:
        whole = [exchange(**row) for row in rows]
        write_rows(folder / f"exchanges/{name}.parquet", whole, schema=EXCHANGE_SCHEMA)

    return write


@pytest.fixture
def with_samples(bare_folder: Path) -> Callable[[Rows], Path]:
    """A folder with ten seconds of traffic and exactly the given resource samples."""

    def write(rows: Rows) -> Path:
        traffic = [exchange(done_ns=S // 2), exchange(due_ns=100 * S, sent_ns=100 * S, done_ns=101 * S)]
        write_rows(bare_folder / "exchanges/a.parquet", traffic, schema=EXCHANGE_SCHEMA)
        write_rows(bare_folder / "resources.parquet", rows, schema=RESOURCES_SCHEMA)
        return bare_folder

    return write
