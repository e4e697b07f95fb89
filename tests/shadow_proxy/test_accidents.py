"""What goes wrong around a proxy in operation: none of it may end the service or fool the operator."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from shadow_proxy.testing import answering
from tests.shadow_proxy.certificates import issue
from tests.shadow_proxy.test_operation import TOKEN, ask, change
from tests.shadow_proxy.test_processes import Running, proxy, run, start, worker_of

pytestmark = pytest.mark.slow
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, object]:
    (tmp_path / "token").write_text(TOKEN)
    return {"admin_token_file": str(tmp_path / "token")}


def edit(folder: Path, **keys: object) -> None:
    path = folder / "proxy.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **keys}))


def with_adapter(folder: Path, name: str) -> list[dict[str, object]]:
    targets = json.loads((folder / "proxy.json").read_text())["targets"]
    return [targets[0], {**targets[1], "adapter": name}]


async def restarts(here: Running) -> int:
    return int((await change(here, "GET", "/accounting"))[1]["workers"]["restarts"])


async def killed_and_back(here: Running) -> None:
    before = await restarts(here)
    os.kill(worker_of(here.process.pid)[0], signal.SIGKILL)
    while await restarts(here) == before:
        pass
    assert await ask(await here.connect(), 9) == b"ok"


@pytest.mark.parametrize(
    "printed", ["{}", '{"order": 1}', "{", "[1]", "x" * 15_000, '{"order": 1, "problem": "no"}']
)
def test_an_adapter_may_print_what_it_likes(
    tmp_path: Path, settings: dict[str, object], monkeypatch: pytest.MonkeyPatch, printed: str
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "chatty.py").write_text(
        f"def adapt(body):\n    print({printed!r}, flush=True)\n    return body\n"
    )

    async def scene() -> None:
        async with proxy(tmp_path, primary=answering(OK), candidate=answering(OK), **settings) as here:
            edit(tmp_path, targets=with_adapter(tmp_path, "chatty:adapt"))
            assert (await change(here, "POST", "/reload"))[0] == 200
            for number in range(3):
                assert await ask(await here.connect(), number) == b"ok"
            assert (await change(here, "PATCH", "/shares", {"mirror": 0.5}))[0] == 200
            assert await restarts(here) == 0
            assert await here.stop() == 0

    run(scene)


@pytest.mark.parametrize("source", ["def adapt(body) return", "import os; os.environ['NOT_THERE']", "1 / 0"])
def test_an_adapter_that_cannot_be_loaded_is_refused_and_nothing_changes(
    tmp_path: Path, settings: dict[str, object], monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "broken.py").write_text(source)

    async def scene() -> None:
        async with proxy(tmp_path, primary=answering(OK), candidate=answering(OK), **settings) as here:
            edit(tmp_path, targets=with_adapter(tmp_path, "broken:adapt"))
            status, answer = await change(here, "POST", "/reload")
            assert status == 422
            assert "adapter" in answer["problem"]
            await killed_and_back(here)
            assert await here.stop() == 0

    run(scene)


@pytest.mark.parametrize("refused", [{"access_log": "/no/such/folder/log"}, {"targets": []}])
def test_after_a_refused_reload_a_new_worker_serves_as_before(
    tmp_path: Path, settings: dict[str, object], refused: dict[str, object]
) -> None:
    async def scene() -> None:
        async with proxy(tmp_path, primary=answering(OK), candidate=answering(OK), **settings) as here:
            edit(tmp_path, **refused)
            assert (await change(here, "POST", "/reload"))[0] == 422
            await killed_and_back(here)
            assert (await change(here, "GET", "/accounting"))[1]["problems"] == []
            assert await here.stop() == 0

    run(scene)


def test_a_key_with_a_passphrase_is_refused_and_nobody_is_asked_for_it(
    tmp_path: Path, settings: dict[str, object]
) -> None:
    issued = issue(tmp_path / "issued")
    locked = tmp_path / "locked.pem"
    command = ["openssl", "rsa", "-aes128", "-passout", "pass:x", "-in", str(issued.key), "-out", str(locked)]
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl")
    if subprocess.run(command, check=False, capture_output=True).returncode:
        command[1] = "ec"
        subprocess.run(command, check=True, capture_output=True)

    async def scene() -> None:
        async with proxy(tmp_path, primary=answering(OK), candidate=answering(OK), **settings) as here:
            targets = json.loads((tmp_path / "proxy.json").read_text())["targets"]
            tls = {"certificate": str(issued.certificate), "key": str(locked)}
            edit(tmp_path, targets=[targets[0], {**targets[1], "url": "https://127.0.0.1:1", "tls": tls}])
            status, answer = await change(here, "POST", "/reload")
            assert status == 422
            assert "passphrase" in answer["problem"]
            assert await ask(await here.connect(), 1) == b"ok"
            assert await here.stop() == 0

    run(scene)


@pytest.mark.parametrize(
    "wrong", [{"access_log": "/no/such/folder/log"}, {"canary": {"sticky": {"by": "json", "name": "a["}}}]
)
def test_what_no_worker_could_start_with_ends_the_start(tmp_path: Path, wrong: dict[str, object]) -> None:
    async def scene() -> None:
        path = tmp_path / "proxy.json"
        targets = [{"name": "baseline", "role": "baseline", "url": "http://127.0.0.1:1"}]
        path.write_text(json.dumps({"listen": "127.0.0.1:0", "targets": targets, **wrong}))
        process = await start(path)
        _, said = await process.communicate()
        assert process.returncode == 2
        assert b"Traceback" not in said

    run(scene)


def test_standard_output_can_be_the_access_log(tmp_path: Path, settings: dict[str, object]) -> None:
    async def scene() -> None:
        settings["access_log"] = "/dev/stdout"
        async with proxy(tmp_path, primary=answering(OK), candidate=answering(OK), **settings) as here:
            for number in range(3):
                assert await ask(await here.connect(), number) == b"ok"
            assert await here.stop() == 0
            assert here.process.stderr is not None
            lines = (await here.process.stderr.read()).splitlines()
            assert sum(line.startswith(b'{"at"') for line in lines) == 3

    run(scene)


def test_reloads_cost_no_file_handles(tmp_path: Path, settings: dict[str, object]) -> None:
    async def scene() -> None:
        async with proxy(tmp_path, primary=answering(OK), candidate=answering(OK), **settings) as here:
            assert await ask(await here.connect(), 1) == b"ok"

            def handles() -> list[int]:
                processes = [here.process.pid, *worker_of(here.process.pid)]
                return [psutil.Process(pid).num_fds() for pid in processes]

            await change(here, "POST", "/reload")
            before = handles()
            for number in range(15):
                edit(tmp_path, mirror=number / 20)
                assert (await change(here, "POST", "/reload"))[0] == 200
            assert all(after <= earlier + 3 for after, earlier in zip(handles(), before, strict=True))
            assert await here.stop() == 0

    run(scene)


def test_a_change_reaches_a_worker_that_is_just_starting(tmp_path: Path, settings: dict[str, object]) -> None:
    async def scene() -> None:
        async with proxy(tmp_path, primary=answering(OK), candidate=answering(OK), **settings) as here:
            for share in (1.0, 0.0, 1.0, 0.0):
                os.kill(worker_of(here.process.pid)[0], signal.SIGKILL)
                status = 0
                while status != 200:  # one that catches the worker dying is refused, and says so
                    status, _ = await change(here, "PATCH", "/shares", {"canary": share})
                before = (await change(here, "GET", "/accounting"))[1]["targets"]["candidate"]["primary"]
                assert await ask(await here.connect(), 1) == b"ok"
                after = (await change(here, "GET", "/accounting"))[1]["targets"]["candidate"]["primary"]
                assert after - before == share
            assert await here.stop() == 0

    run(scene)


def test_a_temporary_folder_that_was_tidied_away_ends_nothing(
    tmp_path: Path, settings: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))

    async def scene() -> None:
        async with proxy(tmp_path, primary=answering(OK), candidate=answering(OK), **settings) as here:
            for folder in scratch.iterdir():
                shutil.rmtree(folder)
            await killed_and_back(here)
            edit(tmp_path, mirror=0.5)
            here.process.send_signal(signal.SIGHUP)
            while (await change(here, "GET", "/shares"))[1]["mirror"] != 0.5:
                pass
            assert await ask(await here.connect(), 2) == b"ok"
            assert await here.stop() == 0

    run(scene)


def test_the_admin_port_lets_only_so_many_in(tmp_path: Path, settings: dict[str, object]) -> None:
    async def scene() -> None:
        async with proxy(tmp_path, primary=answering(OK), candidate=answering(OK), **settings) as here:
            port = int(here.admin.rpartition(":")[2])
            slow = [await asyncio.open_connection("127.0.0.1", port) for _ in range(100)]
            assert psutil.Process(here.process.pid).num_fds() < 100
            for _, writer in slow:
                writer.close()
            while True:
                try:
                    assert (await here.get("/healthz"))[0] == 200
                    break
                except OSError:
                    continue
            assert await here.stop() == 0

    run(scene)
