"""A small ASGI model for uvicorn. Each path shows one habit of real servers.

Runs in the clients' environment, so it imports nothing but the standard library.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

Scope = dict[str, Any]  # Any: as ASGI has it
Receive = Callable[[], Awaitable[Scope]]
Send = Callable[[Scope], Awaitable[None]]
Field = tuple[bytes, bytes]

JSON_KIND: Field = (b"content-type", b"application/json")
asked: list[str] = []
gate = asyncio.Event()


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Every request is counted by its path."""
    if scope["type"] != "http":
        return
    body = await read(receive)
    asked.append(scope["path"])
    await PATHS.get(scope["path"], about)(scope, body, send)


async def read(receive: Receive) -> bytes:
    """A whole body."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def answer(
    send: Send, body: bytes, *, fields: tuple[Field, ...] = (JSON_KIND,), status: int = 200
) -> None:
    """A whole answer, with its length."""
    length = (b"content-length", b"%d" % len(body))
    await send({"type": "http.response.start", "status": status, "headers": [*fields, length]})
    await send({"type": "http.response.body", "body": body})


async def about(scope: Scope, body: bytes, send: Send) -> None:
    """What arrived, and on which connection."""
    target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
    document = {
        "method": scope["method"],
        "target": target.decode("latin-1"),
        "body": body.decode("latin-1"),
        "kinds": [value.decode() for name, value in scope["headers"] if name == b"content-type"],
        "from": scope["client"][1],
    }
    await answer(send, json.dumps(document).encode())


async def count(scope: Scope, body: bytes, send: Send) -> None:
    """How often each path was asked for until now."""
    del scope, body
    await answer(send, json.dumps({path: asked.count(path) for path in set(asked)}).encode())


async def bare(scope: Scope, body: bytes, send: Send) -> None:
    """A status without a reason phrase, and no Content-Type."""
    del scope, body
    await answer(send, b"{}", fields=(), status=299)


async def stream(scope: Scope, body: bytes, send: Send) -> None:
    """Two events; the second only after somebody asked for `/go`."""
    del scope, body
    gate.clear()
    kind = (b"content-type", b"text/event-stream")
    await send({"type": "http.response.start", "status": 200, "headers": [kind]})
    await send({"type": "http.response.body", "body": b"data: one\n\n", "more_body": True})
    await gate.wait()
    await send({"type": "http.response.body", "body": b"data: two\n\n", "more_body": False})


async def go(scope: Scope, body: bytes, send: Send) -> None:
    """Let streams go on."""
    del scope, body
    gate.set()
    await answer(send, b"{}")


PATHS = {"/count": count, "/bare": bare, "/stream": stream, "/go": go}
