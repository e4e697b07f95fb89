"""The admin port: is it alive, is it ready, what has it done.

Knows aiohttp and four paths; refuses to know workers. Served by the parent, so it answers whatever the data
plane is busy with, and it is a port of its own: nothing of it can be reached through the proxy.
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

Respond = Callable[[web.Request], Awaitable[web.Response]]


class Observed(Protocol):
    """What the admin port looks at."""

    @property
    def alive(self) -> bool:
        """Whether any worker runs."""

    @property
    def ready(self) -> bool:
        """Whether all workers serve and none is asked to stop."""

    def account(self) -> dict[str, object]:
        """The account as a document."""


def admin_app(observed: Observed, registry: CollectorRegistry) -> web.Application:
    """The application; the caller runs it."""

    async def healthz(_: web.Request) -> web.Response:
        return _state(observed.alive, "alive")

    async def readyz(_: web.Request) -> web.Response:
        return _state(observed.ready, "ready")

    async def accounting(_: web.Request) -> web.Response:
        return web.json_response(observed.account())

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    routes: dict[str, Respond] = {
        "/healthz": healthz,
        "/readyz": readyz,
        "/accounting": accounting,
        "/metrics": metrics,
    }
    for path, respond in routes.items():
        app.router.add_get(path, respond)
    return app


def _state(good: bool, word: str) -> web.Response:
    return web.json_response({word: good}, status=200 if good else 503)
