"""Every arrival that is due is sent or shed, in order, and nothing else decides which."""

from hypothesis import given
from hypothesis import strategies as st

from replay.backlog import MOST_PER_TURN, take_due

counts = st.integers(min_value=0, max_value=10_000)


@given(first=counts, due=counts, free=st.integers(min_value=-5, max_value=10_000))
def test_a_turn_takes_the_oldest_and_sends_as_many_as_there_are_places(
    first: int, due: int, free: int
) -> None:
    turn = take_due(first=first, due_until=first + due, free=free)
    assert turn.send.start == first
    assert turn.send.stop == turn.shed.start
    assert len(turn.send) + len(turn.shed) == min(due, MOST_PER_TURN)
    assert len(turn.send) == min(max(free, 0), due, MOST_PER_TURN)


def test_nothing_due_is_an_empty_turn() -> None:
    turn = take_due(first=7, due_until=7, free=3)
    assert (list(turn.send), list(turn.shed)) == ([], [])
