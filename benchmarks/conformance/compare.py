"""The byte table against this proxy, nginx and HAProxy, side by side.

    python -m benchmarks.conformance.compare

Prints the rows on which any of them is wrong, and a tally for each. Programs that are not installed are left
out and named. Knows how to start and end them; verdicts are made elsewhere. Exits 1 if ours is wrong.
"""

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Final

from benchmarks.conformance.check import examine
from benchmarks.conformance.servers import DEADLINE_S, SERVERS, lenient
from benchmarks.conformance.verdicts import Verdict, is_wrong, tally
from benchmarks.proxy.processes import free_port, running
from shadow_proxy.testing import FakeTarget
from tests.shadow_proxy.byte_table.requests import REQUESTS

PATIENCE_S: Final = 1.0
STALLED_S: Final = 3.0 * DEADLINE_S
OURS: Final = "sparring"


async def verdicts_on(name: str, folder: Path) -> dict[str, Verdict]:
    """One server, started for it and ended behind it."""
    upstream = FakeTarget(lenient)
    target = int((await upstream.start()).rpartition(":")[2])
    port = free_port()
    command = SERVERS[name](folder, port=port, target=target)
    with running(command, cores="0", port=port, log=folder / f"{name}.log"):
        found = await examine(("127.0.0.1", port), patience_s=PATIENCE_S, stalled_s=STALLED_S)
    await upstream.stop()
    return found


def table(found: dict[str, dict[str, Verdict]]) -> list[str]:
    """The rows on which somebody is wrong; `!` marks who."""
    shown = [f"{'row':<5}" + "".join(f"{name:<12}" for name in found)]
    for row in REQUESTS:
        cells = [
            f"{one[row.name].value}{'!' if is_wrong(row, one[row.name]) else ''}" for one in found.values()
        ]
        if any(cell.endswith("!") for cell in cells):
            shown.append(f"{row.name:<5}" + "".join(f"{cell:<12}" for cell in cells) + row.what)
    return shown


def main() -> int:
    """The command line."""
    found: dict[str, dict[str, Verdict]] = {}
    for name in SERVERS:
        if name != OURS and shutil.which(name) is None:
            print(f"{name} is left out: not installed")
            continue
        with tempfile.TemporaryDirectory(prefix="sparring-conformance-") as scratch:
            found[name] = asyncio.run(verdicts_on(name, Path(scratch)))
    print("\n".join(table(found)))
    for name, seen in found.items():
        print(f"{name}: {tally(seen, REQUESTS)}")
    return int(any(is_wrong(row, found[OURS][row.name]) for row in REQUESTS))


if __name__ == "__main__":
    sys.exit(main())
