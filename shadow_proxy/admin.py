"""The admin port: is it alive, is it ready, what has it done, and what can be changed while it runs.

Knows aiohttp, a token and a table of paths; refuses to know workers. Served by the parent, so it answers
whatever the data plane is busy with, and it is a port of its own: nothing of it can be reached through the
proxy. `/healthz` and `/readyz` are open, for whoever restarts containers. The rest wants `Authorization:
Bearer TOKEN` where a token is set; where none is set, it may be read by whoever asks for it by a name of
this machine (a page in a browser that was lured here does not), and nothing can be changed.
"""

import hmac
import ipaddress
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final, Protocol

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from recording.errors import InputError
from shadow_proxy.config import ProxyConfig

Respond = Callable[[web.Request], Awaitable[web.StreamResponse]]
OPEN: Final = frozenset({"/healthz", "/readyz"})
MAX_BODY_BYTES: Final = 1 << 16


class Observed(Protocol):
    """What the admin port looks at and changes."""

    config: ProxyConfig

    @property
    def alive(self) -> bool:
        """Whether any worker runs."""

    @property
    def ready(self) -> bool:
        """Whether all workers serve and none is asked to stop."""

    def account(self) -> dict[str, object]:
        """The account as a document."""

    async def set_shares(self, *, canary: float | None = None, mirror: float | None = None) -> None:
        """Change one share or both; `InputError` if it cannot be."""

    async def reload(self) -> None:
        """Read the configuration again; `InputError` if it cannot be used."""


def admin_app(observed: Observed, registry: CollectorRegistry, *, token: str | None) -> web.Application:
    """The application; the caller runs it."""

    async def healthz(_: web.Request) -> web.Response:
        return _state(observed.alive, "alive")

    async def readyz(_: web.Request) -> web.Response:
        return _state(observed.ready, "ready")

    async def accounting(_: web.Request) -> web.Response:
        return web.json_response(observed.account())

    async def config(_: web.Request) -> web.Response:
        return web.json_response(shown(observed.config))

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def shares(_: web.Request) -> web.Response:
        return web.json_response({"canary": observed.config.canary.share, "mirror": observed.config.mirror})

    async def set_shares(request: web.Request) -> web.Response:
        await observed.set_shares(**await _shares_of(request))
        return await shares(request)

    async def reload(_: web.Request) -> web.Response:
        await observed.reload()
        return web.json_response({"reloaded": True})

    app = web.Application(middlewares=[_guard(token), _explain], client_max_size=MAX_BODY_BYTES)
    routes: dict[tuple[str, str], Respond] = {
        ("GET", "/healthz"): healthz,
        ("GET", "/readyz"): readyz,
        ("GET", "/accounting"): accounting,
        ("GET", "/config"): config,
        ("GET", "/metrics"): metrics,
        ("GET", "/shares"): shares,
        ("PATCH", "/shares"): set_shares,
        ("POST", "/reload"): reload,
    }
    for (method, path), respond in routes.items():
        app.router.add_route(method, path, respond)
    return app


def shown(config: ProxyConfig) -> dict[str, Any]:  # Any: JSON
    """The configuration as it may be seen: values of fields that are set may be secrets."""
    document = config.model_dump(mode="json")
    for target in document["targets"]:
        target["headers"]["set"] = dict.fromkeys(target["headers"]["set"], "[redacted]")
    return document


def _guard(token: str | None) -> Any:  # Any: aiohttp's own name for a middleware is private
    @web.middleware
    async def guard(request: web.Request, handler: Respond) -> web.StreamResponse:
        if request.path in OPEN or _may(request, token):
            return await handler(request)
        if token is None:
            fix = (
                "set admin_token_file or SPARRING_ADMIN_TOKEN"
                if _is_named_here(request)
                else "ask by 127.0.0.1"
            )
            return _problem(HTTPStatus.FORBIDDEN, f"not without a token: {fix}")
        response = _problem(HTTPStatus.UNAUTHORIZED, "send Authorization: Bearer TOKEN")
        response.headers["WWW-Authenticate"] = "Bearer"
        return response

    return guard


@web.middleware
async def _explain(request: web.Request, handler: Respond) -> web.StreamResponse:
    try:
        return await handler(request)
    except InputError as error:
        return _problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))


def _may(request: web.Request, token: str | None) -> bool:
    if token is None:
        return request.method in {"GET", "HEAD"} and _is_named_here(request)
    given = request.headers.get("Authorization", "")
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), f"Bearer {token}".encode())


def _is_named_here(request: web.Request) -> bool:
    host = request.host.rpartition(":")[0] if not request.host.endswith("]") else request.host
    name = (host or request.host).strip("[]")
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


async def _shares_of(request: web.Request) -> dict[str, float]:
    try:
        body = await request.json()
    except (ValueError, LookupError, RecursionError):
        body = None
    known = {"canary", "mirror"}
    if not isinstance(body, dict) or not body or not body.keys() <= known:
        raise InputError(
            'the body must be like {"canary": 0.05}', place="PATCH /shares", fix="canary, mirror, or both"
        )
    for name, share in body.items():
        if not isinstance(share, int | float) or isinstance(share, bool) or not -1 <= share <= 2:
            raise InputError(f"{share!r} is not a share", place=name, fix="a number from 0 to 1")
    return {name: float(share) for name, share in body.items()}


def _problem(status: HTTPStatus, text: str) -> web.Response:
    return web.json_response({"problem": text}, status=status)


def _state(good: bool, word: str) -> web.Response:
    return web.json_response({word: good}, status=200 if good else 503)
