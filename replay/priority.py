"""Asks the kernel to wake the engine at once when the machine is busy.

Knows Linux's scheduling classes; refuses to know what is woken for. On a machine that the engine shares
with what it measures, an ordinary process waits for others' time slices: with ten busy processes on two
cores the 99th percentile of lag was 20 to 45 ms, and 0.3 ms in the lowest realtime class (`man 7 sched`).
The engine needs little time and is asleep between arrivals, so it takes next to nothing from the rest;
should it never sleep, the kernel keeps a share of each second for ordinary processes. Where the class is
not granted (it takes CAP_SYS_NICE or `ulimit -r`) the engine runs as any process, and says so in its figures.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_LOWEST = 1


@contextmanager
def prompt_wakes(*, wanted: bool) -> Iterator[bool]:
    """Realtime scheduling of the calling thread, if wanted and granted; whether it was.

    Threads started meanwhile inherit it: one that held the interpreter's lock and waited for a time slice
    would hold up the engine all the same.
    """
    if not wanted or sys.platform != "linux":
        yield False
        return
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(_LOWEST))
    except PermissionError:
        yield False
        return
    try:
        yield True
    finally:
        os.sched_setscheduler(0, policy, parameters)
