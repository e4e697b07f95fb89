"""Rows A to G of the byte table, sent to any server: what it made of each, and a tally.

    python -m benchmarks.conformance.check 127.0.0.1:8080 [--patience 1.0] [--stalled 10.0]

The server should be a proxy whose upstream answers everything with 200, and whose deadline for a body is
shorter than `--stalled`. Knows sockets; what counts as wrong is in `verdicts.py`. Exits 1 if anything was.
"""

import argparse
import asyncio
import contextlib
import sys
from typing import Final

from benchmarks.conformance.verdicts import Verdict, is_wrong, tally, verdict
from shadow_proxy.config import host_and_port
from tests.shadow_proxy.byte_table.requests import REQUESTS
from tests.shadow_proxy.byte_table.rows import Expected, Row

READ_BYTES: Final = 1 << 16


async def examine(address: tuple[str, int], *, patience_s: float, stalled_s: float) -> dict[str, Verdict]:
    """The verdict on every row, by name; each row has a connection of its own."""
    found = {}
    for row in REQUESTS:
        wait_s = stalled_s if row.expected is Expected.STALLS else patience_s
        found[row.name] = await _one(row, address, wait_s=wait_s)
    return found


async def _one(row: Row, address: tuple[str, int], *, wait_s: float) -> Verdict:
    reader, writer = await asyncio.open_connection(*address)
    try:
        async with asyncio.timeout(wait_s):
            writer.write(row.sent)
            return await _watched(row, reader)
    except TimeoutError:
        return Verdict.HUNG
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def _watched(row: Row, reader: asyncio.StreamReader) -> Verdict:
    received = b""
    while True:
        try:
            part = await reader.read(READ_BYTES)
        except ConnectionError:
            part = b""
        received += part
        seen = verdict(row, received, ended=not part)
        if seen is not None:
            return seen


def lines(found: dict[str, Verdict]) -> list[str]:
    """One for each row."""
    marks = {True: "WRONG", False: ""}
    judged = [(row, found[row.name]) for row in REQUESTS]
    return [f"{row.name}  {seen.value:<8}{marks[is_wrong(row, seen)]:<6} {row.what}" for row, seen in judged]


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("address", type=host_and_port, help="HOST:PORT")
    parser.add_argument(
        "--patience", type=float, default=1.0, help="seconds without an answer that count as hung"
    )
    parser.add_argument("--stalled", type=float, default=10.0, help="the same for a body that never ends")
    given = parser.parse_args()
    found = asyncio.run(examine(given.address, patience_s=given.patience, stalled_s=given.stalled))
    print("\n".join(lines(found)))
    print(tally(found, REQUESTS))
    return int(any(is_wrong(row, found[row.name]) for row in REQUESTS))


if __name__ == "__main__":
    sys.exit(main())
