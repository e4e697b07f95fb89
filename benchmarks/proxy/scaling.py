"""How the proxy's cost changes with workers, TLS, the size of bodies, connections, and open streams.

    python -m benchmarks.proxy.scaling [workers tls bodies connections streams] [--windows 5] [--seconds 1]

Without a name all five parts run, half a minute to a minute each, four minutes in all. Ours runs compiled,
mirroring to two targets with the journal on, beside nginx's mirror module in the same interleaved run. Rates
mean little on two cores that load, targets and proxy share; the CPU time per request is the figure to look
at. Each part's file says what is changed for it and why.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from benchmarks.proxy import bodies, connections, streams, tls, workers
from benchmarks.proxy.preparing import prepared
from benchmarks.proxy.processes import raise_open_files

NEEDED: Final = ("nginx", "wrk", "openssl", "taskset")
Part = Callable[[Path, int, int], None]
PARTS: Final[dict[str, Part]] = {
    "workers": workers.run,
    "tls": tls.run,
    "bodies": bodies.run,
    "connections": connections.run,
    "streams": streams.run,
}


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--windows", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=1)
    parser.add_argument("--python", action="store_true", help="do not compile the proxy's hot path first")
    given = parser.parse_args()
    unknown = set(given.parts) - set(PARTS)
    if unknown:
        print(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}", file=sys.stderr)
        return 2
    if not prepared(NEEDED, as_python=given.python):
        return 2
    raise_open_files()
    for name in given.parts or PARTS:
        with tempfile.TemporaryDirectory(prefix="sparring-bench-") as scratch:
            print(f"\n-- {name}", flush=True)
            PARTS[name](Path(scratch), given.windows, given.seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
