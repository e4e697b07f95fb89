"""What a fault is: one thing that goes wrong with the copy of a request that goes to one target.

Knows the three records that pass between the proxy and a fault, and a fault's duties. Refuses to know when a
fault holds and for whom (`timeline.py`), and what goes wrong (one file for each in this folder). Subclassed
by the members of `library.py`; called by `Timeline` alone.

A fault's duties:

1. It is a pure function of (what is about to be sent, the generator it is handed). No clock, no global
   chance, no memory between calls: the same request must get the same bytes on every target, in every worker,
   in any order and at any concurrency.
2. It takes the same draws from the generator whatever the target.
3. It answers None when it does not apply (a body that is not JSON, a path that is not there). That is counted
   as `skipped_not_applicable`; guessing is not allowed.
4. It never changes what it is not about, and never waits: a delay is a number for the proxy to keep.
5. Its fields are its parameters; what cannot work is refused when the scenario is read, not when it runs.
"""

import random
from abc import abstractmethod
from dataclasses import dataclass

from recording.documents import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """What is about to be sent to one target. `delay_ns` is kept before sending, and adds up over faults.

    `body` is the payload as on the wire, undecoded: the proxy rebuilds the framing around whatever length
    comes back. `content_type` is empty where the client sent none.
    """

    body: bytes
    content_type: bytes = b""
    delay_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A fault that holds for a request, before anybody asks for which target. `chance` seeds its draws."""

    position: int
    fault_id: str
    chance: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Whom a fault strikes: a word of `ROLES_BY_WORD`, or else a target's own name."""

    word: str

    def covers(self, role: str, name: str) -> bool:
        """Whether the target of this role and name is struck. A reserved word is never taken for a name."""
        roles = ROLES_BY_WORD.get(self.word)
        return name == self.word if roles is None else role in roles


class Fault(Model):
    """One thing that goes wrong. The fields are the `params` of a scenario file; see the duties above."""

    @abstractmethod
    def apply(self, send: Send, chance: random.Random) -> Send | None:
        """What is sent instead, or None when this fault cannot apply to it."""


ROLES_BY_WORD: dict[str, frozenset[str]] = {
    "baseline": frozenset({"baseline"}),
    "candidate": frozenset({"candidate"}),
    "reference": frozenset({"reference"}),
    "both": frozenset({"baseline", "candidate"}),
    "all": frozenset({"baseline", "candidate", "reference"}),
}
