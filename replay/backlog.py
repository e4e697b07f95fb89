"""Which of the arrivals that are due go out now, and which are shed: the pure decision.

Knows counts only; refuses to know sockets and requests. Called by the pacer on every turn. The rules: what is
late goes at once, nothing is ever postponed or re-anchored, and what finds no free place among the requests
in flight is shed and says so, because waiting for a place would make the load depend on the answers.
"""

from dataclasses import dataclass

MOST_PER_TURN = 64  # then the loop reads answers before it sends on


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Arrivals, by index, to send and to shed in this turn of the loop."""

    send: range
    shed: range


def take_due(*, first: int, due_until: int, free: int) -> Turn:
    """Split the arrivals from `first` up to `due_until`, all of which are due, over `free` places.

    >>> take_due(first=10, due_until=13, free=2)
    Turn(send=range(10, 12), shed=range(12, 13))
    """
    end = min(due_until, first + MOST_PER_TURN)
    cut = min(end, first + max(0, free))
    return Turn(send=range(first, cut), shed=range(cut, end))
