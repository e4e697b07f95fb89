"""The chunked coding: what is written can be read, and nothing else."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.chunked import LAST_CHUNK, MAX_EXTENSION_BYTES, ChunkedDecoder, chunk
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


def test_extensions_are_bounded_over_the_whole_message_and_sizes_are_not() -> None:
    one = b"1;%b\r\nx\r\n" % (b"e" * 63)
    decoder = ChunkedDecoder(status=400)
    decoder.feed(one * (MAX_EXTENSION_BYTES // 64) + b"1\r\nx\r\n" * 50_000, [])
    with pytest.raises(WireError, match="extensions") as caught:
        decoder.feed(one, [])
    assert caught.value.status == 400


@pytest.mark.parametrize("extension", [b"a", b"a=b", b'a="b c;\\"d"', b"a;b=1;c"])
def test_a_well_formed_extension_is_ignored(extension: bytes) -> None:
    pieces: list[bytes] = []
    decoder = ChunkedDecoder(status=400)
    assert decoder.feed(b"5;%b\r\nhello\r\n0;%b\r\n\r\n" % (extension, extension), pieces) == b""
    assert (decoder.complete, pieces) == (True, [b"hello"])


@pytest.mark.parametrize("extension", [b"", b" a", b"a=", b"a b", b"=a", b'a="b', b"a;", b"a=\xff"])
def test_a_malformed_extension_is_refused(extension: bytes) -> None:
    with pytest.raises(WireError):
        ChunkedDecoder(status=400).feed(b"5;%b\r\nhello\r\n" % extension, [])


def test_very_many_chunks_of_one_byte_cost_in_proportion() -> None:
    def cost_s(count: int) -> float:
        raw = b"1\r\nx\r\n" * count + LAST_CHUNK
        began = time.process_time()
        pieces: list[bytes] = []
        assert ChunkedDecoder(status=400).feed(raw, pieces) == b""
        assert len(pieces) == count
        return time.process_time() - began

    few = min(cost_s(10_000) for _ in range(3))
    assert cost_s(320_000) < 32 * few * 8  # in proportion: 32 times; with the square: 1024 times
