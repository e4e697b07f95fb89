"""The four answers of a gate, which one wins, and the exit code that tells it to a caller.

Knows an order and numbers; refuses to know why. Called by `judge.rule`, `judge.verdict` and the report.
"""

from collections.abc import Iterable
from enum import StrEnum


class Status(StrEnum):
    """What is known of one criterion, or of all. INFO marks a criterion that does not decide."""

    PASS = "PASS"
    FAIL = "FAIL"
    HOLD = "HOLD"
    INVALID = "INVALID"
    INFO = "INFO"


EXIT_CODES = {Status.PASS: 0, Status.FAIL: 3, Status.HOLD: 4, Status.INVALID: 5}
_STRONGEST_FIRST = (Status.INVALID, Status.FAIL, Status.HOLD, Status.PASS)


def combine(statuses: Iterable[Status]) -> Status:
    """INVALID over FAIL over HOLD over PASS; INFO is passed over, and nothing at all is INVALID.

    >>> combine([Status.PASS, Status.HOLD, Status.INFO]).value, combine([Status.INFO]).value
    ('HOLD', 'INVALID')
    """
    present = set(statuses)
    return next((status for status in _STRONGEST_FIRST if status in present), Status.INVALID)
