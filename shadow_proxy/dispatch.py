"""What happens to a request that came in: counted, given to an arm, copied, perhaps broken, and sent.

Knows the order of these steps; refuses to know the client's protocol and the pools' connections. The primary
always goes first. Called by the client connection when it is a request's turn, and again as its body arrives.
"""

import time
from collections.abc import Sequence
from typing import Final

from shadow_proxy.canary import Canary
from shadow_proxy.counters import CounterRow
from shadow_proxy.exchange_state import NOTHING_KEPT
from shadow_proxy.faults import FaultStage
from shadow_proxy.incoming import Incoming
from shadow_proxy.limits import Limits
from shadow_proxy.mirror import Mirror
from shadow_proxy.pool import Pool
from shadow_proxy.primary import Client, PrimaryExchange
from shadow_proxy.rows import Rows

_now_ns: Final = time.monotonic_ns  # looked up once: every request asks several times


class Dispatch:
    """One worker's way of a request, under one configuration.

    `baseline` and `candidate` carry what these arms answer; a request's arm is chosen by `canary`.
    """

    def __init__(
        self,
        *,
        baseline: Pool,
        candidate: Pool | None,
        canary: Canary,
        mirror: Mirror,
        faults: FaultStage | None,
        rows: Rows,
        limits: Limits,
        row: CounterRow,
        recording: bool,
    ) -> None:
        self.baseline = baseline
        self.candidate = candidate
        self.canary = canary
        self.mirror = mirror
        self.limits = limits
        self._faults = faults
        self._rows = rows
        self._row = row
        self._kept_bytes = limits.recorded_answer_bytes if recording else NOTHING_KEPT
        self._requests_cell = row.at("requests")

    @property
    def pools(self) -> Sequence[Pool]:
        """Those that carry what clients are answered from."""
        return (self.baseline,) if self.candidate is None else (self.baseline, self.candidate)

    def start(self, incoming: Incoming, client: Client) -> PrimaryExchange:
        """It is this request's turn."""
        self._row.add(self._requests_cell)
        exchange = PrimaryExchange(
            incoming, self.baseline, client=client, rows=self._rows, max_kept_bytes=self._kept_bytes
        )
        if self.canary.share > 0.0 and self._is_waited_for(incoming, self.canary.needs_body):
            exchange.undecided = True
        else:
            self._decide(exchange)
        faults = self._faults
        if faults is not None and faults.opens_ns <= incoming.due_ns < faults.closes_ns:
            incoming.chosen = faults.choose(incoming)
        return exchange

    def proceed(self, exchange: PrimaryExchange) -> None:
        """The request has just started, or more of its body is here."""
        incoming = exchange.incoming
        if exchange.submitted:
            exchange.body_arrived()
        else:
            if exchange.undecided and not self._is_waited_for(incoming, True):
                self._decide(exchange)
            if not exchange.undecided and not self._waits_for_body(exchange):
                self._submit(exchange)
        if incoming.complete and incoming.copies:
            self.mirror.send(incoming)

    def cancel(self, exchange: PrimaryExchange) -> None:
        """Its client is gone, or broke the protocol inside the body."""
        if exchange.undecided:
            self._decide(exchange)
        exchange.pool.withdraw(exchange)
        exchange.cancel()
        self.abandon_copies(exchange.incoming, reason="client_gone")

    def abandon_copies(self, incoming: Incoming, *, reason: str) -> None:
        """The body will not be complete; copies that wait for it are dropped."""
        if incoming.copies:
            self.mirror.give_up(incoming, reason)

    def _decide(self, exchange: PrimaryExchange) -> None:
        """Which arm answers, and who gets copies."""
        exchange.undecided = False
        incoming = exchange.incoming
        candidate = self.candidate
        if (
            self.canary.share > 0.0
            and candidate is not None
            and self._can_answer(candidate, incoming)
            and self.canary.takes(incoming, client=exchange.client_address)
        ):
            exchange.move_to(candidate)
        self.mirror.plan(incoming, exchange.target)

    def _can_answer(self, candidate: Pool, incoming: Incoming) -> bool:
        """A body that is too large to hold cannot be rewritten for the candidate: the baseline answers."""
        rewriting = candidate.target.rewriting
        return rewriting is None or not rewriting.needs_body or incoming.held

    def _is_waited_for(self, incoming: Incoming, needed: bool) -> bool:
        return needed and incoming.held and not incoming.complete

    def _waits_for_body(self, exchange: PrimaryExchange) -> bool:
        rewriting = exchange.target.rewriting
        incoming = exchange.incoming
        needed = bool(incoming.chosen) or (rewriting is not None and rewriting.needs_body)
        return self._is_waited_for(incoming, needed)

    def _submit(self, exchange: PrimaryExchange) -> None:
        exchange.submitted = True
        incoming = exchange.incoming
        rewriting = exchange.target.rewriting
        if rewriting is not None:
            if rewriting.needs_body and not incoming.held:
                exchange.drop("too_large")
                return
            if not rewriting.apply(exchange):
                exchange.drop("not_adaptable")
                return
        now_ns = _now_ns()
        if incoming.chosen and self._faults is not None:
            delay_ns = self._broken(exchange, self._faults)
            if delay_ns:
                exchange.pool.submit_after(delay_ns, exchange, now_ns=now_ns)
                return
        if not exchange.pool.submit(exchange, now_ns):
            exchange.drop("queue_full")

    def _broken(self, exchange: PrimaryExchange, faults: FaultStage) -> int:
        incoming = exchange.incoming
        if incoming.held:
            return faults.apply(exchange)
        incoming.chosen = ()
        self._row.add(self._row.at("client/unfaulted_too_large"))
        return 0
