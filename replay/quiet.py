"""Keeps the garbage collector out of the measurement.

Knows `gc` only. A full collection walks every object, and a prepared trace has millions: a pause of tens of
milliseconds in which nothing is sent. While requests are sent nothing is collected: the sending path makes no
reference cycles, so counting references frees what it makes.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collections() -> Iterator[None]:
    """Collect once, set what is left aside, and collect nothing until the end."""
    was_enabled = gc.isenabled()
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        yield
    finally:
        gc.unfreeze()
        if was_enabled:
            gc.enable()
