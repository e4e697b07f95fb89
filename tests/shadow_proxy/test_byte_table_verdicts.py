"""What the comparison with other servers makes of the bytes that came back."""

import pytest

from benchmarks.conformance.verdicts import Verdict, is_wrong, tally, verdict
from tests.shadow_proxy.byte_table.requests import BY_NAME, REQUESTS

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
NO = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.mark.parametrize(
    ("name", "received", "ended", "seen", "wrong"),
    [
        ("A01", OK, False, Verdict.SERVED, False),
        ("A01", NO, False, Verdict.REFUSED, True),
        ("A01", b"", True, Verdict.CLOSED, True),
        ("A03", NO, False, Verdict.REFUSED, False),
        ("A03", OK, False, Verdict.SERVED, True),
        ("A03", b"", True, Verdict.CLOSED, False),
        ("C21", OK + NO, True, Verdict.SERVED, True),
        ("G01", OK + OK, False, Verdict.SERVED, False),
        ("G01", OK + NO, False, Verdict.REFUSED, True),
        ("G06", OK + NO, True, Verdict.REFUSED, False),
        ("G06", NO, True, Verdict.REFUSED, False),
        ("G07", GO_ON + OK, False, Verdict.SERVED, False),
        ("A02", OK, False, Verdict.SERVED, False),
        ("D21", OK, False, Verdict.SERVED, True),
    ],
)
def test_the_answer_to_the_last_message_of_a_row_is_its_verdict(
    name: str, received: bytes, ended: bool, seen: Verdict, wrong: bool
) -> None:
    row = BY_NAME[name]
    assert verdict(row, received, ended=ended) is seen
    assert is_wrong(row, seen) is wrong


@pytest.mark.parametrize(("name", "received"), [("A01", b""), ("G01", OK), ("G06", OK), ("G07", GO_ON)])
def test_while_an_answer_is_missing_there_is_no_verdict(name: str, received: bytes) -> None:
    assert verdict(BY_NAME[name], received, ended=False) is None


def test_the_tally_counts_what_must_be_refused_and_was_not() -> None:
    seen = {row.name: Verdict.SERVED if row.served else Verdict.REFUSED for row in REQUESTS}
    right = "of 72 that must be refused 0 accepted, 0 hung; of 16 good ones 0 not served; "
    assert tally(seen, REQUESTS) == right + "of 2 that stall 0 not ended"
    seen |= {"A03": Verdict.SERVED, "A05": Verdict.HUNG, "A01": Verdict.HUNG, "D21": Verdict.HUNG}
    wrong = "of 72 that must be refused 1 accepted, 1 hung; of 16 good ones 1 not served; "
    assert tally(seen, REQUESTS) == wrong + "of 2 that stall 1 not ended"
