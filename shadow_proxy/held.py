"""How many bytes of request bodies a worker holds, and the most it may.

Knows two numbers; refuses to know whose bytes they are. Each `Incoming` takes from it what it holds and gives
it back once; whoever gets no more stops holding, and never waits.
"""


class HeldBudget:
    """`held_bytes` now, `peak_bytes` at most so far, never over `max_bytes`."""

    __slots__ = ("held_bytes", "max_bytes", "peak_bytes")

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.held_bytes = 0
        self.peak_bytes = 0

    def take(self, size: int) -> bool:
        """Whether there was room for that many more."""
        held = self.held_bytes + size
        if held > self.max_bytes:
            return False
        self.held_bytes = held
        if held > self.peak_bytes:
            self.peak_bytes = held
        return True

    def give_back(self, size: int) -> None:
        """They are no longer held."""
        self.held_bytes -= size
