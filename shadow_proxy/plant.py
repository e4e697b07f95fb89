"""The data plane of one worker: its clients, its deadlines, and the line-up that serves them.

Knows how a line-up takes over from another without a client noticing; decides nothing about requests. Built
by the worker process, and by tests inside their own loop.
"""

import asyncio
from collections.abc import Sequence

from shadow_proxy.access_log import AccessLog
from shadow_proxy.clients import Clients
from shadow_proxy.config import Deadlines, ProxyConfig
from shadow_proxy.deadlines import ClientDeadlines, Sweep, in_ns
from shadow_proxy.lineup import Ground, LineUp
from shadow_proxy.pool import Pool

__all__ = ["Ground", "Plant"]


class Plant:
    """All parts of one worker; `clients.new_connection` is the listener's protocol factory.

    `drained` is set, after `drain`, by the sweep that finds nothing under way.
    """

    def __init__(self, config: ProxyConfig, ground: Ground, *, access_log: AccessLog | None = None) -> None:
        self.sweep = Sweep(ground.loop)
        self.drained = asyncio.Event()
        self.clients = Clients(sweep=self.sweep, row=ground.row)
        self.lineup = LineUp(config, ground, sweep=self.sweep)
        self.retired: list[LineUp] = []
        self.sweep.also.append(self._close_retired)
        self._serve(access_log)

    @property
    def pools(self) -> Sequence[Pool]:
        """Of the line-up that serves."""
        return self.lineup.pools

    @property
    def busy(self) -> int:
        """Exchanges under way, the clients' and the copies."""
        return self.lineup.busy + sum(lineup.busy for lineup in self.retired)

    async def resolve(self) -> None:
        """Look up the targets' names."""
        await self.lineup.resolve()

    def start(self) -> None:
        """Watch deadlines from now on."""
        self.sweep.start()

    async def replace(
        self, config: ProxyConfig, ground: Ground, *, access_log: AccessLog | None = None
    ) -> None:
        """Serve by another configuration; what is under way ends by the one that it began with."""
        lineup = LineUp(config, ground, sweep=self.sweep)
        await lineup.resolve()
        self.lineup.retire()
        self.retired.append(self.lineup)
        self.lineup = lineup
        self._serve(access_log)

    def drain(self) -> None:
        """Finish what is under way, begin nothing."""
        self.lineup.mirror.draining = True
        self.clients.drain()
        self.sweep.also.append(self._notice_drained)

    def close(self) -> None:
        """End what is still under way; every exchange is accounted for afterwards."""
        self.clients.abort()
        for lineup in (*self.retired, self.lineup):
            lineup.close()
        self.sweep.stop()

    def _serve(self, access_log: AccessLog | None) -> None:
        self.clients.serve_by(
            dispatch=self.lineup.dispatch,
            intake=self.lineup.intake,
            deadlines=_client_deadlines(self.lineup.config.deadlines),
            rows=self.lineup.rows,
            access_log=access_log,
        )

    def _close_retired(self, now_ns: int) -> None:
        """A line-up without work goes, once no client has a request in hand that began with it."""
        del now_ns
        for lineup in [one for one in self.retired if not one.busy and not self._is_used(one)]:
            self.retired.remove(lineup)
            lineup.close()

    def _is_used(self, lineup: LineUp) -> bool:
        return any(client.is_served_by(lineup.dispatch) for client in self.clients.connections)

    def _notice_drained(self, now_ns: int) -> None:
        del now_ns
        if not self.busy and not self.clients.connections:
            self.drained.set()


def _client_deadlines(deadlines: Deadlines) -> ClientDeadlines:
    return ClientDeadlines(
        idle_ns=in_ns(deadlines.client_idle_s),
        head_ns=in_ns(deadlines.client_head_s),
        body_ns=in_ns(deadlines.client_body_s),
        read_ns=in_ns(deadlines.client_read_s),
        linger_ns=in_ns(deadlines.linger_s),
    )
