"""Quantiles of what was measured, and none where there is too little to have them.

Knows sorted numbers only. A quantile needs an observation beyond it: the 99.9th of a hundred is only
their maximum under another name.
"""

import math
from collections.abc import Sequence
from typing import Final

BEYOND: Final = 1


def maybe_quantile(values: Sequence[float], share: float) -> float | None:
    """The smallest value that `share` of all do not exceed; None if none lies beyond it.

    >>> maybe_quantile(range(1, 101), 0.99), maybe_quantile(range(1, 101), 0.999)
    (99, None)
    """
    place = math.ceil(share * len(values)) - 1
    if place < 0 or len(values) - 1 - place < BEYOND:
        return None
    return sorted(values)[place]


def quantile(values: Sequence[float], share: float) -> float:
    """The same, however little there is beyond it; infinite if nothing was answered."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)] if values else math.inf
