"""The same job done the usual way: an aiohttp server and an aiohttp client.

Forwards each request to a baseline, sends a copy to a candidate, keeps both answers in memory (bounded), and
answers with the baseline's. Not careful about anything else; it is here to be measured.
"""

import argparse
import asyncio
from collections import deque

import uvloop
from aiohttp import ClientSession, TCPConnector, web

KEPT = 10_000
UNFORWARDED = frozenset({"connection", "content-length", "host", "keep-alive", "transfer-encoding"})


class AiohttpProxy:
    """One session for both targets; copies run as tasks of the group."""

    def __init__(self, session: ClientSession, tasks: asyncio.TaskGroup, *, target: str, shadow: str) -> None:
        self._session = session
        self._tasks = tasks
        self._target = target
        self._shadow = shadow
        self._kept: deque[tuple[str, int, bytes]] = deque(maxlen=KEPT)

    async def forward(self, request: web.Request) -> web.Response:
        """One request."""
        body = await request.read()
        headers = {name: value for name, value in request.headers.items() if name.lower() not in UNFORWARDED}
        self._tasks.create_task(self._ask(self._shadow, request, headers, body))
        status, answered = await self._ask(self._target, request, headers, body)
        return web.Response(status=status, body=answered, content_type="application/json")

    async def _ask(
        self, base: str, request: web.Request, headers: dict[str, str], body: bytes
    ) -> tuple[int, bytes]:
        async with self._session.request(
            request.method, base + request.path_qs, headers=headers, data=body, allow_redirects=False
        ) as answer:
            answered = await answer.read()
            self._kept.append((base, answer.status, answered))
            return answer.status, answered


async def serve(*, port: int, target: str, shadow: str) -> None:
    """Until killed."""
    connector = TCPConnector(limit=0)
    async with (
        ClientSession(connector=connector, auto_decompress=False) as session,
        asyncio.TaskGroup() as tasks,
    ):
        proxy = AiohttpProxy(session, tasks, target=target, shadow=shadow)
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", proxy.forward)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await asyncio.Event().wait()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--target", required=True)
    parser.add_argument("--shadow", required=True)
    given = parser.parse_args()
    uvloop.run(serve(port=given.port, target=given.target, shadow=given.shadow))


if __name__ == "__main__":
    main()
