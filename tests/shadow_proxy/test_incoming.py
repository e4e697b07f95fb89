"""A request body while it arrives: held within bounds, kept for the recording, digested if it is cut."""

import hashlib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shadow_proxy.held import HeldBudget
from shadow_proxy.incoming import UNCOUNTED_BYTES, Incoming
from wire.request_reader import RequestHead

BIG = UNCOUNTED_BYTES + 1


def incoming(
    *, length: int = -1, held: int = 100, kept: int = 100, budget: HeldBudget | None = None
) -> Incoming:
    head = RequestHead(
        method=b"POST", target=b"/", minor=1, lines=b"", found={}, content_length=length, chunked=length < 0,
        keep_alive=True,
    )  # fmt: skip
    return Incoming(
        head,
        request_id=b"r",
        lines=b"",
        start=b"",
        received_ns=0,
        due_ns=0,
        max_held_bytes=held,
        max_kept_bytes=kept,
        budget=budget,
    )


pieces = st.lists(st.binary(min_size=1, max_size=30), max_size=12)


@given(pieces=pieces, held=st.integers(0, 150), kept=st.integers(-1, 150), room=st.integers(0, 150))
@example(pieces=[b"ab", b"cd"], held=9, kept=-1, room=9)
@example(pieces=[b"ab", b"cd"], held=1, kept=-1, room=9)
@example(pieces=[b"ab", b"cd"], held=9, kept=3, room=9)
@example(pieces=[b"ab", b"cd"], held=9, kept=9, room=3)
def test_what_is_kept_is_the_start_and_what_is_cut_has_a_digest_of_all(
    pieces: list[bytes], held: int, kept: int, room: int
) -> None:
    """In whatever pieces it comes, whichever limit it meets first."""
    budget = HeldBudget(room)
    subject = incoming(held=held, kept=kept, budget=budget)
    sent = b"".join(pieces)
    for piece in pieces:
        subject.take(piece)
        assert budget.held_bytes <= room
        assert not subject.held or subject.body_bytes <= held
    recorded = subject.recorded()
    assert sent.startswith(recorded)
    assert len(recorded) <= max(kept, 0)
    cut = len(recorded) < len(sent) and kept >= 0
    assert subject.digest() == (hashlib.sha256(sent).digest() if cut else b"")
    assert subject.take_fresh() == sent
    assert subject.whole() == (sent if subject.held else b"")
    subject.release()
    subject.release()
    subject.take(b"more")
    assert (budget.held_bytes, subject.pieces, subject.whole()) == (0, [], b"")


@given(pieces=pieces, held=st.integers(0, 400), kept=st.integers(0, 400))
def test_with_room_in_the_budget_exactly_the_limit_is_kept(pieces: list[bytes], held: int, kept: int) -> None:
    subject = incoming(held=held, kept=kept, budget=HeldBudget(1 << 20))
    for piece in pieces:
        subject.take(piece)
    assert subject.recorded() == b"".join(pieces)[:kept]
    assert subject.held == (len(b"".join(pieces)) <= held)


@pytest.mark.parametrize(("length", "sizes"), [(200, []), (-1, [60, 60])])
def test_a_body_over_its_own_limit_is_too_large(length: int, sizes: list[int]) -> None:
    subject = incoming(length=length)
    for size in sizes:
        subject.take(bytes(size))
    assert (subject.held, subject.unheld_reason) == (False, "too_large")


def test_a_body_over_the_budget_is_no_longer_held_and_says_so() -> None:
    budget = HeldBudget(2 * BIG)
    first = incoming(held=1 << 20, kept=1 << 20, budget=budget)
    first.take(bytes(BIG))
    second = incoming(held=1 << 20, kept=1 << 20, budget=budget)
    second.take(bytes(BIG))
    second.take(b"x")
    assert (first.held, first.unheld_reason) == (True, "")
    assert (second.held, second.unheld_reason) == (False, "copy_budget")
    assert len(second.recorded()) == BIG  # what had room already
    assert second.digest() == hashlib.sha256(bytes(BIG) + b"x").digest()
    assert budget.held_bytes == budget.peak_bytes == 2 * BIG
    second.release()
    assert budget.held_bytes == BIG


def test_a_small_body_in_one_piece_is_not_counted() -> None:
    budget = HeldBudget(10)
    subject = incoming(held=1 << 20, kept=1 << 20, budget=budget)
    subject.take(bytes(UNCOUNTED_BYTES))
    assert (subject.held, budget.peak_bytes) == (True, 0)


def test_a_complete_body_is_put_together_once() -> None:
    subject = incoming()
    subject.take(b"ab")
    subject.take(b"cd")
    assert subject.whole() is not subject.whole()
    subject.complete = True
    assert subject.whole() is subject.whole()
