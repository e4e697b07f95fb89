"""Is the sample whole? Pairs that are missing, arms that fell silent, labels that were not found.

Definition: completeness is the share of meant pairs that were sent to both arms and met a listening server;
what sampling left out was not meant. Missing is *differential* if one arm misses more than the other by
McNemar's mid-p test at 0.001, as shedding under load does, which leaves a sample of the quiet moments. An
arm fell silent if nothing it was asked after some instant was answered to the end of the run. Label join is
the share of complete pairs whose right answer is known. Only pairs without faults count: a fault may make
an arm unreachable on purpose. A timeout or a reset is a bad answer of that arm, not a missing one, so that
no arm gains by not answering. Source: Fabijan et al. 2019 (KDD) for sample-ratio checks. Called by
`judge.verdict`.
"""

import math
from dataclasses import asdict, dataclass

from judge.kinds import Bools, Ints, Kinds
from judge.mcnemar import mid_p
from judge.paired import PairedCounts
from judge.pairs import Mark

DIFFERENTIAL_P = 0.001
SILENT_PAIRS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """An arm that stopped answering: the moment of the last request it answered (of the first one, if it
    `never` did), and how many came after."""

    target: str
    never: bool
    since_s: float
    unanswered: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Completeness:
    """Clean pairs, and which arm the missing ones lack. `share` is None without pairs."""

    total: int
    complete: int
    baseline_missing: int
    candidate_missing: int
    both_missing: int
    not_sampled: int
    share: float | None
    differential_p: float
    silent: tuple[Silence, ...]

    def as_json(self) -> dict[str, object]:
        """The same as a JSON object."""
        return {**asdict(self), "silent": [asdict(silence) for silence in self.silent]}


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelJoin:
    """Complete clean pairs with a known right answer, and answers without a usable prediction."""

    complete: int
    labelled: int
    share: float | None
    baseline_unusable: int
    candidate_unusable: int

    def as_json(self) -> dict[str, object]:
        """The same as a JSON object."""
        return asdict(self)


def completeness(kinds: Kinds, *, baseline: str, candidate: str, allowed_share: float) -> Completeness:
    """Count what is missing among clean pairs, by arm; silence is more than `allowed_share` of them."""
    clean = kinds.scenario(faulted=False)
    meant = kinds.meant & clean
    has_b, has_c = _reached(kinds.baseline), _reached(kinds.candidate)
    total, complete = kinds.total(meant), kinds.total(meant & has_b & has_c)
    lacks_b, lacks_c = kinds.total(meant & ~has_b & has_c), kinds.total(meant & has_b & ~has_c)
    least = max(SILENT_PAIRS, math.ceil(allowed_share * total))
    silent = (
        _silence(kinds, arm=kinds.baseline, target=baseline, least=least),
        _silence(kinds, arm=kinds.candidate, target=candidate, least=least),
    )
    return Completeness(
        total=total,
        complete=complete,
        baseline_missing=lacks_b,
        candidate_missing=lacks_c,
        both_missing=total - complete - lacks_b - lacks_c,
        not_sampled=kinds.total(~kinds.meant & clean),
        share=complete / total if total else None,
        differential_p=mid_p(PairedCounts(better=lacks_b, worse=lacks_c)),
        silent=tuple(silence for silence in silent if silence),
    )


def label_join(kinds: Kinds) -> LabelJoin:
    """Count labels among complete clean pairs."""
    complete = kinds.complete & kinds.scenario(faulted=False)
    labelled = complete & kinds.labelled
    total = kinds.total(complete)
    return LabelJoin(
        complete=total,
        labelled=kinds.total(labelled),
        share=kinds.total(labelled) / total if total else None,
        baseline_unusable=kinds.marked(Mark.UNUSABLE, arm=kinds.baseline, among=labelled),
        candidate_unusable=kinds.marked(Mark.UNUSABLE, arm=kinds.candidate, among=labelled),
    )


def _reached(arm: Ints) -> Bools:
    reached: Bools = ((arm & Mark.SENT) != 0) & ((arm & Mark.REFUSED) == 0)
    return reached


def _silence(kinds: Kinds, *, arm: Ints, target: str, least: int) -> Silence | None:
    """Whether at least so many requests at the end of the run have no answer; an HTTP error is one."""
    chosen = kinds.meant & kinds.scenario(faulted=False)
    heard = chosen & ((arm & Mark.HEARD) != 0)
    first_ns = int(kinds.first_ns[chosen].min()) if chosen.any() else 0
    last_ns = int(kinds.last_ns[heard].max()) if heard.any() else None
    after = chosen & ~heard if last_ns is None else chosen & ~heard & (kinds.first_ns > last_ns)
    if kinds.total(after) < least:
        return None
    since_s = round((first_ns if last_ns is None else last_ns) / 1e9, 3)
    return Silence(target=target, never=last_ns is None, since_s=since_s, unanswered=kinds.total(after))
