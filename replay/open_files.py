"""Room for as many sockets as may be in flight.

Knows the process's limit of open files. A soft limit below what a replay may need would show as connections
that fail in the middle of it, so the engine raises it before the start, or refuses to start.
"""

import resource

from recording.errors import InputError

_OURS = 64  # journal, trace, loop, standard streams


def allow_open_files(sockets: int) -> None:
    """Raise the soft limit so that `sockets` fit; `InputError` if the hard limit forbids it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = sockets + _OURS
    if soft != resource.RLIM_INFINITY and soft < needed:
        if hard != resource.RLIM_INFINITY and hard < needed:
            raise InputError(
                f"{sockets} requests in flight need {needed} open files; this process may have {hard}",
                place="max_in_flight",
                fix="lower it, or raise the limit (`ulimit -Hn`)",
            )
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
