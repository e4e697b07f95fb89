"""Who gets a copy of a request, and who does not and why.

Knows the reasons for which a copy is dropped and in which order they are asked; refuses to know connections
and the client. A copy is decided when the head is here, held while the body arrives, and sent when it is
complete. Nothing ever waits for a copy: it is sent, queued within bounds, or dropped with a counted reason.
"""

import logging
import time
from collections.abc import Sequence
from typing import Final

from shadow_proxy.exchange import Exchange
from shadow_proxy.exchange_state import NOTHING_KEPT
from shadow_proxy.faults import FaultStage
from shadow_proxy.incoming import NO_COPIES, Incoming
from shadow_proxy.limits import Limits
from shadow_proxy.mirror_rules import MirrorRules
from shadow_proxy.pool import Pool
from shadow_proxy.rows import Rows
from shadow_proxy.sampling import Sampler
from shadow_proxy.target import Target

LOG = logging.getLogger(__name__)
_now_ns: Final = time.monotonic_ns  # looked up once: every request asks several times


class Mirror:
    """One worker's mirror. `draining` stops new copies; `sampler` may be replaced at any time.

    `mark` is a field line that copies get and the primary's request does not; empty for none.
    """

    def __init__(
        self,
        pools: Sequence[Pool],
        *,
        primaries: Sequence[str],
        sampler: Sampler,
        rules: MirrorRules,
        limits: Limits,
        rows: Rows,
        faults: FaultStage | None,
        recording: bool,
        mark: bytes = b"",
    ) -> None:
        self.draining = False
        self.sampler = sampler
        self._pools_beside = {
            name: tuple(pool for pool in pools if pool.target.config.name != name) for name in primaries
        }
        self._rules = rules
        self._copy_bytes = limits.copy_bytes
        self._copies_bytes = limits.copies_bytes
        self._kept_bytes = limits.recorded_answer_bytes if recording else NOTHING_KEPT
        self._rows = rows
        self._faults = faults
        self._mark = mark
        self._warned = False

    def plan(self, incoming: Incoming, primary: Target) -> None:
        """Decide, from the head alone, who beside the primary may get a copy; the others are dropped now."""
        pools = self._pools_beside[primary.config.name]
        reason = self._reason_against(incoming)
        if reason is not None:
            for pool in pools:
                self._drop(incoming, pool, reason)
            return
        kept = self._kept_bytes
        incoming.copies = [Exchange(incoming, pool, rows=self._rows, max_kept_bytes=kept) for pool in pools]
        incoming.parties += len(pools)

    def send(self, incoming: Incoming) -> None:
        """The body is complete: send what was planned."""
        now_ns = _now_ns()
        copies, incoming.copies = incoming.copies, NO_COPIES
        for exchange in copies:
            reason = self._send_one(exchange, now_ns)
            if reason is not None:
                exchange.drop(reason)

    def give_up(self, incoming: Incoming, reason: str) -> None:
        """The body will never be complete."""
        copies, incoming.copies = incoming.copies, NO_COPIES
        for exchange in copies:
            exchange.drop(reason)

    def _reason_against(self, incoming: Incoming) -> str | None:
        if self.draining:
            return "draining"
        head = incoming.head
        reason = self._rules.reason_against(head.method, head.target)
        if reason is not None:
            return reason
        if not self.sampler.takes_all and not self.sampler.takes(incoming.request_id):
            return "not_sampled"
        if not incoming.held:
            return self._reason_unheld(incoming)
        return None

    def _reason_unheld(self, incoming: Incoming) -> str:
        if incoming.unheld_reason == "too_large":
            self._warn_too_large(max(incoming.body_bytes, incoming.head.content_length))
        return incoming.unheld_reason

    def _send_one(self, exchange: Exchange, now_ns: int) -> str | None:
        incoming = exchange.incoming
        if not incoming.held:
            return self._reason_unheld(incoming)
        target = exchange.target
        pool = exchange.pool
        if pool.breaker is not None:
            if not pool.breaker.admits(now_ns):
                return "ejected"
            exchange.probe = pool.breaker.ejected
        if target.held_bytes + incoming.body_bytes > self._copies_bytes:
            return "copy_budget"
        if self._mark:
            exchange.start += self._mark
        if target.rewriting is not None and not target.rewriting.apply(exchange):
            return "not_adaptable"
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
