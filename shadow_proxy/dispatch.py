"""What happens to a request that came in: counted, copied, perhaps broken, and sent to the primary.

Knows the order of these steps; refuses to know the client's protocol and the pools' connections. The primary
always goes first. Called by the client connection when it is a request's turn, and again as its body arrives.
"""

import time
from dataclasses import dataclass

from shadow_proxy.config import Limits
from shadow_proxy.counters import CounterRow
from shadow_proxy.faults import FaultStage
from shadow_proxy.incoming import Incoming
from shadow_proxy.mirror import Mirror
from shadow_proxy.pool import Pool
from shadow_proxy.primary import Client, PrimaryExchange
from shadow_proxy.rows import Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """One worker's way of a request."""

    primary: Pool
    mirror: Mirror
    faults: FaultStage | None
    rows: Rows
    limits: Limits
    kept_bytes: int
    row: CounterRow
    requests_cell: int

    def start(self, incoming: Incoming, client: Client) -> PrimaryExchange:
        """It is this request's turn."""
        self.row.cells[self.requests_cell] += 1
        self.mirror.plan(incoming)
        exchange = PrimaryExchange(
            incoming,
            self.primary.target,
            client=client,
            rows=self.rows,
            max_kept_bytes=self.kept_bytes,
        )
        faults = self.faults
        if faults is not None and faults.opens_ns <= incoming.due_ns < faults.closes_ns:
            incoming.chosen = faults.choose(incoming)
        return exchange

    def proceed(self, exchange: PrimaryExchange) -> None:
        """The request has just started, or more of its body is here."""
        incoming = exchange.incoming
        if exchange.submitted:
            exchange.body_arrived()
        elif incoming.complete or not incoming.chosen or not incoming.held:
            self._submit(exchange)
        if incoming.complete and incoming.copies:
            self.mirror.send(incoming)

    def cancel(self, exchange: PrimaryExchange) -> None:
        """Its client is gone, or broke the protocol inside the body."""
        self.primary.withdraw(exchange)
        exchange.cancel()
        self.abandon_copies(exchange.incoming, reason="client_gone")

    def abandon_copies(self, incoming: Incoming, *, reason: str) -> None:
        """The body will not be complete; copies that wait for it are dropped."""
        if incoming.copies:
            self.mirror.give_up(incoming, reason)

    def _submit(self, exchange: PrimaryExchange) -> None:
        exchange.submitted = True
        incoming = exchange.incoming
        now_ns = time.monotonic_ns()
        if incoming.chosen and self.faults is not None:
            delay_ns = self._broken(exchange, self.faults)
            if delay_ns:
                self.primary.submit_after(delay_ns, exchange, now_ns=now_ns)
                return
        if not self.primary.submit(exchange, now_ns):
            exchange.drop("queue_full")

    def _broken(self, exchange: PrimaryExchange, faults: FaultStage) -> int:
        incoming = exchange.incoming
        if incoming.held:
            return faults.apply(exchange)
        incoming.chosen = ()
        self.row.cells[self.row.at("client/unfaulted_too_large")] += 1
        return 0
