"""What a configuration becomes in a worker: pools, mirror, canary, intake; one is replaced by the next at a
reload.

Knows which part gets which; decides nothing. Made by the plant. A line-up that was replaced finishes what it
has begun and is closed when nothing is left.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from recording.clock import RunClock
from recording.exchange import Outcome
from scenarios.timeline import Timeline
from shadow_proxy.accounting import TargetTally
from shadow_proxy.breaker import Breaker
from shadow_proxy.canary import Canary
from shadow_proxy.config import ProxyConfig
from shadow_proxy.connecting import Secured, Spawn, resolved
from shadow_proxy.counters import CounterRow
from shadow_proxy.deadlines import Sweep, in_ns
from shadow_proxy.dispatch import Dispatch
from shadow_proxy.faults import FaultStage
from shadow_proxy.held import HeldBudget
from shadow_proxy.intake import REQUEST_ID, Intake
from shadow_proxy.limits import BreakerConfig
from shadow_proxy.mirror import Mirror
from shadow_proxy.mirror_rules import MirrorRules
from shadow_proxy.pool import Pool, PoolLimits
from shadow_proxy.rewriting import Rewriting
from shadow_proxy.rows import Rows
from shadow_proxy.sampling import Sampler
from shadow_proxy.slow_lane import SlowLane
from shadow_proxy.target import Target
from shadow_proxy.target_config import TargetConfig
from shadow_proxy.transport_security import target_context
from wire.fields import FIELD_TABLE, PASS
from wire.response_reader import KnownHeads, ResponseReader

ANSWER_TABLE = {**FIELD_TABLE, REQUEST_ID: PASS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a line-up stands on: the process's loop, task group, clock, counters and journal."""

    loop: asyncio.AbstractEventLoop
    spawn: Spawn
    clock: RunClock
    row: CounterRow
    rows: Rows
    timeline: Timeline | None = None
    recording: bool = True


class LineUp:
    """All parts that depend on the configuration."""

    def __init__(self, config: ProxyConfig, ground: Ground, *, sweep: Sweep) -> None:
        self.config = config
        self.rows = ground.rows
        self._ground = ground
        self._sweep = sweep
        self._faults = FaultStage(ground.timeline, row=ground.row) if ground.timeline else None
        if self._faults is not None:
            sweep.also.append(self._publish_faults)
        self._slow_lane = SlowLane(ground.loop, bytes_per_s=config.limits.copy_answer_bytes_per_s)
        targets = {target.name: self._target(target) for target in config.targets}
        baseline = targets[config.baseline.name]
        candidate = targets[config.canary_target.name] if config.canary_target else None
        self.shadows = [self._shadow_pool(target) for target in self._shadow_targets(targets)]
        self.mirror = self._mirror(self.shadows)
        self.canary = Canary(share=config.canary.share, salt=config.salt, sticky=config.canary.sticky)
        self.dispatch = Dispatch(
            baseline=self._primary_pool(baseline),
            candidate=self._primary_pool(candidate) if candidate else None,
            canary=self.canary,
            mirror=self.mirror,
            faults=self._faults,
            rows=ground.rows,
            limits=config.limits,
            row=ground.row,
            recording=ground.recording,
        )
        self.intake = Intake(
            limits=config.limits,
            clock=ground.clock,
            due_header=config.due_header,
            authority=baseline.authority,
            max_hops=config.max_hops,
            budget=HeldBudget(config.limits.copies_bytes),
            recording=ground.recording,
        )

    @property
    def pools(self) -> Sequence[Pool]:
        """All, those that clients are answered from first."""
        return (*self.dispatch.pools, *self.shadows)

    @property
    def busy(self) -> int:
        """Exchanges under way, the clients' and the copies."""
        return sum(pool.busy for pool in self.pools)

    def set_shares(self, *, canary: float, mirror: float) -> None:
        """From the next request on."""
        self.canary.set_share(canary)
        self.mirror.sampler = Sampler(share=mirror, salt=self.config.salt)

    async def resolve(self) -> None:
        """Look up the targets' names, at the start and again now and then."""
        for pool in self.pools:
            pool.address = await resolved(pool.target.config, loop=self._ground.loop) or pool.address

    def retire(self) -> None:
        """Another line-up serves from now on; whether a shadow is ejected is for that one to find out."""
        for pool in self.pools:
            pool.retire()
            if pool.breaker is not None and pool.breaker.ejected:
                pool.target.tally.breaker_changed(ejected=False)
            pool.breaker = None

    def close(self) -> None:
        """End what is still under way; every exchange is accounted for afterwards."""
        for pool in self.pools:
            pool.close()
        if self._faults is not None:
            self._faults.publish()
            self._sweep.forget(self._publish_faults)

    def _publish_faults(self, now_ns: int) -> None:
        del now_ns
        if self._faults is not None:
            self._faults.publish()

    def _breaker_changed(self, target: Target, ejected: bool) -> None:
        target.breaker_changed(ejected)
        if ejected:
            self._slow_lane.clear(target, outcome=Outcome.CANCELLED.value)

    def _shadow_targets(self, targets: dict[str, Target]) -> list[Target]:
        """Every target that may get copies: the baseline too, if a candidate may answer in its place."""
        baseline = self.config.baseline.name
        shadows = [target for name, target in targets.items() if name != baseline]
        return [*shadows, targets[baseline]] if self.config.canary_target is not None else shadows

    def _target(self, config: TargetConfig) -> Target:
        tally = TargetTally(self._ground.row, target=config.name)
        return Target(config, tally=tally, rewriting=Rewriting(config) if config.rewrites else None)

    def _mirror(self, pools: Sequence[Pool]) -> Mirror:
        config = self.config
        return Mirror(
            pools,
            primaries=[target.name for target in (config.baseline, config.canary_target) if target],
            sampler=Sampler(share=config.mirror, salt=config.salt),
            rules=MirrorRules(config.routes),
            limits=config.limits,
            rows=self._ground.rows,
            faults=self._faults,
            recording=self._ground.recording,
            mark=f"{config.mark_copies}\r\n".encode() if config.mark_copies else b"",
        )

    def _primary_pool(self, target: Target) -> Pool:
        limits = self.config.limits
        return self._pool(target, connections=limits.primary_connections, queued=limits.queued_requests)

    def _shadow_pool(self, target: Target) -> Pool:
        limits = self.config.limits
        return self._pool(
            target,
            connections=limits.shadow_connections,
            queued=limits.queued_copies,
            breaker=_breaker(self.config.breaker, on_change=partial(self._breaker_changed, target)),
            slow_lane=self._slow_lane,
        )

    def _pool(
        self,
        target: Target,
        *,
        connections: int,
        queued: int,
        breaker: Breaker | None = None,
        slow_lane: SlowLane | None = None,
    ) -> Pool:
        config, of_all = target.config, self.config.deadlines
        known: KnownHeads = {}
        return Pool(
            target,
            limits=PoolLimits(
                max_connections=config.connections or connections,
                max_queued=queued,
                max_answer_bytes=self.config.limits.copy_answer_bytes,
                connect_ns=in_ns(config.connect_s or of_all.connect_s),
                first_byte_ns=in_ns(config.first_byte_s or of_all.first_byte_s),
                total_ns=in_ns(config.total_s or of_all.total_s),
                pooled_idle_ns=in_ns(of_all.pooled_idle_s),
            ),
            loop=self._ground.loop,
            sweep=self._sweep,
            spawn=self._ground.spawn,
            new_reader=partial(self._new_reader, known),
            tls=_secured(config, handshake_s=config.connect_s or of_all.connect_s),
            breaker=breaker,
            slow_lane=slow_lane,
        )

    def _new_reader(self, known: KnownHeads) -> ResponseReader:
        limits = self.config.limits
        return ResponseReader(
            max_head_bytes=limits.answer_head_bytes,
            max_fields=limits.answer_fields,
            table=ANSWER_TABLE,
            known=known,
        )


def _secured(config: TargetConfig, *, handshake_s: float) -> Secured | None:
    context = target_context(config)
    if context is None:
        return None
    return Secured(
        context=context, server_name=config.tls.server_name or config.host_name, handshake_s=handshake_s
    )


def _breaker(config: BreakerConfig | None, *, on_change: Callable[[bool], None]) -> Breaker | None:
    if config is None:
        return None
    return Breaker(
        failures=config.failures,
        open_ns=in_ns(config.open_s),
        max_open_ns=in_ns(config.max_open_s),
        probes=config.probes,
        on_change=on_change,
    )
