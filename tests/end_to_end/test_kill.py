"""kill -9 at random moments: what a client saw answered is recorded, and nobody has to repair anything."""

import asyncio
import contextlib
import hashlib
import os
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.kill_crowd import Crowd
from tests.end_to_end.soak_service import Service, service, table, targets_of, two_targets, unread, until

KILLS = int(os.environ.get("SPARRING_KILLS", "200"))
SEED = int(os.environ.get("SPARRING_KILL_SEED", "2611"))
WORKERS = 2
LONGEST_WAIT_S = 0.2
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PROXY, WORKER, RECORDER = "shadow_proxy", "shadow_proxy.worker", "sparring.recorder"
# Who is killed in a round, and how often: workers and recorders come back by themselves, and both at once is
# the common case; for the parent and the supervisor the test plays the service manager. A recorder is not
# started again at once, so that a round may find none.
ROUNDS: dict[tuple[str, ...], int] = {
    (WORKER,): 10,
    (WORKER, WORKER): 25,
    (RECORDER,): 5,
    (WORKER, RECORDER): 20,
    (WORKER, WORKER, RECORDER): 30,
    (PROXY,): 5,
    ("supervisor",): 5,
}
SETTINGS: dict[str, Any] = {  # Any: JSON
    "workers": WORKERS,
    "limits": {"journal_segment_bytes": 1 << 20},
    "deadlines": {"journal_segment_s": 0.3, "journal_sync_s": 0.1, "drain_s": 5, "first_byte_s": 5},
}


@dataclass(kw_only=True)
class Killer:
    """Kills, waits until all serve again, and keeps the account of what was lost."""

    here: Service
    chance: random.Random
    killed: Counter[str] = field(default_factory=Counter)
    slowest_s: dict[str, float] = field(default_factory=dict)
    _lost_before: int = 0
    _lost: int = 0
    _restarts: int = 0

    @property
    def lost(self) -> int:
        """Copies that the proxies counted as lost, over all their lives."""
        return self._lost_before + self._lost

    async def round(self) -> None:
        """One seeded moment, one seeded choice of victims."""
        await asyncio.sleep(self.chance.uniform(0, LONGEST_WAIT_S))  # the moment is the seed's
        victims = self.chance.choices(list(ROUNDS), list(ROUNDS.values()))[0]
        began = time.monotonic()
        for module, count in Counter(victims).items():
            self._kill(module, count)
        if victims[0] in {PROXY, "supervisor"}:
            await self._start_again()
        await until(self._all_serve)
        await self._look()
        self.slowest_s[" and ".join(victims)] = max(
            self.slowest_s.get(" and ".join(victims), 0.0), time.monotonic() - began
        )

    def _kill(self, module: str, count: int) -> None:
        process = self.here.process
        assert process is not None
        pids = [process.pid] if module == "supervisor" else self.here.pids(module)
        for pid in self.chance.sample(pids, min(count, len(pids))):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                self.killed[module] += 1
                self._restarts += module == WORKER

    async def _start_again(self) -> None:
        process = self.here.process
        assert process is not None

        async def ended() -> bool:
            return process.poll() is not None

        await until(ended)  # it ends by itself when the parent is gone
        self._lost_before, self._lost, self._restarts = self.lost, 0, 0
        await self.here.start()

    async def _all_serve(self) -> bool:
        return await self.here.is_up() and await self._are_counted()

    async def _are_counted(self) -> bool:
        """A worker that has just been killed still counts as ready until its parent has noticed."""
        restarts: int = (await self.here.account())["workers"]["restarts"]
        return restarts >= self._restarts

    async def _look(self) -> None:
        account = await self.here.account()
        candidate = account["targets"]["candidate"]
        self._lost = candidate["endings"]["lost"] + candidate["dropped"]["lost"]


def test_what_a_client_saw_answered_survives_kills_of_any_process(tmp_path: Path) -> None:
    """Kill -9 of workers, recorder, parent and supervisor: every answered request has its rows, once."""

    async def scene(here: Service) -> tuple[Crowd, Killer]:
        await here.start()
        crowd = Crowd(port=here.port)
        killer = Killer(here=here, chance=random.Random(SEED))
        began = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(crowd.ask_on())
            while sum(killer.killed.values()) < KILLS:
                await killer.round()
            crowd.stopping = True
        print(f"seed {SEED}: {dict(killer.killed)} in {time.monotonic() - began:.0f} s, {here.starts} starts")
        print("slowest to serve again:", {name: f"{took:.2f} s" for name, took in killer.slowest_s.items()})
        await until(here.is_recording)
        assert await here.stop() == 0
        return crowd, killer

    with two_targets() as targets, service(tmp_path, targets=targets_of(*targets), **SETTINGS) as here:
        crowd, killer = asyncio.run(scene(here))
        print(f"{crowd.asked} asked, {len(crowd.answered)} answered, {killer.lost} copies counted as lost")
        check_rows(here.record, crowd=crowd, killer=killer)


def check_rows(folder: Path, *, crowd: Crowd, killer: Killer) -> None:
    """All is in the files, right, and once."""
    assert len(crowd.answered) > 10 * KILLS, "there was traffic"
    assert unread(folder) == []
    columns = ["request_id", "target", "outcome", "response_body"]
    rows = table(folder, "exchanges", columns).to_pylist()
    often = Counter((row["request_id"], row["target"]) for row in rows)
    assert [pair for pair, count in often.items() if count > 1] == []
    told = {row["request_id"]: row for row in rows if row["target"] == "baseline"}
    assert sorted(crowd.answered.keys() - told.keys()) == []
    for request_id, digest in crowd.answered.items():
        row = told[request_id]
        assert (row["outcome"], hashlib.sha256(row["response_body"]).hexdigest()) == ("ok", digest)
    requests = Counter(table(folder, "requests", ["id"]).column("id").to_pylist())
    assert sorted(crowd.answered.keys() - requests.keys()) == []
    assert max(requests.values()) == 1
    copied = {row["request_id"] for row in rows if row["target"] == "candidate"}
    without = crowd.answered.keys() - copied
    assert len(without) <= killer.lost
