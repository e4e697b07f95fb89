"""Whether anything was lost: sums that must come out even, checked between independent counts.

Knows the proxy's accounting and how many rows the files hold; refuses to explain a difference away: a sum
that does not come out even is shown with both sides. Called by every form of the report.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from recording.exchange import Outcome
from report.facts import RunFacts
from report.json_door import Json, inner, whole
from report.wording import count

_ENDINGS = (*(outcome.value for outcome in Outcome), "lost")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Two counts that must be equal, each with the words for where it comes from."""

    about: str
    left_name: str
    left: int
    right_name: str
    right: int

    @property
    def holds(self) -> bool:
        """Whether nothing is missing on either side."""
        return self.left == self.right

    @property
    def sentence(self) -> str:
        """The sum in words."""
        sign = "=" if self.holds else "≠"
        return f"{count(self.left)} {self.left_name} {sign} {self.right_name}"


def identities_of(facts: RunFacts) -> tuple[Identity, ...]:
    """Every sum that the run's files allow to be checked."""
    requests = whole(facts.accounting, "requests")
    accounts = inner(facts.accounting, "targets")
    rows = {target.name: target.requests for target in facts.exchanges.targets}
    found: list[Identity] = []
    for name in accounts:
        found += _of_target(name, account=inner(accounts, name), requests=requests, rows=rows.get(name, 0))
    sent = sum(target.requests - target.dropped for target in facts.client.targets)
    if requests is not None and facts.client.targets:
        found.append(
            Identity(
                about="client",
                left_name="sent by the engine",
                left=sent,
                right_name=f"{count(requests)} received by the proxy",
                right=requests,
            )
        )
    return tuple(found)


def _of_target(name: str, *, account: Json, requests: int | None, rows: int) -> Iterator[Identity]:
    sent = whole(account, "sent")
    dropped, undecided = _total(inner(account, "dropped")), whole(account, "undecided") or 0
    endings = {
        ending: ended for ending in _ENDINGS if (ended := whole(inner(account, "endings") or account, ending))
    }
    in_flight = whole(account, "in_flight") or 0
    if requests is not None and sent is not None:
        yield Identity(
            about=name,
            left_name="requests",
            left=requests,
            right_name=_sum({"sent": sent, "dropped": dropped, "undecided": undecided}),
            right=sent + dropped + undecided,
        )
    if sent is not None:
        yield Identity(
            about=name,
            left_name="sent",
            left=sent,
            right_name=_sum({**endings, "in flight": in_flight}),
            right=sum(endings.values()) + in_flight,
        )
    if requests is not None:
        yield Identity(
            about=name,
            left_name="requests",
            left=requests,
            right_name=f"{count(rows)} rows in exchanges/*.parquet",
            right=rows,
        )


def _total(counts: Json) -> int:
    return sum(whole(counts, name) or 0 for name in counts)


def _sum(parts: dict[str, int]) -> str:
    """
    >>> _sum({"ok": 9, "in flight": 0, "time_out": 1})
    '9 ok + 1 time out'
    """
    shown = [f"{count(number)} {name.replace('_', ' ')}" for name, number in parts.items() if number]
    return " + ".join(shown) or "0"
