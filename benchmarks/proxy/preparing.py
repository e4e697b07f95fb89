"""What every benchmark of the proxy does first: see that all is there, compile, and promise to clean up.

Knows programs' names, the build of the proxy and SIGTERM; refuses to know what is measured.
"""

import signal
import sys
from collections.abc import Iterable
from typing import NoReturn

from benchmarks.proxy.processes import missing_programs
from shadow_proxy import compiled


def prepared(needed: Iterable[str], *, as_python: bool) -> bool:
    """Whether it can begin; if not, standard error says why."""
    signal.signal(signal.SIGTERM, _leave)
    missing = missing_programs(needed)
    if missing:
        print("\n".join(missing), file=sys.stderr)
        return False
    if not as_python and compiled.main():
        return False
    print(f"sparring runs {'compiled' if compiled.is_built() else 'as Python'}", flush=True)
    return True


def _leave(number: int, _: object) -> NoReturn:
    """As an exception, so that what was started is ended."""
    sys.exit(128 + number)
