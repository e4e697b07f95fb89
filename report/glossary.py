"""What each number of the report says, and what it does not.

Knows plain words for the terms that a report uses; refuses to know any run. The page prints all of it, so
that a reader needs nothing else at hand.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A term with what it says and what it does not say."""

    name: str
    says: str
    does_not_say: str


VERDICTS = {
    "PASS": "The evidence shows that the candidate is no worse than the criteria allow.",
    "FAIL": "The evidence shows that the candidate is worse than the criteria allow.",
    "HOLD": "There is not enough evidence yet to say either.",
    "INVALID": "The measurement itself cannot be trusted, so it says nothing about the candidate.",
}

GLOSSARY = (
    Term(
        name="Verdict",
        says="PASS, FAIL, HOLD or INVALID, by the criteria that were written down before the run.",
        does_not_say="Whether the criteria are the right ones. HOLD is not a mild FAIL; INVALID is neither.",
    ),
    Term(
        name="Pair",
        says="The same request, answered by the baseline and by the candidate.",
        does_not_say="Anything about requests that only one of them answered; those count as incomplete.",
    ),
    Term(
        name="Difference and interval",
        says="The candidate minus the baseline over pairs, and the range that fits the data.",
        does_not_say="That the true difference lies in the middle, or will be the same on other traffic.",
    ),
    Term(
        name="Bounds that decide",
        says="Wider than the interval for one look, as they hold at every moment at which someone looks. "
        "The status follows these.",
        does_not_say="A probability that the candidate is good.",
    ),
    Term(
        name="Margin",
        says="How much worse is still acceptable. PASS needs the deciding bounds on the good side of it.",
        does_not_say="That a difference inside the margin is nought: it is small enough, by agreement.",
    ),
    Term(
        name="Latency",
        says="From the moment a request was due to the last byte of its answer, waiting included.",
        does_not_say="How long the model computed. A late sender or a full queue counts, as for a client.",
    ),
    Term(
        name="Service time",
        says="From the moment the request was sent to this target to the last byte of its answer.",
        does_not_say="What a client feels: time spent waiting to be sent is left out.",
    ),
    Term(
        name="p50, p90, p99",
        says="The time within which 50, 90 or 99 of 100 exchanges ended; failed by time-out included.",
        does_not_say="The worst case. Over few requests a p99 is just the slowest. Percentiles of time "
        "buckets cannot be averaged into the percentile of the run.",
    ),
    Term(
        name="Dropped",
        says="Copies that were never sent to a target, for a counted reason, to spare the client.",
        does_not_say="A failure of that target.",
    ),
    Term(
        name="Lag",
        says="How late a request was sent, measured from the moment it was due.",
        does_not_say="Anything about the targets: it measures the load generator.",
    ),
    Term(
        name="Injected faults",
        says="What was broken on purpose, and on how many exchanges it really took effect.",
        does_not_say="How often such faults happen in production.",
    ),
    Term(
        name="Cores and memory",
        says="CPU time over wall time, and the most resident memory, of each target's processes.",
        does_not_say="Cost on other machines; both targets shared this one.",
    ),
)
