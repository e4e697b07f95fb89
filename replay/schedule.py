"""When each request is due: the whole plan, made before the start from trace, profile and seed.

Knows how the trace's offsets, a load profile and an arrival process become one ascending array; refuses to
know clocks, sockets and what the requests are. Pure: the same settings and offsets give the same plan on any
machine. Arrival i sends request i of the trace; when there are more arrivals than requests the trace starts
over, and the requests of a later pass get ids of their own (`round_id`).
"""

import hashlib
import math
from dataclasses import dataclass

import numpy as np

from loadprofiles.arrivals import MOST_ARRIVALS, arrivals
from loadprofiles.notation import parse_profile
from loadprofiles.profile import NS_PER_S, Nanoseconds, Profile, ProfileError
from loadprofiles.shapes.recorded import Recorded
from recording.errors import InputError
from replay.config import ReplayConfig


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Schedule:
    """Arrivals in ns from the replay's start, ascending, and where they come from."""

    due_ns: Nanoseconds
    profile: str
    arrival: str

    @property
    def digest(self) -> str:
        """Equal digests mean equal arrivals."""
        return f"sha256:{hashlib.sha256(self.due_ns.tobytes()).hexdigest()}"


def plan(config: ReplayConfig, offsets_ns: Nanoseconds) -> Schedule:
    """The schedule of a replay of a trace whose requests arrived at `offsets_ns`."""
    try:
        profile = _profile(config, offsets_ns)
        process = config.arrival or ("recorded" if isinstance(profile, Recorded) else "poisson")
        due_ns = _as_long_as_asked(config, profile, arrivals(profile, process=process, seed=config.seed))
    except ProfileError as error:
        raise InputError(str(error), place="profile" if config.profile else str(config.trace)) from None
    if len(due_ns) == 0:
        raise InputError(f"{str(profile)!r} has no arrivals", place="profile", fix="raise rate or duration")
    return Schedule(due_ns=due_ns, profile=str(profile), arrival=process)


def round_id(request_id: bytes, round_number: int) -> bytes:
    """The id of a request in a pass over the trace, counted from 1.

    >>> round_id(b"a7", 1), round_id(b"a7", 2)
    (b'a7', b'a7~2')
    """
    return request_id if round_number == 1 else b"%b~%d" % (request_id, round_number)


def _profile(config: ReplayConfig, offsets_ns: Nanoseconds) -> Profile:
    if config.profile is None:
        return Recorded(offsets_ns=offsets_ns, speed=config.speed)
    return parse_profile(config.profile, offsets_ns=offsets_ns)


def _as_long_as_asked(config: ReplayConfig, profile: Profile, due_ns: Nanoseconds) -> Nanoseconds:
    """Cut at `duration_s`; a recorded profile that is shorter is repeated up to it."""
    if config.duration_s is None:
        return due_ns
    if isinstance(profile, Recorded) and profile.duration_s < config.duration_s:
        due_ns = _repeated(due_ns, period_s=profile.duration_s, duration_s=config.duration_s)
    return due_ns[: np.searchsorted(due_ns, round(config.duration_s * NS_PER_S))]


def _repeated(due_ns: Nanoseconds, *, period_s: float, duration_s: float) -> Nanoseconds:
    rounds = math.ceil(duration_s / period_s)
    if rounds * len(due_ns) > MOST_ARRIVALS:
        raise ProfileError(f"{duration_s:g} s of this trace are more than {MOST_ARRIVALS:,} arrivals")
    starts_ns = np.arange(rounds) * round(period_s * NS_PER_S)
    return (starts_ns[:, np.newaxis] + due_ns).reshape(-1)
