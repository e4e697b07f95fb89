"""One target as a worker sees it: its names as bytes, its account, and the bytes held for its copies.

Knows nothing of connections (`pool.py` does) and nothing of requests.
"""

from shadow_proxy.accounting import TargetTally
from shadow_proxy.config import TargetConfig


class Target:
    """`held_bytes` is the size of all copies that wait for this target or are with it."""

    __slots__ = ("authority", "config", "held_bytes", "name", "role", "tally")

    def __init__(self, config: TargetConfig, *, tally: TargetTally) -> None:
        self.config = config
        self.name = config.name.encode()
        self.role = config.role.value.encode()
        self.authority = f"{config.host}:{config.port}".encode()
        self.tally = tally
        self.held_bytes = 0
