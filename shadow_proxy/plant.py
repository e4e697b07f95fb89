"""The data plane of one worker, put together: pools, mirror, clients, deadlines.

Knows which part gets which; decides nothing. Built by the worker process, and by tests inside their own loop.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from recording.clock import RunClock
from scenarios.timeline import Timeline
from shadow_proxy.accounting import TargetTally
from shadow_proxy.client import Clients
from shadow_proxy.config import Deadlines, ProxyConfig, TargetConfig
from shadow_proxy.connecting import Spawn, resolved
from shadow_proxy.counters import CounterRow
from shadow_proxy.deadlines import ClientDeadlines, Sweep, in_ns
from shadow_proxy.dispatch import Dispatch
from shadow_proxy.faults import FaultStage
from shadow_proxy.intake import REQUEST_ID, Intake
from shadow_proxy.mirror import Mirror
from shadow_proxy.pool import Pool, PoolLimits
from shadow_proxy.rows import Rows
from shadow_proxy.sampling import Sampler
from shadow_proxy.target import Target
from wire.fields import FIELD_TABLE, PASS
from wire.response_reader import KnownHeads, ResponseReader

ANSWER_TABLE = {**FIELD_TABLE, REQUEST_ID: PASS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a plant stands on: the process's loop, task group, clock, counters and journal."""

    loop: asyncio.AbstractEventLoop
    spawn: Spawn
    clock: RunClock
    row: CounterRow
    rows: Rows
    timeline: Timeline | None = None


class Plant:
    """All parts of one worker; `clients.new_connection` is the listener's protocol factory.

    `drained` is set, after `drain`, by the sweep that finds nothing under way.
    """

    def __init__(self, config: ProxyConfig, ground: Ground) -> None:
        self.sweep = Sweep(ground.loop)
        self.drained = asyncio.Event()
        self._loop = ground.loop
        self._faults = FaultStage(ground.timeline, row=ground.row) if ground.timeline else None
        if self._faults is not None:
            self.sweep.also.append(self._publish_faults)
        self.primary = self._pool(config, config.primary, ground)
        shadows = [target for target in config.targets if target is not config.primary]
        self.shadows = tuple(self._pool(config, target, ground) for target in shadows)
        self.mirror = Mirror(
            self.shadows,
            sampler=Sampler(share=config.mirror, salt=config.salt),
            limits=config.limits,
            rows=ground.rows,
            faults=self._faults,
        )
        self.clients = Clients(
            dispatch=self._dispatch(config, ground),
            intake=Intake(
                limits=config.limits,
                clock=ground.clock,
                due_header=config.due_header,
                authority=self.primary.target.authority,
            ),
            sweep=self.sweep,
            deadlines=_client_deadlines(config.deadlines),
            row=ground.row,
        )

    @property
    def pools(self) -> Sequence[Pool]:
        """Of all targets, the primary's first."""
        return (self.primary, *self.shadows)

    @property
    def busy(self) -> int:
        """Exchanges under way, the clients' and the copies."""
        return sum(pool.busy for pool in self.pools)

    async def resolve(self) -> None:
        """Look up the targets' names, at the start and again now and then."""
        for pool in self.pools:
            where = pool.target.config
            pool.address = await resolved(where.host, where.port, loop=self._loop) or pool.address

    def start(self) -> None:
        """Watch deadlines from now on."""
        self.sweep.start()

    def drain(self) -> None:
        """Finish what is under way, begin nothing."""
        self.mirror.draining = True
        self.clients.drain()
        self.sweep.also.append(self._notice_drained)

    def close(self) -> None:
        """End what is still under way; every exchange is accounted for afterwards."""
        self.clients.abort()
        for pool in self.pools:
            pool.close()
        self.sweep.stop()
        if self._faults is not None:
            self._faults.publish()

    def _publish_faults(self, now_ns: int) -> None:
        del now_ns
        if self._faults is not None:
            self._faults.publish()

    def _notice_drained(self, now_ns: int) -> None:
        del now_ns
        if not self.busy and not self.clients.connections:
            self.drained.set()

    def _pool(self, config: ProxyConfig, target: TargetConfig, ground: Ground) -> Pool:
        limits = config.limits
        is_primary = target is config.primary
        known: KnownHeads = {}
        return Pool(
            Target(target, tally=TargetTally(ground.row, target=target.name)),
            limits=PoolLimits(
                max_connections=limits.primary_connections if is_primary else limits.shadow_connections,
                max_queued=limits.queued_requests if is_primary else limits.queued_copies,
                connect_ns=in_ns(config.deadlines.connect_s),
                first_byte_ns=in_ns(config.deadlines.first_byte_s),
                total_ns=in_ns(config.deadlines.total_s),
                pooled_idle_ns=in_ns(config.deadlines.pooled_idle_s),
            ),
            loop=ground.loop,
            sweep=self.sweep,
            spawn=ground.spawn,
            new_reader=lambda: ResponseReader(
                max_head_bytes=limits.answer_head_bytes,
                max_fields=limits.answer_fields,
                table=ANSWER_TABLE,
                known=known,
            ),
        )

    def _dispatch(self, config: ProxyConfig, ground: Ground) -> Dispatch:
        return Dispatch(
            primary=self.primary,
            mirror=self.mirror,
            faults=self._faults,
            rows=ground.rows,
            limits=config.limits,
            kept_bytes=config.limits.recorded_answer_bytes,
            row=ground.row,
            requests_cell=ground.row.at("requests"),
        )


def _client_deadlines(deadlines: Deadlines) -> ClientDeadlines:
    return ClientDeadlines(
        idle_ns=in_ns(deadlines.client_idle_s),
        head_ns=in_ns(deadlines.client_head_s),
        body_ns=in_ns(deadlines.client_body_s),
        linger_ns=in_ns(deadlines.linger_s),
    )
