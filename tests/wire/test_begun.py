"""What the reader can still show of a message: its head, from the first byte, for the record of a refusal."""

import pytest

from wire.errors import WireError
from wire.request_reader import RequestHead, RequestReader

GOOD = b"POST /good HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
HEAD = b"POST /next HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: x"


class Deaf:
    """Sink that keeps nothing."""

    def on_request(self, head: RequestHead) -> None:
        """Not looked at."""

    def on_request_body(self, piece: bytes) -> None:
        """Not looked at."""

    def on_request_end(self) -> None:
        """Not looked at."""


def fed(raw: bytes, *, step: int) -> tuple[RequestReader, bool]:
    reader = RequestReader(Deaf())
    try:
        for at in range(0, len(raw), step):
            reader.feed(raw[at : at + step])
    except WireError:
        return reader, True
    return reader, False


@pytest.mark.parametrize("step", [1, 7, 1000])
@pytest.mark.parametrize("front", [b"", GOOD, GOOD + GOOD])
def test_a_refused_head_is_shown_from_its_first_byte_without_what_came_in_front(
    front: bytes, step: int
) -> None:
    bad = b"GET /bad HTTP/1.1\r\nHost : a\r\n\r\n"
    reader, refused = fed(front + bad, step=step)
    assert refused
    assert reader.begun.startswith(b"GET /bad HTTP/1.1\r\nHost ")
    assert bad.startswith(reader.begun)


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_of_a_refused_body_the_head_is_shown(step: int) -> None:
    reader, refused = fed(GOOD + HEAD + b"\r\n\r\nzz\r\n", step=step)
    assert refused
    assert reader.begun == HEAD


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_of_a_message_that_still_arrives_its_head_so_far_is_shown(step: int) -> None:
    for raw, begun in ((GOOD + HEAD, HEAD), (GOOD + HEAD + b"\r\n\r\n5\r\nhe", HEAD), (b"", b"")):
        reader, refused = fed(raw, step=step)
        assert not refused
        assert reader.begun == begun
