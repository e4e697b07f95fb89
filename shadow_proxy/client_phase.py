"""What a client connection waits for, and how long it may.

Knows five phases and their deadlines; refuses to know sockets. Asked by `client.py` whenever the phase
changes.
"""

from enum import Enum, auto

from shadow_proxy.deadlines import ClientDeadlines


class Phase(Enum):
    """IDLE between requests, HEAD while a head arrives, BODY while a body does, BUSY while the client waits
    for us, FULL while we wait for it to read."""

    IDLE = auto()
    HEAD = auto()
    BODY = auto()
    BUSY = auto()
    FULL = auto()


def wait_ns(phase: Phase, deadlines: ClientDeadlines) -> int:
    """For a phase that begins now; BODY counts from its request, and BUSY has no end here."""
    if phase is Phase.IDLE:
        return deadlines.idle_ns
    return deadlines.head_ns if phase is Phase.HEAD else deadlines.read_ns
