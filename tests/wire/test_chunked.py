"""The chunked coding: what is written can be read, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.chunked import LAST_CHUNK, ChunkedDecoder, chunk
from wire.errors import WireError


@given(
    pieces=st.lists(st.binary(min_size=1, max_size=100)),
    behind=st.binary(max_size=30),
    step=st.integers(1, 50),
)
def test_chunks_come_back_as_they_went_and_what_is_behind_is_left(
    pieces: list[bytes], behind: bytes, step: int
) -> None:
    raw = b"".join(map(chunk, pieces)) + LAST_CHUNK + behind
    decoder = ChunkedDecoder(status=400)
    body: list[bytes] = []
    left = b""
    for at in range(0, len(raw), step):
        if decoder.complete:
            left += raw[at : at + step]
        else:
            left += decoder.feed(raw[at : at + step], body)
    assert decoder.complete
    assert b"".join(body) == b"".join(pieces)
    assert left == behind


def test_an_empty_chunk_is_never_written_by_accident() -> None:
    with pytest.raises(ValueError, match="last chunk"):
        chunk(b"")


def test_a_line_that_cannot_become_right_is_refused_before_it_ends() -> None:
    for start in (b"g", b"5 ", b"0x", b"5\n", b"5;a=" + b"x" * 5000):
        with pytest.raises(WireError):
            ChunkedDecoder(status=400).feed(start, [])


def test_a_large_chunk_passes_through_without_being_collected() -> None:
    decoder = ChunkedDecoder(status=400)
    decoder.feed(b"100000\r\n", [])
    for _ in range(16):
        pieces: list[bytes] = []
        decoder.feed(b"x" * 65536, pieces)
        assert sum(map(len, pieces)) == 65536
