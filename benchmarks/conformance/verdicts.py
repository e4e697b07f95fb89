"""What a server made of one row of the byte table, judged from the bytes it sent back.

Knows the kinds of verdict and which of them a row allows; refuses to know sockets. A row that may be refused
or accepted is never judged wrong.
"""

import re
from collections import Counter
from collections.abc import Mapping
from enum import Enum
from typing import Final

from tests.shadow_proxy.byte_table.rows import Expected, Row

_STATUS_LINE: Final = re.compile(rb"HTTP/1\.[01] ([2-5]\d\d)[ \r]")


class Verdict(Enum):
    """HUNG: neither an answer nor a close while we waited. CLOSED: the connection ended without an answer."""

    SERVED = "2xx"
    REFUSED = "refused"
    CLOSED = "closed"
    HUNG = "hung"


_ALLOWED: Final[Mapping[Expected, frozenset[Verdict]]] = {
    Expected.SERVED: frozenset({Verdict.SERVED}),
    Expected.REFUSED: frozenset({Verdict.REFUSED, Verdict.CLOSED}),
    Expected.EITHER: frozenset(Verdict),
    Expected.STALLS: frozenset({Verdict.REFUSED, Verdict.CLOSED}),
}


def statuses(received: bytes) -> list[int]:
    """Of the final answers, in order."""
    return [int(status) for status in _STATUS_LINE.findall(received)]


def verdict(row: Row, received: bytes, *, ended: bool) -> Verdict | None:
    """What became of the last message of the row; None while it may still change."""
    wanted = len(row.seen) + (not row.served)
    answers = statuses(received)[:wanted]
    if any(status >= 400 for status in answers):
        return Verdict.REFUSED
    if len(answers) == wanted:
        return Verdict.SERVED
    return Verdict.CLOSED if ended else None


def is_wrong(row: Row, seen: Verdict) -> bool:
    """Whether the row does not allow it."""
    return seen not in _ALLOWED[row.expected]


def tally(seen: Mapping[str, Verdict], rows: tuple[Row, ...]) -> str:
    """One line: how many of the rows that must be refused were not, and the other failures."""
    bad = Counter(seen[row.name] for row in rows if row.expected is Expected.REFUSED)
    good, good_failed = _failures(seen, rows, Expected.SERVED)
    stalled, stalled_failed = _failures(seen, rows, Expected.STALLS)
    return (
        f"of {bad.total()} that must be refused {bad[Verdict.SERVED]} accepted, {bad[Verdict.HUNG]} hung; "
        f"of {good} good ones {good_failed} not served; of {stalled} that stall {stalled_failed} not ended"
    )


def _failures(seen: Mapping[str, Verdict], rows: tuple[Row, ...], kind: Expected) -> tuple[int, int]:
    wrong = [is_wrong(row, seen[row.name]) for row in rows if row.expected is kind]
    return len(wrong), sum(wrong)
