"""A bound on the connections of a server that has none: who comes over it is let go at once.

Knows protocols as a factory makes them; refuses to know what they speak. Used for the admin port, so that
whoever opens connections there cannot take the proxy's file handles.
"""

import asyncio
from typing import Final

from aiohttp import web

MAX_CONNECTIONS: Final = 64


class _LetGo(asyncio.Protocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


class Bounded:
    """The factory of `server`, up to so many connections at once."""

    def __init__(self, server: web.Server, *, max_connections: int = MAX_CONNECTIONS) -> None:
        self._server = server
        self._max_connections = max_connections

    def __call__(self) -> asyncio.Protocol:
        """For one more connection."""
        if len(self._server.connections) >= self._max_connections:
            return _LetGo()
        return self._server()
