"""One target as a worker sees it: its names as bytes, its account, its rewriting, the bytes held for its
copies.

Knows nothing of connections (`pool.py` does) and nothing of requests.
"""

import logging
from typing import TYPE_CHECKING, Protocol

from shadow_proxy.accounting import TargetTally
from shadow_proxy.target_config import TargetConfig

if TYPE_CHECKING:
    from shadow_proxy.exchange import Exchange

LOG = logging.getLogger(__name__)


class Changes(Protocol):
    """What a target gets otherwise; `needs_body` if the whole body must be here first."""

    needs_body: bool

    def apply(self, exchange: "Exchange") -> bool:
        """Change what this exchange sends; False if there is no body for this target."""


class Target:
    """`held_bytes` is the size of all copies that wait for this target or are with it.

    `rewriting` is None for a target that gets what the client sent.
    """

    __slots__ = ("authority", "config", "held_bytes", "name", "rewriting", "role", "tally")

    def __init__(self, config: TargetConfig, *, tally: TargetTally, rewriting: Changes | None = None) -> None:
        self.config = config
        self.name = config.name.encode()
        self.role = config.role.value.encode()
        self.authority = config.authority.encode()
        self.tally = tally
        self.rewriting = rewriting
        self.held_bytes = 0

    def breaker_changed(self, ejected: bool) -> None:
        """Copies to this target have been stopped, or go on."""
        self.tally.breaker_changed(ejected=ejected)
        LOG.warning("shadow %s %s", self.config.name, "ejected: no answers" if ejected else "readmitted")
