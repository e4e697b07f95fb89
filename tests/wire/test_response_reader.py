"""Where an answer ends and what may follow it: whole, byte by byte, and with the connection closed."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.errors import WireError
from wire.response_reader import MAX_KNOWN_HEAD_BYTES, MAX_KNOWN_HEADS, KnownHeads, ResponseReader


@dataclass(frozen=True)
class Case:
    raw: bytes
    status: int = 200
    body: bytes = b""
    closed: bool = False
    reusable: bool = True
    no_body: bool = False
    interim: tuple[int, ...] = ()


GOOD = {
    "length": Case(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", body=b"hello"),
    "length 0": Case(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    "empty reason (TorchServe)": Case(b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok", body=b"ok"),
    "no reason, no space": Case(b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", body=b"ok"),
    "no Content-Type": Case(b"HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 2\r\n\r\nok", body=b"ok"),
    "chunked": Case(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n3\r\nyes\r\n0\r\n\r\n",
        body=b"okyes",
    ),
    "chunked with a trailer": Case(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\n\r\n2\r\nok\r\n0\r\nX: 9\r\n\r\n",
        body=b"ok",
    ),
    "I08 until the connection closes": Case(
        b"HTTP/1.1 200 OK\r\n\r\nhello world", body=b"hello world", closed=True, reusable=False
    ),
    "HEAD": Case(b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n", no_body=True),
    "HEAD, chunked": Case(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", no_body=True),
    "204": Case(b"HTTP/1.1 204 No Content\r\n\r\n", status=204),
    "I02 304 with a length": Case(b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", status=304),
    "205 with an empty body": Case(b"HTTP/1.1 205 Reset\r\nContent-Length: 0\r\n\r\n", status=205),
    "I03 103 then 200": Case(
        b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        body=b"ok",
        interim=(103,),
    ),
    "I04 100, 102 then 200": Case(
        b"HTTP/1.1 100 C\r\n\r\nHTTP/1.1 102 P\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        interim=(100, 102),
    ),
    "Connection: close": Case(
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok", body=b"ok", reusable=False
    ),
    "HTTP/1.0": Case(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", body=b"ok", reusable=False),
    "HTTP/1.0 keep-alive": Case(
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok", body=b"ok"
    ),
    "Upgrade offered in a 200": Case(
        b"HTTP/1.1 200 OK\r\nConnection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nok", body=b"ok"
    ),
    "I22 bytes behind the end": Case(
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL",
        body=b"ok",
        reusable=False,
    ),
    "bytes behind a 204": Case(b"HTTP/1.1 204 No Content\r\n\r\nEVIL", status=204, reusable=False),
    "a body where HEAD allows none": Case(
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", no_body=True, reusable=False
    ),
}

BAD = {
    "I10 two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\nokabc",
    "I11 length +2": b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok",
    "length, chunked": b"HTTP/1.1 200 \r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "another coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "a tab in a coding": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n",
    "a length of twenty digits": b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
    "I12 obs-fold": b"HTTP/1.1 200 OK\r\nX-T: a\r\n b\r\nContent-Length: 2\r\n\r\nok",
    "I14 NUL in a value": b"HTTP/1.1 200 OK\r\nX-T: a\x00b\r\nContent-Length: 2\r\n\r\nok",
    "I15 CR in a value": b"HTTP/1.1 200 OK\r\nX-T: a\rSet-Cookie: z=1\r\nContent-Length: 2\r\n\r\nok",
    "I16 status not a number": b"HTTP/1.1 abc OK\r\nContent-Length: 2\r\n\r\nok",
    "I18 garbage": b"\x00\xff\xfe random \r\n\r\n",
    "I26 200 kB of head": b"HTTP/1.1 200 OK\r\n"
    + b"".join(b"X-%d: %b\r\n" % (n, b"v" * 1000) for n in range(200)),
    "300 fields": b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: v\r\n" % n for n in range(300)) + b"\r\n",
    "I27 line feeds alone": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "101 nobody asked for": b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nabc",
    "status 099": b"HTTP/1.1 099 What\r\nContent-Length: 0\r\n\r\n",
    "HTTP/2.0": b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
    "endless interim": b"HTTP/1.1 102 Processing\r\n\r\n" * 100,
    "a chunk without end": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokay\r\n0\r\n\r\n",
}

CUT = {
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-",
    "I06 length": b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
    "I07 chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    "before the final empty line": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
    "after an interim answer": b"HTTP/1.1 103 Early Hints\r\n\r\n",
}


def fed(raw: bytes, *, step: int, no_body: bool = False, known: KnownHeads | None = None) -> ResponseReader:
    reader = ResponseReader(known=known)
    reader.start(no_body=no_body)
    for at in range(0, len(raw), step):
        reader.feed(raw[at : at + step])
    return reader


@pytest.mark.parametrize("name", GOOD)
def test_an_answer_ends_where_it_ends_whole_and_in_pieces(name: str) -> None:
    case = GOOD[name]
    known: KnownHeads = {}
    for step in (len(case.raw), 1, 7, len(case.raw)):
        reader = fed(case.raw, step=step, no_body=case.no_body, known=known)
        assert reader.complete is not case.closed
        if case.closed:
            reader.feed_eof()
        assert reader.complete
        assert reader.status == case.status
        assert b"".join(reader.take_pieces()) == case.body
        assert reader.body_bytes == len(case.body)
        assert tuple(one.status for one in reader.interim) == case.interim
        assert reader.reusable is case.reusable


@pytest.mark.parametrize("name", BAD)
def test_an_answer_that_cannot_be_trusted_is_an_error_whole_and_in_pieces(name: str) -> None:
    for step in (len(BAD[name]), 1, 7):
        with pytest.raises(WireError) as caught:
            fed(BAD[name], step=step)
        assert caught.value.status in {502, 431}


@pytest.mark.parametrize("name", CUT)
def test_an_answer_that_is_cut_short_is_an_error_at_the_end(name: str) -> None:
    for step in (max(1, len(CUT[name])), 1):
        reader = fed(CUT[name], step=step)
        assert not reader.complete
        with pytest.raises(WireError):
            reader.feed_eof()


def test_the_next_answer_on_a_connection_starts_clean() -> None:
    reader = fed(b"HTTP/1.1 500 Oh\r\nX-A: 1\r\nContent-Length: 2\r\n\r\nno", step=9)
    assert reader.reusable
    reader.start(no_body=False)
    assert (reader.status, reader.pieces, reader.complete, reader.started) == (0, [], False, False)
    reader.feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n")
    assert reader.chunked
    assert reader.take_pieces() == [b"x"]
    reader.feed(b"0\r\n\r\n")
    assert reader.reusable


def test_hop_by_hop_and_listed_fields_are_not_in_the_lines_but_in_the_fields() -> None:
    raw = (
        b"HTTP/1.1 200 OK\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=9\r\nX-E: 2\r\n"
        b"Content-Length: 2\r\n\r\nok"
    )
    reader = fed(raw, step=len(raw))
    assert reader.lines == b"X-E: 2\r\n"
    assert dict(reader.fields)[b"X-Hop"] == b"1"


def test_a_known_head_is_read_as_the_first_time() -> None:
    raw = b"HTTP/1.1 404 Not Found\r\nX-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"
    known: KnownHeads = {}
    first = fed(raw, step=len(raw), known=known)
    assert len(known) == 1
    second = fed(raw, step=len(raw), known=known)
    facts = ("status", "reason", "lines", "found", "chunked", "keep_alive", "complete", "pieces", "fields")
    assert [getattr(first, fact) for fact in facts] == [getattr(second, fact) for fact in facts]


def test_an_answer_after_a_known_head_is_read_by_its_own() -> None:
    known: KnownHeads = {}
    reader = ResponseReader(known=known)
    for length in (2, 2, 3, 2, 3, 3, 0, 0, 2):
        reader.start(no_body=False)
        reader.feed(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % length + b"x" * length)
        assert (reader.reusable, reader.content_length, reader.body_bytes) == (True, length, length)
    assert len(known) == 3


def test_known_heads_are_bounded() -> None:
    known: KnownHeads = {}
    for number in range(1000):
        fed(b"HTTP/1.1 200 OK\r\nX-Id: %d\r\nContent-Length: 0\r\n\r\n" % number, step=100, known=known)
    assert 0 < len(known) <= MAX_KNOWN_HEADS
    known.clear()
    fed(b"HTTP/1.1 200 OK\r\nX-Long: %b\r\n\r\n" % (b"x" * MAX_KNOWN_HEAD_BYTES), step=100_000, known=known)
    assert not known


@given(
    raw=st.binary(max_size=200),
    step=st.integers(1, 40),
    head=st.sampled_from(
        [
            b"",
            b"HTTP/1.1 200 OK\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n",
        ]
    ),
)
def test_noise_is_read_the_same_in_any_pieces(raw: bytes, step: int, head: bytes) -> None:
    def told(width: int) -> tuple[object, ...]:
        try:
            reader = fed(head + raw, step=width)
        except WireError:
            return ("error",)
        return (reader.status, reader.complete, b"".join(reader.pieces), reader.reusable)

    assert told(1000) == told(step)
