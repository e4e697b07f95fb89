"""A model server for tests, as a process: right about a stated share of requests, and as ill-behaved as
asked.

    python stub_model.py PORT [--wrong SHARE] [--delay-ms N] [--die-after N] [--refuse]

`{"x": 7}` is answered with `{"prediction": 1}`, seven's parity, or with the other one for a share of the
numbers that is fixed by a hash, so that every run errs on the same requests.
"""

import argparse
import asyncio
import hashlib
import os

from aiohttp import web


def main() -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("--wrong", type=float, default=0.0)
    parser.add_argument("--salt", default="")
    parser.add_argument("--delay-ms", type=float, default=0.0)
    parser.add_argument("--die-after", type=int, default=0)
    parser.add_argument("--refuse", action="store_true")
    options = parser.parse_args()
    if options.refuse:
        raise SystemExit("the model file is corrupt")
    application = web.Application()
    application.router.add_get("/healthz", health)
    application.router.add_route("*", "/{path:.*}", Model(options).answer)
    web.run_app(application, host="127.0.0.1", port=options.port, print=None)


async def health(_: web.Request) -> web.Response:
    """Ready as soon as it listens."""
    return web.Response(text="ok")


class Model:
    """The parity of x, most of the time."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.answered = 0

    async def answer(self, request: web.Request) -> web.Response:
        """One prediction."""
        self.answered += 1
        if self.options.die_after and self.answered > self.options.die_after:
            os._exit(9)
        if self.options.delay_ms:
            await asyncio.sleep(self.options.delay_ms / 1e3)
        try:
            number = int((await request.json())["x"])
        except (ValueError, KeyError, TypeError):
            return web.json_response({"error": "x must be a number"}, status=400)
        return web.json_response({"prediction": number % 2 ^ self.errs_on(number)})

    def errs_on(self, number: int) -> bool:
        """Fixed by the number and the salt."""
        drawn = hashlib.blake2b(f"{self.options.salt}{number}".encode(), digest_size=4).digest()
        return int.from_bytes(drawn, "big") / 2**32 < float(self.options.wrong)


if __name__ == "__main__":
    main()
