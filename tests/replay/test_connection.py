"""How an exchange ends, whatever pieces its answer comes in."""

import pytest

from recording.exchange import NEVER
from replay.connection import MOST_CHUNK_INSTANTS, Connection, Flight
from replay.testing import HeldClock, MemoryTransport

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


class Scene:
    """A connection with a request on its way, and a note of how it ended."""

    def __init__(self, *, no_body: bool = False, keep_bytes: int = 100) -> None:
        self.clock = HeldClock(at_ns=50)
        self.ends: list[str] = []
        self.reusable: list[bool] = []
        self.wire = MemoryTransport()
        self.connection = Connection(
            clock=self.clock, keep_bytes=keep_bytes, ended=self._ended, closed=lambda _: None
        )
        self.connection.connection_made(self.wire)
        self.flight = Flight(index=0, request_id=b"r", due_ns=0, sent_ns=10, request_bytes=0, no_body=no_body)
        self.connection.send(self.flight, b"GET / HTTP/1.1\r\n\r\n")

    def _ended(self, connection: Connection, flight: Flight, outcome: str) -> None:
        assert flight is self.flight
        self.ends.append(outcome)
        self.reusable.append(connection.reusable)

    def lose(self) -> None:
        self.connection.connection_lost(None)


ANSWERS = [
    (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok", 200, b"ok", True),
    (b"HTTP/1.1 204 No Content\r\n\r\n", "ok", 204, b"", True),
    (b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n", "ok", 302, b"", True),
    (b"HTTP/1.1 404 \r\nContent-Length: 2\r\n\r\nno", "http_error", 404, b"no", True),
    (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "http_error", 503, b"", False),
    (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", "ok", 200, b"x", True),
    (CHUNKED + b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n", "ok", 200, b"abc", True),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n", "ok", 200, b"x", False),
    (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "protocol_error", 0, b"", False),
    (b"SSH-2.0-OpenSSH_9.2\r\n", "protocol_error", 0, b"", False),
]


@pytest.mark.parametrize(("answer", "outcome", "status", "body", "reusable"), ANSWERS)
@pytest.mark.parametrize("step", [1, 7, 10_000])
def test_an_answer_ends_the_exchange_in_whatever_pieces_it_comes(
    answer: bytes, outcome: str, status: int, body: bytes, reusable: bool, step: int
) -> None:
    scene = Scene()
    for start in range(0, len(answer), step):
        scene.clock.at_ns += 1
        scene.connection.data_received(answer[start : start + step])
        if scene.wire.aborted:
            break
    assert scene.ends == [outcome]
    assert (scene.flight.status, b"".join(scene.flight.kept)) == (status, body)
    assert scene.flight.first_byte_ns == 51
    if step == 10_000:
        assert scene.reusable == [reusable]


def test_an_answer_to_head_has_no_body() -> None:
    scene = Scene(no_body=True)
    scene.connection.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 512\r\n\r\n")
    assert (scene.ends, scene.reusable) == (["ok"], [True])


@pytest.mark.parametrize(
    ("received", "outcome"),
    [
        (b"", "reset"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "reset"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", "reset"),
        (CHUNKED + b"2\r\nab\r\n", "reset"),
        (b"HTTP/1.1 200 OK\r\n\r\nall of it", "ok"),
    ],
)
def test_a_connection_that_ends_inside_an_answer_is_a_reset(received: bytes, outcome: str) -> None:
    scene = Scene()
    if received:
        scene.connection.data_received(received)
    scene.lose()
    scene.lose()
    assert scene.ends == [outcome]
    assert (scene.flight.first_byte_ns == NEVER) is (not received)


def test_an_answer_that_overtakes_the_request_leaves_no_reusable_connection() -> None:
    scene = Scene()
    scene.wire.unsent = 1000
    scene.connection.data_received(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
    assert (scene.ends, scene.reusable) == (["http_error"], [False])


def test_bytes_that_nobody_asked_for_close_an_idle_connection() -> None:
    scene = Scene()
    scene.connection.data_received(b"HTTP/1.1 204 No Content\r\n\r\n")
    scene.connection.data_received(b"HTTP/1.1 204 No Content\r\n\r\n")
    assert scene.wire.aborted
    assert scene.ends == ["ok"]


def test_a_request_on_a_connection_lost_at_that_moment_is_a_reset() -> None:
    scene = Scene()
    scene.connection.data_received(b"HTTP/1.1 204 No Content\r\n\r\n")
    scene.lose()
    scene.connection.send(scene.flight, b"GET / HTTP/1.1\r\n\r\n")
    assert scene.ends == ["ok", "reset"]


def test_what_is_kept_of_a_body_is_bounded_and_what_is_counted_is_all() -> None:
    scene = Scene(keep_bytes=3)
    scene.connection.data_received(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01")
    scene.connection.data_received(b"23456789")
    assert (scene.flight.kept, scene.flight.response_bytes) == ([b"01", b"2"], 10)


def test_the_pieces_of_a_stream_are_counted_with_their_instants() -> None:
    scene = Scene()
    scene.connection.data_received(CHUNKED)
    for number in range(MOST_CHUNK_INSTANTS + 10):
        scene.clock.at_ns = 1000 + number
        scene.connection.data_received(b"1\r\nx\r\n")
    assert scene.flight.chunks == MOST_CHUNK_INSTANTS + 10
    assert scene.flight.chunk_ns == list(range(1000, 1000 + MOST_CHUNK_INSTANTS))


def test_an_abandoned_exchange_ends_without_a_word() -> None:
    scene = Scene()
    assert scene.flight.abandon is not None
    scene.flight.abandon()
    scene.lose()
    assert (scene.wire.aborted, scene.ends) == (True, [])
