"""One schedule over several workers, and back.

Worker k of N takes arrivals k, k+N, k+2N, … of the one schedule that a seed gives, so the merged traffic is
the same on any number of workers. Giving each worker a generator of its own would not be: see the measured
failure of peers in which every worker drew the same "random" gaps.
"""

from collections.abc import Sequence

import numpy as np

from loadprofiles.profile import Nanoseconds, ProfileError


def stripe(due_ns: Nanoseconds, *, worker: int, workers: int) -> Nanoseconds:
    """The arrivals of one worker, counted from 0."""
    if not 0 <= worker < workers:
        raise ProfileError(f"worker {worker} of {workers}: workers are counted from 0 to {workers - 1}")
    return due_ns[worker::workers]


def merge(stripes: Sequence[Nanoseconds]) -> Nanoseconds:
    """All stripes of one schedule, given in worker order, as the schedule again."""
    workers = len(stripes)
    merged = np.empty(sum(map(len, stripes)), dtype=np.int64)
    for worker, part in enumerate(stripes):
        merged[worker::workers] = part
    return merged
