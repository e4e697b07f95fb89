"""What all client connections of a worker share: who they are, and what is done with their requests now.

Knows connections as a set and the parts that serve them; refuses to know HTTP. Made once for a worker; at a
reload it is told of new parts, and every open connection goes on with them.
"""

import time

from shadow_proxy.access_log import AccessLog
from shadow_proxy.client import ClientConnection
from shadow_proxy.counters import CounterRow
from shadow_proxy.deadlines import ClientDeadlines, Sweep
from shadow_proxy.dispatch import Dispatch
from shadow_proxy.intake import LOOP_STATUS, Intake
from shadow_proxy.rows import Rows
from wire.errors import WireError


class Clients:
    """What all client connections of a worker share, and who they are.

    `serve_by` may be called again at any time: open connections go on, with their next request, by what it
    says.
    """

    dispatch: Dispatch
    intake: Intake
    deadlines: ClientDeadlines
    max_connections: int
    access_log: AccessLog | None = None

    rows: Rows

    def __init__(self, *, sweep: Sweep, row: CounterRow) -> None:
        self.sweep = sweep
        self.draining = False
        self.connections: set[ClientConnection] = set()
        self._row = row

    def serve_by(
        self,
        *,
        dispatch: Dispatch,
        intake: Intake,
        deadlines: ClientDeadlines,
        rows: Rows,
        access_log: AccessLog | None,
    ) -> None:
        """What is done with requests from now on."""
        self.dispatch = dispatch
        self.intake = intake
        self.deadlines = deadlines
        self.rows = rows
        self.access_log = access_log
        self.max_connections = dispatch.limits.client_connections

    def count(self, cell: str) -> None:
        """One more of a thing that is rare enough to be named."""
        self._row.add(self._row.at(f"client/{cell}"))

    def note_refusal(self, raw: bytes, refusal: WireError) -> None:
        """A message that is not taken, by its head: counted and recorded."""
        self.count("refused_requests")
        if refusal.status == LOOP_STATUS:
            self.count("looped")
        self.rows.refused(raw, status=refusal.status, reason=refusal.reason, received_ns=time.monotonic_ns())

    def new_connection(self) -> "ClientConnection":
        """A protocol for the listener."""
        return ClientConnection(self)

    def drain(self) -> None:
        """Close what is idle; what is busy closes behind its answer."""
        self.draining = True
        for connection in tuple(self.connections):
            connection.drain()

    def abort(self) -> None:
        """Close everything."""
        for connection in tuple(self.connections):
            connection.abort()
