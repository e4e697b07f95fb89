"""A disk that is full, limited or not there, at the start and in mid-run: records are dropped and counted,
traffic never is, and recording goes on when there is room again."""

import asyncio
import contextlib
import itertools
import os
import resource
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.end_to_end.soak_client import Client
from tests.end_to_end.soak_messages import answer_body, request_bytes
from tests.end_to_end.soak_service import Service, service, table, targets_of, two_targets, unread, until

DISK_MIB = 24
SEGMENT_BYTES = 4 << 20
RECORDS_OF_A_REQUEST = 3  # what was asked, and one exchange with each target
SETTINGS: dict[str, Any] = {  # Any: JSON
    "limits": {"journal_segment_bytes": SEGMENT_BYTES},
    "deadlines": {"journal_segment_s": 0.3, "journal_sync_s": 0.1, "drain_s": 5},
}
pytestmark = pytest.mark.slow


@dataclass(kw_only=True)
class Traffic:
    """One client that must always be answered, and rightly."""

    here: Service
    asked: int = 0
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    async def ask(self) -> str:
        """One request; its id."""
        name = f"d{next(self._numbers)}"
        client = Client(self.here.port)
        answer = await client.ask(request_bytes(name, "/fixed/3000", body=b"x" * 3000))
        client.close()
        assert answer.status == 200
        assert bytes(answer.body) == answer_body("/fixed/3000", request_id=name.encode(), body=b"x" * 3000)
        self.asked += 1
        return name

    async def until_dropped(self) -> None:
        """Ask until a record was dropped."""
        before = await self.dropped()

        async def dropping() -> bool:
            await self.ask()
            return await self.dropped() > before

        await until(dropping)

    async def until_recorded(self) -> None:
        """Ask until what was asked is in the Parquet files."""

        names: set[str] = set()

        async def recording() -> bool:
            names.add(await self.ask())
            rows = set(table(self.here.record, "exchanges", ["request_id"]).column("request_id").to_pylist())
            return bool(rows & names)

        await until(recording)

    async def dropped(self) -> int:
        """What the account says, which is what the metrics say."""
        _, page = await self.here.get("/metrics")
        line = next(x for x in page.splitlines() if x.startswith("sparring_proxy_journal_dropped_total "))
        return int(float(line.split()[1]))


async def check_all_accounted_for(traffic: Traffic) -> None:
    """Every record was appended or dropped, and whatever was appended is a row."""
    here = traffic.here

    async def rests() -> bool:
        account = await here.account()
        return all(one["in_flight"] == one["undecided"] == 0 for one in account["targets"].values())

    await until(rests)
    account = await here.account()
    assert account["requests"] == traffic.asked
    assert account["workers"]["restarts"] == 0
    journal = account["journal"]
    assert journal["records"] + journal["dropped"] == RECORDS_OF_A_REQUEST * traffic.asked
    assert await here.stop() == 0
    assert unread(here.record) == []
    rows = table(here.record, "exchanges", ["request_id"]).num_rows
    assert rows + table(here.record, "requests", ["id"]).num_rows == journal["records"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of few megabytes, where this user may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "tmpfs", str(folder)],
        capture_output=True, check=False,
    )  # fmt: skip
    if mounted.returncode != 0:
        pytest.skip(f"mounting a small file system is not allowed here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(path: Path) -> None:
    """Use up what is left."""
    with contextlib.suppress(OSError), path.open("ab", buffering=0) as ballast:
        while True:
            ballast.write(bytes(1 << 12))


def test_a_disk_that_fills_up_costs_records_and_no_traffic_and_recording_resumes(
    tmp_path: Path, small_disk: Path
) -> None:
    """And whatever was appended is in the files in the end."""

    async def scene(here: Service) -> None:
        await here.start()
        traffic = Traffic(here=here)
        await traffic.until_recorded()
        ballast = small_disk / "ballast"
        fill(ballast)
        await traffic.until_dropped()
        ballast.unlink()
        await traffic.until_recorded()
        await check_all_accounted_for(traffic)

    settings = {**SETTINGS, "record": str(small_disk / "run")}
    with two_targets() as targets, service(tmp_path, targets=targets_of(*targets), **settings) as here:
        asyncio.run(scene(here))


def test_a_recorder_that_dies_on_a_full_disk_costs_no_traffic_and_comes_back(
    tmp_path: Path, small_disk: Path
) -> None:
    """Not a byte can be written when it is started again."""

    async def scene(here: Service) -> None:
        await here.start()
        traffic = Traffic(here=here)
        await traffic.until_recorded()
        ballast = small_disk / "ballast"
        fill(ballast)
        await traffic.until_dropped()
        fill(ballast)  # what the last segment did not need
        for pid in here.pids("sparring.recorder"):
            os.kill(pid, signal.SIGKILL)
        await until(lambda: says(here, "recorder: ended"))
        await traffic.until_dropped()
        ballast.unlink()
        await traffic.until_recorded()
        await check_all_accounted_for(traffic)

    settings = {**SETTINGS, "record": str(small_disk / "run")}
    with two_targets() as targets, service(tmp_path, targets=targets_of(*targets), **settings) as here:
        asyncio.run(scene(here))


def test_a_worker_that_may_write_no_more_says_so_and_serves(tmp_path: Path) -> None:
    """A limit on file sizes stands for every reason why a segment cannot be had; the log has the reason."""

    async def scene(here: Service) -> None:
        await here.start()
        traffic = Traffic(here=here)
        await traffic.until_recorded()
        worker = psutil.Process(here.pids("shadow_proxy.worker")[0])
        worker.rlimit(psutil.RLIMIT_FSIZE, (SEGMENT_BYTES // 2, resource.RLIM_INFINITY))
        await traffic.until_dropped()
        await until(lambda: says(here, "File too large"))
        worker.rlimit(psutil.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        await traffic.until_recorded()
        await check_all_accounted_for(traffic)

    with two_targets() as targets, service(tmp_path, targets=targets_of(*targets), **SETTINGS) as here:
        asyncio.run(scene(here))


async def says(here: Service, words: str) -> bool:
    """Whether its log has these words."""
    return words in here.said()


@pytest.mark.parametrize("command", [("shadow_proxy",), ("sparring", "proxy")], ids=" ".join)
def test_a_record_folder_that_cannot_be_made_costs_no_traffic_and_is_used_once_it_can(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    """A file stands where the folder should be; the log names it."""

    async def scene(here: Service) -> None:
        here.begin()
        await until(lambda: is_up_or_over(here))
        assert await here.is_up(), here.said()
        traffic = Traffic(here=here)
        await traffic.until_dropped()
        await until(lambda: says(here, "Not a directory"))
        in_the_way.unlink()
        await until_journaled(traffic)
        if command[0] == "sparring":
            await traffic.until_recorded()
        assert await here.stop() == 0

    in_the_way = tmp_path / "in-the-way"
    in_the_way.write_text("a file")
    settings = {**SETTINGS, "record": str(in_the_way / "run")}
    with two_targets() as targets, service(tmp_path, targets=targets_of(*targets), **settings) as here:
        here.command = command
        asyncio.run(scene(here))


async def is_up_or_over(here: Service) -> bool:
    """Whether it serves, or never will."""
    return await here.is_up() or here.process is None or here.process.poll() is not None


async def until_journaled(traffic: Traffic) -> None:
    """Ask until records are appended."""

    async def appending() -> bool:
        await traffic.ask()
        records: int = (await traffic.here.account())["journal"]["records"]
        return records > 0

    await until(appending)
