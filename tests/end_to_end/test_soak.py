"""The soak: traffic of every kind for ten minutes past a shadow that keeps turning bad. Nothing grows,
nothing is lost sight of, and no client is told anything wrong. `SPARRING_SOAK_S` sets the length."""

import asyncio
import os
import random
import statistics
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.end_to_end.soak_load import Load
from tests.end_to_end.soak_service import (
    Service,
    TargetProcess,
    service,
    table,
    targets_of,
    two_targets,
    unread,
    until,
)

SOAK_S = float(os.environ.get("SPARRING_SOAK_S", "600"))
SEED = 7
PER_S = 300.0
CLIENTS = 40
MODES = ("ok", "hang", "reset", "slow", "flood")
FLIP_EVERY_S = min(10.0, SOAK_S / 4 / len(MODES))  # every quarter of the soak sees every mode
SAMPLE_EVERY_S = 1.0
# Between the medians of the second and of the last quarter lie half the soak's requests, 90,000 in ten
# minutes: the bound sees a leak of 100 bytes a request. The recorder's memory rises and falls by 20 MiB with
# the batches it has at hand, so that a large process is granted a share instead.
GROWTH_BYTES = 8 << 20
GROWTH_SHARE = 0.05
# Connections come and go with the shadow's moods; a leak of one in a thousand requests is more than this.
GROWTH_FILES = 64
MODULES = ("shadow_proxy", "shadow_proxy.worker", "sparring.recorder", "proxy")
SETTINGS: dict[str, Any] = {  # Any: JSON
    # What is kept of a flood is the largest thing in memory; kept small, it cannot hide what grows.
    "limits": {"journal_segment_bytes": 8 << 20, "shadow_connections": 64, "recorded_answer_bytes": 64 << 10},
    "deadlines": {
        "journal_segment_s": 5, "first_byte_s": 3, "total_s": 6, "connect_s": 1, "client_idle_s": 5,
    },
}  # fmt: skip
pytestmark = [pytest.mark.slow, pytest.mark.timeout(SOAK_S + 240)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One process at one instant. Memory is what is its own: pages of the mapped journal are the system's."""

    module: str
    at_s: float
    own_bytes: int
    files: int


def sample_of(module: str, pid: int, *, at_s: float) -> Sample:
    """Now."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    own_kib = next(int(line.split()[1]) for line in lines if line.startswith("RssAnon:"))
    return Sample(module=module, at_s=at_s, own_bytes=own_kib << 10, files=psutil.Process(pid).num_fds())


@dataclass(kw_only=True)
class Soak:
    """The watcher of one soak."""

    here: Service
    candidate: TargetProcess
    load: Load
    samples: list[Sample]

    async def run(self) -> None:
        """The whole soak, then until all is at rest."""
        began_s = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.load.go_on())
            while (at_s := time.monotonic() - began_s) < SOAK_S:
                self.candidate_turns(at_s)
                self.look(at_s)
                await self.here.account()  # the identities hold, whatever is under way
                await asyncio.sleep(SAMPLE_EVERY_S)
            self.load.stopping = True
        self.candidate.turn("ok")
        await until(self.rests)

    def candidate_turns(self, at_s: float) -> None:
        """Another mood when it is time."""
        self.candidate.turn(MODES[int(at_s / FLIP_EVERY_S) % len(MODES)])

    def look(self, at_s: float) -> None:
        """One sample of every process."""
        for module in MODULES:
            self.samples += [sample_of(module, pid, at_s=at_s) for pid in self.here.pids(module)]

    async def rests(self) -> bool:
        """Nothing is under way, and no client connection is open."""
        account = await self.here.account()
        client, targets = account["client"], account["targets"].values()
        open_connections = client["connections"] - client["closed"]
        return not open_connections and all(one["in_flight"] == one["undecided"] == 0 for one in targets)


def quarter(samples: list[Sample], module: str, number: int) -> list[Sample]:
    """Those of one process in one quarter of the soak, counted from 0."""
    edge_s = SOAK_S / 4
    return [one for one in samples if one.module == module and int(one.at_s / edge_s) == number]


def growth(samples: list[Sample], module: str) -> list[str]:
    """What is wrong with the last quarter's medians beside the second's."""
    second, last = quarter(samples, module, 1), quarter(samples, module, 3)
    own = [statistics.median(one.own_bytes for one in part) for part in (second, last)]
    files = [statistics.median(one.files for one in part) for part in (second, last)]
    peak = max(one.own_bytes for one in samples if one.module == module)
    figures = (
        f"{module}: {own[0] / 2**20:.1f} -> {own[1] / 2**20:.1f} MiB own, peak {peak / 2**20:.1f}; "
        f"{files[0]:.0f} -> {files[1]:.0f} files"
    )
    print(figures)
    grows = own[1] - own[0] > max(GROWTH_BYTES, GROWTH_SHARE * own[0]) or files[1] - files[0] > GROWTH_FILES
    return [figures] if grows else []


def test_nothing_grows_and_nothing_is_lost_sight_of(tmp_path: Path) -> None:
    """Flat memory and files, identities at every sample, every answer right, every request recorded."""

    async def scene(here: Service, candidate: TargetProcess) -> tuple[Soak, dict[str, Any]]:  # Any: JSON
        await here.start()
        await until(here.is_recording)
        load = Load(port=here.port, per_s=PER_S, clients=CLIENTS, chance=random.Random(SEED))
        soak = Soak(here=here, candidate=candidate, load=load, samples=[])
        await soak.run()
        account = await here.account()
        assert await here.stop() == 0
        return soak, account

    with two_targets() as both, service(tmp_path, targets=targets_of(*both), **SETTINGS) as here:
        soak, account = asyncio.run(scene(here, both[1]))
        write_samples(tmp_path / "samples.csv", soak.samples)
        check_account(account, soak.load)
        check_record(here.record, soak.load, account)
    assert [figures for module in MODULES for figures in growth(soak.samples, module)] == []


def write_samples(path: Path, samples: list[Sample]) -> None:
    """For whoever wants to see the curve."""
    lines = [f"{one.at_s:.1f},{one.module},{one.own_bytes},{one.files}" for one in samples]
    path.write_text("\n".join(["at_s,module,own_bytes,files", *lines, ""]))
    print(f"every sample is in {path}")


def check_account(account: dict[str, Any], load: Load) -> None:  # Any: JSON
    """Exactly what was asked was taken up, refused, answered, copied or dropped."""
    print(f"seed {SEED}: {dict(load.done)}; {account['targets']['candidate']}")
    assert account["requests"] == load.asked
    assert account["client"]["refused_requests"] == load.done["malformed"]
    assert account["journal"]["dropped"] == 0
    assert account["workers"]["restarts"] == 0
    baseline, candidate = account["targets"]["baseline"], account["targets"]["candidate"]
    assert baseline["endings"]["ok"] + baseline["endings"]["cancelled"] == load.asked
    assert baseline["endings"]["cancelled"] <= load.done["left early"]
    assert sum(candidate["endings"].values()) + sum(candidate["dropped"].values()) == load.asked
    assert candidate["endings"]["ok"] > 0
    assert candidate["endings"]["timeout"] > 0
    assert candidate["endings"]["reset"] > 0


def check_record(folder: Path, load: Load, account: dict[str, Any]) -> None:  # Any: JSON
    """A row for every request and target, sent or not."""
    assert unread(folder) == []
    rows = table(folder, "exchanges", ["request_id", "target", "outcome"])
    pairs = {(row["request_id"], row["target"]) for row in rows.to_pylist()}
    assert len(pairs) == rows.num_rows == 2 * load.asked
    assert table(folder, "requests", ["id"]).num_rows == load.asked
    dropped = sum(outcome.startswith("dropped:") for outcome in rows.column("outcome").to_pylist())
    assert dropped == sum(account["targets"]["candidate"]["dropped"].values())
