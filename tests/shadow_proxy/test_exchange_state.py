"""What is kept of an answer: its start up to a limit, and a digest of all of it if that is not all."""

import hashlib

from hypothesis import example, given
from hypothesis import strategies as st

from shadow_proxy.exchange_state import ExchangeState
from wire.response_reader import ResponseReader


@given(
    parts=st.lists(st.lists(st.binary(min_size=1, max_size=30), max_size=4), max_size=5),
    keep=st.integers(-1, 120),
)
@example(parts=[[b"ab"], [b"cd"]], keep=-1)
@example(parts=[[b"ab"], [b"cd"]], keep=0)
@example(parts=[[b"ab"], [b"cd"]], keep=2)
@example(parts=[[b"ab"], [b"cd"]], keep=3)
def test_an_answer_is_kept_up_to_the_limit_and_digested_beyond_it(
    parts: list[list[bytes]], keep: int
) -> None:
    """-1 says that nothing is recorded: then nothing is digested either."""
    state = ExchangeState()
    state.kept = []
    state.left_to_keep = keep
    reader = ResponseReader()
    for pieces in parts:
        state.note_pieces(reader, pieces, 1)
    sent = b"".join(piece for pieces in parts for piece in pieces)
    assert state.response_bytes == len(sent)
    assert state.response_body() == sent[: max(keep, 0)]
    cut = 0 <= keep < len(sent)
    assert state.response_digest() == (hashlib.sha256(sent).digest() if cut else b"")
