"""The proxy as processes: ready, counted over workers, drained by SIGTERM, and nothing lost to kill -9."""

import asyncio
import json
import os
import signal
import sys
import urllib.error
import urllib.request
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from recording.exchange import Exchange, RequestSeen
from recording.journal import EXCHANGE
from recording.journal_codec import decode_exchange, decode_request
from recording.journal_reader import JournalReader
from shadow_proxy.testing import Behaviour, FakeTarget, RawClient, Visit, answering

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
POST = b"POST /p HTTP/1.1\r\nHost: a\r\nX-Request-Id: %d\r\nContent-Length: 5\r\n\r\nhello"
START_S = 30
pytestmark = pytest.mark.slow

Document = dict[str, Any]  # Any: JSON


@dataclass(kw_only=True)
class Running:
    """A proxy process and where it is."""

    process: Process
    port: int
    admin: str
    folder: Path

    async def connect(self) -> RawClient:
        return RawClient(*await asyncio.open_connection("127.0.0.1", self.port))

    async def accepts(self) -> bool:
        try:
            (await self.connect()).close()
        except ConnectionError:
            return False
        return True

    async def get(self, path: str) -> tuple[int, str]:
        return await asyncio.to_thread(fetch, self.admin + path)

    async def account(self) -> Document:
        document: Document = json.loads((await self.get("/accounting"))[1])
        return document

    async def stop(self) -> int:
        self.process.terminate()
        async with asyncio.timeout(START_S):
            return await self.process.wait()


def fetch(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@asynccontextmanager
async def proxy(
    folder: Path, *, primary: Behaviour, candidate: Behaviour, **settings: object
) -> AsyncIterator[Running]:
    targets = {"baseline": FakeTarget(primary), "candidate": FakeTarget(candidate)}
    urls = {name: await target.start() for name, target in targets.items()}
    config = {
        "listen": "127.0.0.1:0",
        "admin": "127.0.0.1:0",
        "record": str(folder / "run"),
        "targets": [{"name": name, "role": name, "url": url} for name, url in urls.items()],
        **settings,
    }
    path = folder / "proxy.json"
    path.write_text(json.dumps(config))
    process = await start(path)
    try:
        assert process.stdout is not None
        async with asyncio.timeout(START_S):
            ready = json.loads(await process.stdout.readline())
        assert ready["ready"] is True
        _, _, port = ready["listen"][0].rpartition(":")
        yield Running(
            process=process,
            port=int(port) if port.isdigit() else 0,
            admin=ready["admin"],
            folder=folder / "run",
        )
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        for target in targets.values():
            await target.stop()


async def start(config: Path) -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "shadow_proxy", str(config), stdout=PIPE, stderr=PIPE
    )


def rows(folder: Path) -> tuple[list[RequestSeen], list[Exchange]]:
    """All records of all workers."""
    requests, exchanges = [], []
    for journal in sorted((folder / "journal").iterdir()):
        for entry in JournalReader(journal).read():
            if entry.kind == EXCHANGE:
                exchanges.append(decode_exchange(entry.payload))
            else:
                requests.append(decode_request(entry.payload))
    return requests, exchanges


def run(scene: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scene(), 90))


def worker_of(parent: int) -> list[int]:
    return [
        int(child)
        for path in Path(f"/proc/{parent}/task").glob("*/children")
        for child in path.read_text().split()
    ]


def test_two_workers_add_up_and_the_admin_port_says_so(tmp_path: Path) -> None:
    async def scene() -> None:
        async with proxy(tmp_path, primary=answering(OK), candidate=answering(OK), workers=2) as here:
            clients = [await here.connect() for _ in range(40)]
            for number, client in enumerate(clients):
                await client.send(POST % number)
            for client in clients:
                assert (await client.answer())[0].status == 200
            assert (await here.get("/healthz"))[0] == 200
            assert (await here.get("/readyz"))[0] == 200
            metrics = (await here.get("/metrics"))[1]
            assert "sparring_proxy_requests_total 40.0" in metrics
            assert 'sparring_proxy_sent_total{role="baseline",target="baseline"} 40.0' in metrics
            for client in clients:
                client.close()
            assert await here.stop() == 0
            account = json.loads((here.folder / "accounting.json").read_text())
            assert account["requests"] == 40
            assert account["problems"] == []
            assert account["targets"]["candidate"]["mirrored"] == 40
            assert account["targets"]["candidate"]["endings"]["ok"] == 40
            requests, exchanges = rows(here.folder)
            assert {one.request_id for one in requests} == {str(number) for number in range(40)}
            assert len(exchanges) == 80
            journals = sorted((here.folder / "journal").iterdir())
            assert [path.name for path in journals] == ["exchanges-0", "exchanges-1"]
            assert all(JournalReader(path).read(1) for path in journals), "both workers served"

    run(scene)


def test_sigterm_answers_what_is_under_way_closes_and_exits_0(tmp_path: Path) -> None:
    async def scene() -> None:
        gate = asyncio.Event()

        async def gated(visit: Visit) -> None:
            while await visit.request() is not None:
                await gate.wait()
                await visit.say(OK)

        async with proxy(tmp_path, primary=gated, candidate=gated) as here:
            busy, idle = await here.connect(), await here.connect()
            await busy.send(POST % 1)
            while (await here.account())["targets"]["candidate"]["in_flight"] != 1:
                pass
            here.process.terminate()
            assert await idle.rest() == b""
            while await here.accepts():
                pass
            assert (await here.get("/readyz"))[0] == 503
            gate.set()
            answer, body = await busy.answer()
            assert (body, answer.keep_alive) == (b"ok", False)
            assert await here.process.wait() == 0
            account = json.loads((here.folder / "accounting.json").read_text())
            assert account["targets"]["candidate"]["endings"]["ok"] == 1
            _, exchanges = rows(here.folder)
            assert sorted((one.target, one.outcome) for one in exchanges) == [
                ("baseline", "ok"), ("candidate", "ok"),
            ]  # fmt: skip

    run(scene)


def test_what_was_answered_before_a_kill_is_in_the_journal_and_the_worker_comes_back(tmp_path: Path) -> None:
    async def scene() -> None:
        async with proxy(tmp_path, primary=answering(OK), candidate=answering(OK)) as here:
            answered = []
            worker = worker_of(here.process.pid)[0]
            client = await here.connect()
            for number in range(200):
                await client.send(POST % number)
                assert (await client.answer())[0].status == 200
                answered.append(str(number))
            os.kill(worker, signal.SIGKILL)
            again = await here.connect()
            await again.send(POST % 1000)
            assert (await again.answer())[0].status == 200
            account = await here.account()
            assert account["workers"]["restarts"] == 1
            assert account["requests"] == 201
            assert account["problems"] == []
            assert await here.stop() == 0
            requests, exchanges = rows(here.folder)
            primary = {one.request_id for one in exchanges if one.target == "baseline"}
            assert primary == {*answered, "1000"}
            assert {one.request_id for one in requests} == primary
            account = json.loads((here.folder / "accounting.json").read_text())
            candidate = account["targets"]["candidate"]
            assert candidate["mirrored"] + sum(candidate["dropped"].values()) == 201
            assert candidate["in_flight"] == 0

    run(scene)


def test_a_worker_killed_with_requests_under_way_leaves_them_as_lost(tmp_path: Path) -> None:
    async def scene() -> None:
        async def hang(visit: Visit) -> None:
            await visit.closed_by_proxy()

        async with proxy(tmp_path, primary=hang, candidate=hang) as here:
            clients = [await here.connect() for _ in range(3)]
            for number, client in enumerate(clients):
                await client.send(POST % number)
            while (await here.account())["targets"]["candidate"]["in_flight"] != 3:
                pass
            os.kill(worker_of(here.process.pid)[0], signal.SIGKILL)
            while (await here.account())["workers"]["restarts"] != 1:
                pass
            account = await here.account()
            assert account["problems"] == []
            for target in account["targets"].values():
                assert target["endings"]["lost"] == 3
                assert target["in_flight"] == target["undecided"] == 0

    run(scene)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"targets": []}', "baseline"),
        ('{"targets": [], "mirorr": 1}', "mirror"),
        ('{"targets": [{"name": "b", "role": "baseline", "url": "ftp://x"}]}', "http://HOST:PORT"),
        (
            '{"listen": "nowhere", "targets": [{"name": "b", "role": "baseline", "url": "http://x"}]}',
            "HOST:PORT",
        ),
    ],
)
def test_a_configuration_that_cannot_be_used_ends_with_2_and_says_why(
    tmp_path: Path, text: str, words: str
) -> None:
    async def scene() -> None:
        path = tmp_path / "proxy.json"
        path.write_text(text)
        process = await start(path)
        _, said = await process.communicate()
        assert process.returncode == 2
        assert words in said.decode()
        assert "Traceback" not in said.decode()

    run(scene)


def test_a_port_that_is_taken_ends_with_2(tmp_path: Path) -> None:
    async def scene() -> None:
        async with proxy(tmp_path, primary=answering(OK), candidate=answering(OK)) as here:
            path = tmp_path / "second.json"
            targets = [{"name": "b", "role": "baseline", "url": "http://127.0.0.1:1"}]
            path.write_text(json.dumps({"listen": f"127.0.0.1:{here.port}", "targets": targets}))
            process = await start(path)
            _, said = await process.communicate()
            assert process.returncode == 2
            assert "cannot listen" in said.decode()
            assert await here.stop() == 0

    run(scene)
