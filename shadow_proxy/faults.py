"""Where a scenario's timeline touches the exchanges.

Knows when to ask the timeline at all and how to put its answer into an exchange; refuses to know what a fault
is. While no window is open it costs one comparison a request. Counts are published by the sweep. The timeline
decides by the request's id and the instant at which the request was due, so every worker and every target
gets the same faults.
"""

from recording.journal_codec import join_faults
from scenarios.fault import Chosen, Send
from scenarios.timeline import Timeline
from shadow_proxy.accounting import FAULT_CELLS
from shadow_proxy.counters import CounterRow
from shadow_proxy.exchange import Exchange
from shadow_proxy.framing import with_content_type
from shadow_proxy.incoming import Incoming
from wire.fields import value_of


class FaultStage:
    """One worker's faults. `opens_ns` and `closes_ns` are read on the hot path before anything is asked."""

    def __init__(self, timeline: Timeline, *, row: CounterRow) -> None:
        self.opens_ns = timeline.opens_ns
        self.closes_ns = timeline.closes_ns
        self._timeline = timeline
        self._row = row
        self._published: dict[str, dict[str, int]] = {}

    def choose(self, incoming: Incoming) -> tuple[Chosen, ...]:
        """The faults that hold for this request, whatever its targets."""
        head = incoming.head
        return self._timeline.choose(
            incoming.request_id, incoming.due_ns, method=head.method, path=head.target
        )

    def apply(self, exchange: Exchange) -> int:
        """Change what this exchange sends; returns the delay before it is sent, in ns."""
        incoming = exchange.incoming
        head = incoming.head
        content_type = value_of(head.lines, b"content-type") or b""
        sent = incoming.whole() if exchange.body is None else exchange.body
        before = Send(body=sent, content_type=content_type, delay_ns=0)
        config = exchange.target.config
        after, ids = self._timeline.apply(incoming.chosen, config.role.value, before, target_name=config.name)
        if not ids:
            return 0
        exchange.faults = join_faults(ids)
        exchange.body = after.body
        if after.content_type != content_type:
            first, _, lines = exchange.start.partition(b"\r\n")
            exchange.start = first + b"\r\n" + with_content_type(lines, after.content_type)
        return after.delay_ns

    def publish(self) -> None:
        """Put the timeline's counts where the parent adds them up."""
        row = self._row
        for fault_id, counts in self._timeline.counts.items():
            first = self._row.at(f"fault/{fault_id}/{FAULT_CELLS[0]}")
            published = self._published.setdefault(fault_id, dict.fromkeys(FAULT_CELLS, 0))
            for offset, name in enumerate(FAULT_CELLS):
                row.add(first + offset, counts[name] - published[name])
                published[name] = counts[name]
