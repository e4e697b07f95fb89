"""The proxy in operation, as processes: changed, reloaded and killed under way without a client noticing."""

import asyncio
import json
import os
import signal
import ssl
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from shadow_proxy.testing import FakeTarget, RawClient, answering
from tests.shadow_proxy.certificates import issue
from tests.shadow_proxy.test_processes import POST, Running, proxy, run, worker_of

pytestmark = pytest.mark.slow
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
NEW = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnew"
TOKEN = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def token(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(TOKEN)
    return path


async def change(here: Running, method: str, path: str, body: object = None) -> tuple[int, Any]:  # Any: JSON
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with (
        ClientSession(headers=headers) as session,
        session.request(method, here.admin + path, json=body) as answer,
    ):
        return answer.status, await answer.json()


async def ask(client: RawClient, number: int) -> bytes:
    await client.send(POST % number)
    answer, body = await client.answer()
    assert answer.status == 200
    return body


def test_a_share_set_at_run_time_holds_in_all_workers_and_in_those_started_later(
    tmp_path: Path, token: Path
) -> None:
    async def scene() -> None:
        settings = {"workers": 2, "admin_token_file": str(token)}
        async with proxy(tmp_path, primary=answering(OK), candidate=answering(NEW), **settings) as here:
            clients = [await here.connect() for _ in range(20)]
            assert {await ask(client, n) for n, client in enumerate(clients)} == {b"ok"}
            status, shares = await change(here, "PATCH", "/shares", {"canary": 1})
            assert (status, shares) == (200, {"canary": 1.0, "mirror": 1.0})
            assert {await ask(client, 100 + n) for n, client in enumerate(clients)} == {b"new"}
            for worker in worker_of(here.process.pid):
                os.kill(worker, signal.SIGKILL)
            while (await change(here, "GET", "/accounting"))[1]["workers"]["restarts"] != 2:
                pass
            assert await ask(await here.connect(), 200) == b"new"
            account = (await change(here, "GET", "/accounting"))[1]
            assert account["problems"] == []
            assert account["targets"]["candidate"]["primary"] == 21
            assert account["targets"]["baseline"]["primary"] == 20
            assert await here.stop() == 0

    run(scene)


@pytest.mark.parametrize("how", ["SIGHUP", "POST /reload"])
def test_a_reload_keeps_every_connection_and_every_count(tmp_path: Path, token: Path, how: str) -> None:
    async def scene() -> None:
        settings = {"workers": 2, "admin_token_file": str(token)}
        async with proxy(tmp_path, primary=answering(OK), candidate=answering(OK), **settings) as here:
            clients = [await here.connect() for _ in range(10)]
            for number, client in enumerate(clients):
                await ask(client, number)
            other = FakeTarget(answering(NEW))
            path = tmp_path / "proxy.json"
            document = json.loads(path.read_text())
            document["targets"][0]["url"] = await other.start()
            document["targets"][1]["name"] = "second"
            path.write_text(json.dumps(document))
            if how == "SIGHUP":
                here.process.send_signal(signal.SIGHUP)
                while "second" not in (await change(here, "GET", "/accounting"))[1]["targets"]:
                    pass
            else:
                assert await change(here, "POST", "/reload") == (200, {"reloaded": True})
            bodies = [await ask(client, 50 + n) for n, client in enumerate(clients)]
            assert bodies == [b"new"] * 10
            account = (await change(here, "GET", "/accounting"))[1]
            assert account["requests"] == 20
            assert account["targets"]["baseline"]["primary"] == 20
            assert account["targets"]["candidate"]["requests"] == 10
            assert account["targets"]["second"]["requests"] == 10
            assert account["problems"] == []
            assert await here.stop() == 0
            await other.stop()

    run(scene)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [("listen", "127.0.0.1:1", "restart"), ("mirorr", 1, "mirror"), ("targets", [], "baseline")],
)
def test_a_configuration_that_cannot_be_served_by_changes_nothing(
    tmp_path: Path, token: Path, key: str, value: object, words: str
) -> None:
    async def scene() -> None:
        settings = {"admin_token_file": str(token)}
        async with proxy(tmp_path, primary=answering(OK), candidate=answering(OK), **settings) as here:
            path = tmp_path / "proxy.json"
            path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
            status, answer = await change(here, "POST", "/reload")
            assert status == 422
            assert words in answer["problem"]
            assert await ask(await here.connect(), 1) == b"ok"
            assert await here.stop() == 0

    run(scene)


def test_clients_are_served_over_tls_and_a_reload_brings_the_new_certificate(
    tmp_path: Path, token: Path
) -> None:
    first, second = issue(tmp_path / "first"), issue(tmp_path / "second")
    used = tmp_path / "used"
    used.mkdir()

    def put(issued: Any) -> None:  # Any: Issued
        for name in ("certificate", "key"):
            (used / name).write_bytes(getattr(issued, name).read_bytes())

    async def scene() -> None:
        put(first)
        tls = {"certificate": str(used / "certificate"), "key": str(used / "key")}
        settings = {"tls": tls, "admin_token_file": str(token)}
        async with proxy(tmp_path, primary=answering(OK), candidate=answering(OK), **settings) as here:
            kept = await secured(here, first.ca)
            assert await ask(kept, 1) == b"ok"
            put(second)
            assert (await change(here, "POST", "/reload"))[0] == 200
            assert await ask(kept, 2) == b"ok"
            assert await ask(await secured(here, second.ca), 3) == b"ok"
            with pytest.raises(ssl.SSLCertVerificationError):
                await secured(here, first.ca)
            plain = await here.connect()
            await plain.send(POST % 4)
            assert not (await plain.rest()).startswith(b"HTTP/1.1 200")
            assert await here.stop() == 0

    run(scene)


async def secured(here: Running, ca: Path) -> RawClient:
    context = ssl.create_default_context(cafile=ca)
    return RawClient(*await asyncio.open_connection("127.0.0.1", here.port, ssl=context))


def test_clients_must_show_a_certificate_where_one_is_asked_for(tmp_path: Path) -> None:
    issued = issue(tmp_path / "issued")

    async def scene() -> None:
        tls = {"certificate": str(issued.certificate), "key": str(issued.key), "client_ca": str(issued.ca)}
        async with proxy(tmp_path, primary=answering(OK), candidate=answering(OK), tls=tls) as here:
            context = ssl.create_default_context(cafile=issued.ca)
            stranger = RawClient(*await asyncio.open_connection("127.0.0.1", here.port, ssl=context))
            await stranger.send(POST % 1)
            assert await stranger.rest() == b""
            context.load_cert_chain(issued.certificate, issued.key)
            known = RawClient(*await asyncio.open_connection("127.0.0.1", here.port, ssl=context))
            assert await ask(known, 2) == b"ok"
            assert await here.stop() == 0

    run(scene)


def test_a_socket_of_this_machine_is_served_by_all_workers_and_removed_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "p.sock"

    async def scene() -> None:
        settings = {"listen": f"unix:{path}", "workers": 2}
        async with proxy(tmp_path, primary=answering(OK), candidate=answering(OK), **settings) as here:
            for number in range(10):
                client = RawClient(*await asyncio.open_unix_connection(str(path)))
                assert await ask(client, number) == b"ok"
                client.close()
            assert await here.stop() == 0
            assert not path.exists()

    run(scene)


def test_every_request_has_a_line_in_the_access_log_and_the_log_can_be_rotated(
    tmp_path: Path, token: Path
) -> None:
    log = tmp_path / "access.log"

    async def scene() -> None:
        settings = {"access_log": str(log), "admin_token_file": str(token), "workers": 2}
        async with proxy(tmp_path, primary=answering(OK), candidate=answering(OK), **settings) as here:
            clients = [await here.connect() for _ in range(10)]
            for number, client in enumerate(clients):
                await ask(client, number)
            log.rename(tmp_path / "access.log.1")
            assert (await change(here, "POST", "/reload"))[0] == 200
            for number, client in enumerate(clients):
                await ask(client, 10 + number)
            assert await here.stop() == 0

    run(scene)
    ids = [
        json.loads(line)["id"]
        for name in ("access.log.1", "access.log")
        for line in (tmp_path / name).read_text().splitlines()
    ]
    assert sorted(ids, key=int) == [str(number) for number in range(20)]
    assert {json.loads(line)["id"] for line in log.read_text().splitlines()} == {
        str(n) for n in range(10, 20)
    }
