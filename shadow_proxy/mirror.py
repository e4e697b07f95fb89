"""Who gets a copy of a request, and who does not and why.

Knows the reasons for which a copy is dropped and in which order they are asked; refuses to know connections
and the client. A copy is decided when the head is here, held while the body arrives, and sent when it is
complete. Nothing ever waits for a copy: it is sent, queued within bounds, or dropped with a counted reason.
"""

import logging
import time
from collections.abc import Sequence
from typing import Final

from shadow_proxy.config import Limits
from shadow_proxy.exchange import Exchange
from shadow_proxy.faults import FaultStage
from shadow_proxy.incoming import Incoming
from shadow_proxy.pool import Pool
from shadow_proxy.rows import Rows
from shadow_proxy.sampling import Sampler

LOG = logging.getLogger(__name__)
# Inference is a POST; what stores, changes or deletes something must not happen twice.
MIRRORED_METHODS: Final = frozenset({b"GET", b"HEAD", b"OPTIONS", b"POST", b"QUERY"})


class Mirror:
    """One worker's mirror. `draining` stops new copies."""

    def __init__(
        self,
        pools: Sequence[Pool],
        *,
        sampler: Sampler,
        limits: Limits,
        rows: Rows,
        faults: FaultStage | None,
    ) -> None:
        self.draining = False
        self._pools = tuple(pools)
        self._pool_of = {pool.target.name: pool for pool in pools}
        self._sampler = sampler
        self._copy_bytes = limits.copy_bytes
        self._copies_bytes = limits.copies_bytes
        self._kept_bytes = limits.recorded_answer_bytes
        self._rows = rows
        self._faults = faults
        self._warned = False

    def plan(self, incoming: Incoming) -> None:
        """Decide, from the head alone, who may get a copy; the others are dropped now."""
        reason = self._reason_against(incoming)
        if reason is not None:
            for pool in self._pools:
                self._drop(incoming, pool, reason)
            return
        kept = self._kept_bytes
        incoming.copies = [
            Exchange(incoming, pool.target, rows=self._rows, max_kept_bytes=kept) for pool in self._pools
        ]

    def send(self, incoming: Incoming) -> None:
        """The body is complete: send what was planned."""
        now_ns = time.monotonic_ns()
        copies, incoming.copies = incoming.copies, ()
        for exchange in copies:
            pool = self._pool_of[exchange.target.name]
            reason = self._send_one(exchange, pool, now_ns)
            if reason is not None:
                exchange.drop(reason)

    def give_up(self, incoming: Incoming, reason: str) -> None:
        """The body will never be complete."""
        copies, incoming.copies = incoming.copies, ()
        for exchange in copies:
            exchange.drop(reason)

    def _reason_against(self, incoming: Incoming) -> str | None:
        if self.draining:
            return "draining"
        if incoming.head.method not in MIRRORED_METHODS:
            return "unsafe_method"
        if not self._sampler.takes_all and not self._sampler.takes(incoming.request_id):
            return "not_sampled"
        if not incoming.held:
            self._warn_too_large(incoming.head.content_length)
            return "too_large"
        return None

    def _send_one(self, exchange: Exchange, pool: Pool, now_ns: int) -> str | None:
        incoming = exchange.incoming
        if not incoming.held:
            self._warn_too_large(incoming.body_bytes)
            return "too_large"
        target = exchange.target
        if target.held_bytes + incoming.body_bytes > self._copies_bytes:
            return "copy_budget"
        exchange.held_bytes = incoming.body_bytes
        target.held_bytes += incoming.body_bytes
        if incoming.chosen and self._faults is not None:
            delay_ns = self._faults.apply(exchange)
            if delay_ns:
                pool.submit_after(delay_ns, exchange, now_ns=now_ns)
                return None
        return None if pool.submit(exchange, now_ns) else "queue_full"

    def _drop(self, incoming: Incoming, pool: Pool, reason: str) -> None:
        target = pool.target
        target.tally.dropped(reason)
        self._rows.dropped(incoming, target=target.name, role=target.role, reason=reason)

    def _warn_too_large(self, size: int) -> None:
        if not self._warned:
            self._warned = True
            LOG.warning(
                "a body of %d bytes is over limits.copy_bytes=%d: it reached the primary, but no shadow; "
                "this is said once, count it in dropped/too_large",
                size,
                self._copy_bytes,
            )
