"""The admin port lets in who has the token, and nobody else changes anything."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer
from prometheus_client import CollectorRegistry

from recording.errors import InputError
from shadow_proxy.admin import admin_app
from shadow_proxy.config import ProxyConfig
from shadow_proxy.tokens import admin_token

TOKEN = "0123456789abcdef"
RIGHT = {"Authorization": f"Bearer {TOKEN}"}
READ = ("/accounting", "/config", "/metrics", "/shares")
CHANGE = (("PATCH", "/shares"), ("POST", "/reload"))
BASE = {"targets": [{"name": "baseline", "role": "baseline", "url": "http://127.0.0.1:1"}]}
Ask = Callable[..., Awaitable[tuple[int, Any]]]


class Observed:
    def __init__(self) -> None:
        self.config = ProxyConfig.model_validate(BASE)
        self.alive = True
        self.ready = True
        self.changes: list[object] = []

    def account(self) -> dict[str, object]:
        return {"requests": 7}

    async def set_shares(self, *, canary: float | None = None, mirror: float | None = None) -> None:
        if canary == 1.0:
            raise InputError("no candidate can answer clients", place="canary")
        self.changes.append((canary, mirror))

    async def reload(self) -> None:
        self.changes.append("reload")


def ask(observed: Observed, token: str | None, scene: Callable[[Ask], Awaitable[None]]) -> None:
    async def serve() -> None:
        app = admin_app(observed, CollectorRegistry(), token=token)
        async with TestServer(app, host="127.0.0.1") as server, ClientSession() as session:

            async def one(method: str, path: str, **more: Any) -> tuple[int, Any]:  # Any: aiohttp's options
                async with session.request(method, server.make_url(path), **more) as answer:
                    is_json = answer.content_type == "application/json"
                    return answer.status, await (answer.json() if is_json else answer.text())

            await scene(one)

    asyncio.run(serve())


def test_with_a_token_nothing_but_health_is_open() -> None:
    observed = Observed()

    async def scene(one: Ask) -> None:
        for path in ("/healthz", "/readyz"):
            assert (await one("GET", path))[0] == 200
        for wrong in (
            {},
            {"Authorization": "Bearer wrong"},
            {"Authorization": TOKEN},
            {"Authorization": "Basic eA=="},
        ):
            for method, path in (*(("GET", path) for path in READ), *CHANGE, ("GET", "/no-such-page")):
                assert (await one(method, path, headers=wrong))[0] == 401
        for path in READ:
            assert (await one("GET", path, headers=RIGHT))[0] == 200

    ask(observed, TOKEN, scene)
    assert not observed.changes


def test_without_a_token_loopback_may_read_and_nobody_may_change() -> None:
    observed = Observed()

    async def scene(one: Ask) -> None:
        for path in READ:
            assert (await one("GET", path))[0] == 200
            lured = await one("GET", path, headers={"Host": "evil.example"})
            assert lured[0] == 403
        for method, path in CHANGE:
            status, answer = await one(method, path, json={"canary": 0.5})
            assert status == 403
            assert "admin_token_file" in answer["problem"]

    ask(observed, None, scene)
    assert not observed.changes


def test_shares_are_changed_and_mistakes_explained() -> None:
    observed = Observed()

    async def scene(one: Ask) -> None:
        assert (await one("PATCH", "/shares", headers=RIGHT, json={"canary": 0.05}))[0] == 200
        for body in ({}, {"canery": 0.1}, {"canary": "much"}, {"canary": True}, {"canary": 1.0}, [0.1], "x"):
            status, answer = await one("PATCH", "/shares", headers=RIGHT, json=body)
            assert status == 422
            assert answer["problem"]
        assert (await one("POST", "/reload", headers=RIGHT))[0] == 200

    ask(observed, TOKEN, scene)
    assert observed.changes == [(0.05, None), "reload"]


def test_a_proxy_that_is_not_ready_says_so() -> None:
    observed = Observed()
    observed.ready = False

    async def scene(one: Ask) -> None:
        assert await one("GET", "/readyz") == (503, {"ready": False})
        assert await one("GET", "/healthz") == (200, {"alive": True})

    ask(observed, TOKEN, scene)


@pytest.mark.parametrize("admin", ["0.0.0.0:9101", "[::]:9101", "10.1.2.3:9101", "proxy.example:9101"])
def test_a_port_that_others_can_reach_needs_a_token(admin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    config = ProxyConfig.model_validate({**BASE, "admin": admin})
    monkeypatch.delenv("SPARRING_ADMIN_TOKEN", raising=False)
    with pytest.raises(InputError, match="has no token"):
        admin_token(config)
    monkeypatch.setenv("SPARRING_ADMIN_TOKEN", TOKEN)
    assert admin_token(config) == TOKEN


def test_a_token_is_read_from_a_file_and_must_not_be_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SPARRING_ADMIN_TOKEN", raising=False)
    file = tmp_path / "token"
    config = ProxyConfig.model_validate({**BASE, "admin": "127.0.0.1:0", "admin_token_file": str(file)})
    with pytest.raises(InputError, match="cannot be read"):
        admin_token(config)
    file.write_text("short\n")
    with pytest.raises(InputError, match="16"):
        admin_token(config)
    file.write_text(TOKEN + "\n")
    assert admin_token(config) == TOKEN


def test_no_secret_stands_in_the_configuration_that_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODEL_KEY", "very-secret")
    observed = Observed()
    targets = [{**BASE["targets"][0], "credentials": {"env": "MODEL_KEY"}}]
    observed.config = ProxyConfig.model_validate({"targets": targets})

    async def scene(one: Ask) -> None:
        status, shown = await one("GET", "/config", headers=RIGHT)
        assert status == 200
        assert "very-secret" not in str(shown)
        assert TOKEN not in str(shown)

    ask(observed, TOKEN, scene)
