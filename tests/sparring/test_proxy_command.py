"""`sparring proxy`: how flags join the file, what is printed, and what signals do to the service."""

import asyncio
import json
import os
import signal
import sys
import urllib.error
import urllib.request
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pyarrow.parquet as pq
import pytest
import yaml

from recording.documents import load_document, load_text
from recording.run_folder import RunFolder
from shadow_proxy.testing import FakeTarget, RawClient, Visit, answering
from sparring.main import main
from sparring.proxy_file import ProxyFile

ROOT = Path(__file__).parents[2]
PATIENCE_S = 30.0
POLL_S = 0.02
TOKEN = "0123456789abcdef0123456789abcdef"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
POST = b"POST /p HTTP/1.1\r\nHost: a\r\nX-Request-Id: r%d\r\nContent-Length: 5\r\n\r\nhello"

FILE = """\
listen: 127.0.0.1:8080
targets:
  - {name: baseline, role: baseline, url: "http://127.0.0.1:9001", connections: 7}
  - {name: next, role: candidate, url: "https://models.example:9002", headers: {set: {X-Arm: next}}}
mirror: 0.5
canary: {share: 0.1, sticky: {by: header, name: X-User}}
routes: [{path: /admin/*, unsafe: true}]
breaker: {failures: 5}
redact: {headers: [X-Patient]}
limits: {copy_bytes: 1000}
deadlines: {drain_s: 3}
predictions: {preset: kserve_v1}
seed: 7
"""

Document = dict[str, Any]  # Any: YAML or JSON


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "proxy.yaml"
    path.write_text(FILE)
    return path


def shown(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    assert main(["proxy", *map(str, words), "--show-config"]) == 0
    return capsys.readouterr().out


def loaded(text: str) -> ProxyFile:
    return load_text(text, ProxyFile, source="shown")


def test_what_show_config_prints_loads_again_as_the_same_configuration(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert loaded(shown(capsys, file)) == load_document(file, ProxyFile)


def test_show_config_prints_every_setting_defaults_included(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = yaml.safe_load(shown(capsys, file))
    assert document.keys() == ProxyFile.model_fields.keys()
    for name in ("limits", "deadlines", "redact", "predictions"):
        assert document[name].keys() == ProxyFile.model_fields[name].annotation.model_fields.keys()  # type: ignore[union-attr]  # they are models
    assert (document["limits"]["copy_bytes"], document["deadlines"]["total_s"]) == (1000, 600.0)


def test_flags_win_over_the_file(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = loaded(
        shown(
            capsys, file, "--listen", "0.0.0.0:80", "--mirror", 0, "--seed", 8, "--workers", 2,
            "--record", "runs", "--admin", "127.0.0.1:9101", "--admin-token-file", "token",
            "--access-log", "access.log",
        )
    )  # fmt: skip
    assert (config.listen, config.mirror, config.seed, config.workers) == ("0.0.0.0:80", 0.0, 8, 2)
    assert (config.record, config.admin) == (Path("runs"), "127.0.0.1:9101")
    assert (config.admin_token_file, config.access_log) == (Path("token"), Path("access.log"))
    assert config.targets == load_document(file, ProxyFile).targets


def test_targets_given_as_flags_replace_those_of_the_file(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = loaded(shown(capsys, file, "--baseline", "http://a:1", "--candidate", "other=http://b:2"))
    assert [(target.name, target.url) for target in config.targets] == [
        ("baseline", "http://a:1"),
        ("other", "http://b:2"),
    ]


def test_a_canary_share_given_as_a_flag_keeps_what_clients_stick_by(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    canary = loaded(shown(capsys, file, "--canary", 0.25)).canary
    assert (canary.share, canary.sticky.by, canary.sticky.name) == (0.25, "header", "X-User")


def test_a_canary_share_given_as_a_flag_replaces_a_bare_number(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(FILE.replace("canary: {share: 0.1, sticky: {by: header, name: X-User}}", "canary: 0.1"))
    assert loaded(shown(capsys, file, "--canary", 0.25)).canary.share == 0.25


def test_flags_alone_are_enough(capsys: pytest.CaptureFixture[str]) -> None:
    config = loaded(
        shown(
            capsys, "--baseline", "http://a:1", "--candidate", "http://b:2", "--candidate", "http://c:3",
            "--reference", "old=unix:/run/old.sock",
        )
    )  # fmt: skip
    assert [target.name for target in config.targets] == ["baseline", "candidate", "candidate-2", "old"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (FILE + "mirorr: 1\n", "mirror"),
        (FILE + "seed: [\n", "not valid YAML"),
        ("- a\n", "mapping"),
        ("seed: 1\n", "no targets"),
    ],
)
def test_a_file_that_cannot_be_used_is_the_users_mistake_with_and_without_flags(
    file: Path, capsys: pytest.CaptureFixture[str], text: str, words: str
) -> None:
    file.write_text(text)
    for flags in ([], ["--workers", "1"]):
        assert main(["proxy", str(file), *flags, "--show-config"]) == 2
        said = capsys.readouterr().err
        assert words in said or (not flags and "targets" in said)
        assert str(file) in said or "--baseline" in said


# What it does as processes.


@dataclass(kw_only=True)
class Running:
    """The command as a process, and the file that holds all it said."""

    process: Process
    log: Path

    def announced(self, words: str) -> list[str]:
        lines = self.log.read_text().splitlines()
        return [line.removeprefix(words) for line in lines if line.startswith(words)]

    async def until_said(self, words: str, *, times: int = 1) -> None:
        await until(lambda: self.log.read_text().count(words) >= times)

    async def connect(self) -> RawClient:
        host, _, port = self.announced("listening on ")[-1].rpartition(":")
        return RawClient(*await asyncio.open_connection(host, int(port)))

    async def ask(self, number: int) -> bytes:
        client = await self.connect()
        await client.send(POST % number)
        answer, body = await client.answer()
        client.close()
        assert answer.status == 200
        return body

    async def admin(self, path: str, *, method: str = "GET") -> tuple[int, Document]:
        return await asyncio.to_thread(asked, self.announced("admin on ")[-1] + path, method)

    def children(self, module: str) -> list[int]:
        ours = psutil.Process(self.process.pid).children(recursive=True)
        return [child.pid for child in ours if module in child.cmdline()]

    async def stop(self) -> int:
        self.process.terminate()
        async with asyncio.timeout(PATIENCE_S):
            return await self.process.wait()


def asked(url: str, method: str = "GET") -> tuple[int, Document]:
    request = urllib.request.Request(url, method=method, headers={"Authorization": f"Bearer {TOKEN}"})
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110  # what another process does is no event of ours
            await asyncio.sleep(POLL_S)


@asynccontextmanager
async def command(folder: Path, *flags: str) -> AsyncIterator[Running]:
    """`sparring proxy` with flags, once it serves."""
    log = folder / "console.txt"
    with log.open("wb") as said:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "sparring", "proxy", *flags, stdout=said, stderr=said, cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "SPARRING_ADMIN_TOKEN": TOKEN},
        )  # fmt: skip
    here = Running(process=process, log=log)
    try:
        await until(lambda: bool(here.announced("admin on ")) or process.returncode is not None)
        yield here
    finally:
        if process.returncode is None:
            process.terminate()
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), PATIENCE_S)


@asynccontextmanager
async def targets(*answers: bytes) -> AsyncIterator[list[str]]:
    """URLs of model servers that each give one answer."""
    fakes = [FakeTarget(answering(answer)) for answer in answers]
    try:
        yield [await fake.start() for fake in fakes]
    finally:
        for fake in fakes:
            await fake.stop()


def written(folder: Path, urls: list[str], **settings: object) -> str:
    """A configuration file: the first is the baseline, the second the candidate."""
    roles = ["baseline", "candidate"]
    document = {
        "listen": "127.0.0.1:0",
        "admin": "127.0.0.1:0",
        "targets": [{"name": role, "role": role, "url": url} for role, url in zip(roles, urls, strict=False)],
        **settings,
    }
    path = folder / "proxy.yaml"
    path.write_text(yaml.safe_dump(document))
    return str(path)


def run(scene: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scene(), 100))


@pytest.mark.slow
@pytest.mark.parametrize("how", ["SIGHUP", "POST /reload"])
def test_a_reload_reads_the_edited_file_and_flags_still_win(tmp_path: Path, how: str) -> None:
    async def scene() -> None:
        async with targets(OK, OK.replace(b"ok", b"it")) as urls:
            file = written(tmp_path, urls[:1], mirror=0.5)
            async with command(tmp_path, file, "--mirror", "0.25") as here:
                assert await here.ask(1) == b"ok"
                written(tmp_path, [urls[1], urls[0]], mirror=0.75)
                if how == "SIGHUP":
                    here.process.send_signal(signal.SIGHUP)
                    await here.until_said("reloaded")
                else:
                    assert await here.admin("/reload", method="POST") == (200, {"reloaded": True})
                assert await here.ask(2) == b"it"
                assert (await here.admin("/shares"))[1] == {"canary": 0.0, "mirror": 0.25}
                assert await here.stop() == 0

    run(scene)


@pytest.mark.slow
def test_a_file_that_cannot_be_used_any_more_changes_nothing_and_is_named(tmp_path: Path) -> None:
    file = tmp_path / "proxy.yaml"

    async def scene() -> None:
        async with (
            targets(OK) as urls,
            command(tmp_path, written(tmp_path, urls), "--mirror", "0.25") as here,
        ):
            for text, words in (("mirror: [\n", "not valid YAML"), ("mirorr: 1\n", "no targets")):
                file.write_text(text)
                here.process.send_signal(signal.SIGHUP)
                await here.until_said(words)
                assert await here.ask(1) == b"ok"
            assert len(here.announced("not reloaded: ")) == 2
            assert await here.stop() == 0

    run(scene)


@pytest.mark.slow
def test_sigterm_drains_and_leaves_files_instead_of_a_journal(tmp_path: Path) -> None:
    go_on = asyncio.Event()
    asked = 20

    async def slow(visit: Visit) -> None:
        while (seen := await visit.request()) is not None:
            if seen.head.target == b"/slow":
                await go_on.wait()
            await visit.say(OK)

    async def scene() -> None:
        baseline = FakeTarget(slow)
        async with targets(OK) as urls:
            file = written(tmp_path, [await baseline.start(), *urls], record=str(tmp_path / "run"))
            async with command(tmp_path, file) as here:
                for number in range(asked - 1):
                    assert await here.ask(number) == b"ok"
                waiting = await here.connect()
                await waiting.send(POST.replace(b"/p", b"/slow") % asked)
                await until(lambda: any(seen.head.target == b"/slow" for seen in baseline.seen))
                ours = psutil.Process(here.process.pid).children(recursive=True)
                here.process.terminate()
                await until(lambda: not accepts(here))
                go_on.set()
                assert (await waiting.answer())[1] == b"ok"
                assert await here.process.wait() == 0
                await until(lambda: not any(process.is_running() for process in ours))
        await baseline.stop()

    run(scene)
    folder = RunFolder(tmp_path / "run")
    assert list(folder.journal.glob("*/*.seg")) == []
    rows = [row for path in folder.exchange_files() for row in pq.read_table(path).to_pylist()]
    assert sum(row["target"] == "baseline" and row["outcome"] == "ok" for row in rows) == asked
    assert sum(row["target"] == "candidate" for row in rows) == asked
    assert sum(pq.read_metadata(path).num_rows for path in folder.exchange_files("requests")) == asked
    assert json.loads(folder.accounting.read_text())["problems"] == []


def accepts(here: Running) -> bool:
    host, _, port = here.announced("listening on ")[-1].rpartition(":")
    connections = psutil.net_connections("tcp4")
    return any(c.status == psutil.CONN_LISTEN and c.laddr == (host, int(port)) for c in connections)


@pytest.mark.slow
def test_the_recorders_page_is_announced_when_it_answers_and_again_after_it_was_killed(
    tmp_path: Path,
) -> None:
    words = "recorder: metrics on "

    async def scene() -> None:
        async with targets(OK) as urls:
            file = written(tmp_path, urls)
            async with command(tmp_path, file, "--record", str(tmp_path / "run")) as here:
                for times in (1, 2):
                    await here.until_said(words, times=times)
                    page = here.announced(words)[-1]
                    health = await asyncio.to_thread(
                        urllib.request.urlopen, page.replace("metrics", "healthz")
                    )
                    assert health.status == 200
                    health.close()
                    assert await here.ask(times) == b"ok"
                    if times == 1:
                        [recorder] = here.children("sparring.recorder")
                        os.kill(recorder, signal.SIGKILL)
                assert await here.stop() == 0

    run(scene)
    exchanges = RunFolder(tmp_path / "run").exchange_files()
    assert sum(pq.read_metadata(path).num_rows for path in exchanges) == 2
