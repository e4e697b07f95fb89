"""aiohttp's client: JSON, chunked, waiting for `100 Continue`, compressed, and bytes that it types itself.

Run with the proxy's address; prints statuses and bodies as JSON.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator

import aiohttp

URL = sys.argv[1]


async def pieces() -> AsyncIterator[bytes]:
    """A body that comes in two parts."""
    yield b"one "
    yield b"two"


async def main() -> None:
    """All of it, on one connection."""
    async with aiohttp.ClientSession() as session:
        answers = []
        for asking in (
            session.post(f"{URL}/echo?a=1", json={"x": 1}),
            session.post(f"{URL}/echo", data=pieces()),
            session.post(f"{URL}/echo", data=b"late", expect100=True),
            session.post(f"{URL}/echo", data=b"small" * 100, compress="gzip"),
            session.get(f"{URL}/zipped"),
            session.head(f"{URL}/echo"),
            session.get(f"{URL}/headless"),
        ):
            async with asking as answer:
                answers.append([answer.status, (await answer.read()).decode("latin-1")])
    print(json.dumps(answers))


asyncio.run(main())
