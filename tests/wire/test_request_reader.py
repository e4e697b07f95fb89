"""What a request must look like before anything of it may go on: whole, byte by byte, with more behind."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.errors import WireError
from wire.fields import FIELD_TABLE, PASS, STOP
from wire.request_reader import RequestHead, RequestReader

POST = b"POST / HTTP/1.1\r\nHost: a\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


@dataclass
class Heard:
    """Everything a sink was told, pieces of a body joined."""

    heads: list[RequestHead] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    ended: int = 0

    def on_request(self, head: RequestHead) -> None:
        self.heads.append(head)
        self.bodies.append(b"")

    def on_request_body(self, piece: bytes) -> None:
        self.bodies[-1] += piece

    def on_request_end(self) -> None:
        self.ended += 1


def read(raw: bytes, *, step: int) -> tuple[Heard, WireError | None]:
    heard = Heard()
    reader = RequestReader(heard)
    try:
        for at in range(0, len(raw), step):
            reader.feed(raw[at : at + step])
    except WireError as error:
        return heard, error
    return heard, None


def steps(raw: bytes) -> list[int]:
    return [len(raw), 1, 7]


GOOD = {
    "A01 baseline": (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"/", b""),
    "B10 1.0 without Host": (b"GET / HTTP/1.0\r\n\r\n", b"/", b""),
    "C15 empty value": (b"GET / HTTP/1.1\r\nHost: a\r\nX-T:\r\n\r\n", b"/", b""),
    "C16 blanks around a value": (b"GET / HTTP/1.1\r\nHost: a\r\nX-T: \t v \t \r\n\r\n", b"/", b""),
    "D19 GET with a body": (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello", b"/", b"hello"),
    "D18 leading zeros are decimal": (POST + b"Content-Length: 010\r\n\r\nhelloworld", b"/", b"helloworld"),
    "E16 Chunked": (POST + b"Transfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", b"/", b"hello"),
    "F01 two chunks": (CHUNKED + b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", b"/", b"hello world"),
    "F02 upper-case hex": (CHUNKED + b"A\r\nhelloworld\r\n0\r\n\r\n", b"/", b"helloworld"),
    "F03 extension": (CHUNKED + b"5;a=b\r\nhello\r\n0\r\n\r\n", b"/", b"hello"),
    "F25 trailer": (CHUNKED + b"5\r\nhello\r\n0\r\nX-Sum: abc\r\n\r\n", b"/", b"hello"),
    "G10 Upgrade is not taken up": (
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: made-up/1\r\n\r\n",
        b"/",
        b"",
    ),
    "Upgrade in front of a body, as Java's client sends it": (
        POST + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
        b"HTTP2-Settings: AAEAAEAA\r\nContent-Length: 5\r\n\r\nhello",
        b"/",
        b"hello",
    ),
    "H05 target byte for byte": (
        b"GET /a%2Fb/..;/c//d?x=%00&y=a+b&z=%zz HTTP/1.1\r\nHost: a\r\n\r\n",
        b"/a%2Fb/..;/c//d?x=%00&y=a+b&z=%zz",
        b"",
    ),
    "empty lines in front": (b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", b"/", b""),
    "absolute form with Host's authority": (
        b"GET http://a:8/p?q HTTP/1.1\r\nHost: A:8\r\n\r\n",
        b"/p?q",
        b"",
    ),
    "absolute form without a path": (b"GET http://a HTTP/1.1\r\nHost: a\r\n\r\n", b"/", b""),
    "asterisk": (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", b"*", b""),
    "IPv6 host": (b"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", b"/", b""),
    "method QUERY": (b"QUERY / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx", b"/", b"x"),
}

BAD = {
    "A02 bare LF ends request line": (b"GET / HTTP/1.1\nHost: a\r\n\r\n", 400),
    "A03 bare CR ends request line": (b"GET / HTTP/1.1\rHost: a\r\n\r\n", 400),
    "A05 no target": (b"GET HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "A06 HTTP/0.9": (b"GET /\r\n\r\n", 400),
    "A07 HTTP/9.9": (b"GET / HTTP/9.9\r\nHost: a\r\n\r\n", 400),
    "A09 lower-case version": (b"GET / http/1.1\r\nHost: a\r\n\r\n", 400),
    "A10 junk after version": (b"GET / HTTP/1.1 x\r\nHost: a\r\n\r\n", 400),
    "A11 delimiter in method": (b"G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "A13 two spaces": (b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "A14 TAB": (b"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "A15 LF inside request line": (b"GET /\nHTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "A17 NUL in target": (b"GET /\x00x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "A18 non-ASCII in target": (b"GET /caf\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "A19 fragment": (b"GET /p#f HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "A21 authority form": (b"GET a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "A22 relative target": (b"GET foo HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "A23 CONNECT": (b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n", 405),
    "A25 TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(40) + b"\r\n\r\n", 400),
    "A26 70 kB target": (b"GET /" + b"a" * 70000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 431),
    "20 kB target": (b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    "A27 HTTP/1.32": (b"GET / HTTP/1.32\r\nHost: a\r\n\r\n", 400),
    "HTTP/2 preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "B01 no Host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "B02 two Hosts": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
    "B03 two equal Hosts": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
    "B05 userinfo": (b"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400),
    "B06 path in Host": (b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    "B07 comma in Host": (b"GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400),
    "B09 absolute form against Host": (b"GET http://b.example/p HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "C01 space before colon": (b"GET / HTTP/1.1\r\nHost: a\r\nX-T : v\r\n\r\n", 400),
    "C03 blank line start": (b"GET / HTTP/1.1\r\n X: y\r\nHost: a\r\n\r\n", 400),
    "C04 obs-fold": (b"GET / HTTP/1.1\r\nHost: a\r\nX-T: a\r\n b\r\n\r\n", 400),
    "C05 empty name": (b"GET / HTTP/1.1\r\nHost: a\r\n: v\r\n\r\n", 400),
    "C07 delimiter in name": (b"GET / HTTP/1.1\r\nHost: a\r\nBad[N: v\r\n\r\n", 400),
    "C08 NUL in name": (b"GET / HTTP/1.1\r\nHost: a\r\nba\x00z: v\r\n\r\n", 400),
    "C09 non-ASCII in name": (b"GET / HTTP/1.1\r\nHost: a\r\nX-\xffT: v\r\n\r\n", 400),
    "C11 bare LF in value": (b"GET / HTTP/1.1\r\nHost: a\r\nX-T: a\nEvil: 1\r\n\r\n", 400),
    "C12 NUL in value": (b"GET / HTTP/1.1\r\nHost: a\r\nX-T: a\x00b\r\n\r\n", 400),
    "C13 BEL in value": (b"GET / HTTP/1.1\r\nHost: a\r\nX-T: a\x07b\r\n\r\n", 400),
    "C17 CRLF CR X": (b"GET / HTTP/1.1\r\nHost: a\r\n\rZGET /evil: HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "C19 CR hides TE": (POST + b"x:\rTransfer-Encoding: chunked\r\n\r\n1\r\nA\r\n0\r\n\r\n", 400),
    "C20 folded length": (POST + b"Foo: bar\r\n Content-Length: 38\r\n\r\n", 400),
    "C21 x85 after name": (POST + b"Content-Length\x85: 5\r\n\r\n01234", 400),
    "C23 100 kB value": (b"GET / HTTP/1.1\r\nHost: a\r\nX-T: " + b"a" * 100000 + b"\r\n\r\n", 431),
    "C24 1000 fields": (
        b"GET / HTTP/1.1\r\nHost: a\r\n" + b"".join(b"X-%d: v\r\n" % n for n in range(1000)) + b"\r\n",
        431,
    ),
    "C25 name over lines": (
        POST + b"Transfer-\r\nEncoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n",
        400,
    ),
    **{
        f"D length {value!r}": (POST + b"Content-Length: " + value + b"\r\n\r\nhello", 400)
        for value in (
            b"+5",
            b"-1",
            b"-0",
            b"5_0",
            b"5 5",
            b"",
            b"5x",
            b"1e1",
            b"\x0b5",
            b"5, 10",
            b"5, 5",
            b"0x5",
        )
    },
    **{
        f"D11 length {length[:20]!r}": (POST + b"Content-Length: " + length + b"\r\n\r\nhello", 413)
        for length in (b"99999999999999999999", b"9" * 19, b"9" * 1000)
    },
    "D17 two equal lengths": (POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", 400),
    "D22 empty length first": (
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: \r\nContent-Length: 43\r\n\r\n",
        400,
    ),
    "E01 TE and CL": (
        POST + b"Transfer-Encoding: chunked\r\nContent-Length: 15\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        400,
    ),
    **{
        f"E coding {value!r}": (
            POST + b"Transfer-Encoding: " + value + b"\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            400,
        )
        for value in (
            b"identity",
            b"xchunked",
            b"chunked, gzip",
            b"gzip, chunked",
            b"chunked, chunked",
            b",chunked",
            b"\x0bchunked",
            b"chunked\x00",
            b"chun\xe2\x84\xaaed",
            b"chunked;ext=v",
            b"\xa0chunked\xa0",
        )
    },
    "E08 two TE": (POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "E15 TE in 1.0": (
        b"POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        400,
    ),
    **{
        f"F chunks {chunks[:20]!r}": (CHUNKED + chunks, 400)
        for chunks in (
            b"5 \r\nhello\r\n0\r\n\r\n",
            b" 5\r\nhello\r\n0\r\n\r\n",
            b"0x5\r\nhello\r\n0\r\n\r\n",
            b"-5\r\nhello\r\n0\r\n\r\n",
            b"+5\r\nhello\r\n0\r\n\r\n",
            b"0_2e\r\n\r\n",
            b"\r\n\r\n",
            b"5\nhello\r\n0\r\n\r\n",
            b"5\rhello\r\n0\r\n\r\n",
            b"2;\nxx\r\n4c\r\n0\r\n\r\n",
            b"2\r\r;a\r\n02\r\n2d\r\n0\r\n\r\n",
            b"5\r\nhello!!\r\n0\r\n\r\n",
            b"5\r\nhello0\r\n\r\n",
            b"5\r\nhello\n0\r\n\r\n",
            b"5\x00\r\nhello\r\n0\r\n\r\n",
            b"5;a=" + b"x" * 70000 + b"\r\nhello\r\n",
            b"ffffffffffffffffff\r\n",
            b"0\r\n" + b"".join(b"T-%d: v\r\n" % n for n in range(5000)) + b"\r\n",
            b"0\r\nno colon\r\n\r\n",
        )
    },
}


@pytest.mark.parametrize("name", GOOD)
def test_a_good_request_is_read_the_same_whole_and_in_pieces(name: str) -> None:
    raw, target, body = GOOD[name]
    for step in steps(raw):
        heard, error = read(raw, step=step)
        assert error is None
        assert [head.target for head in heard.heads] == [target]
        assert heard.bodies == [body]
        assert heard.ended == 1


@pytest.mark.parametrize("name", GOOD)
def test_what_lies_behind_a_good_request_is_the_next_one(name: str) -> None:
    raw, _, body = GOOD[name]
    for step in steps(raw):
        heard, error = read(raw + b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n", step=step)
        assert error is None
        assert heard.bodies == [body, b""]
        assert heard.heads[-1].target == b"/next"


@pytest.mark.parametrize("name", BAD)
def test_a_bad_request_is_refused_whole_and_in_pieces_and_never_ends(name: str) -> None:
    raw, status = BAD[name]
    for step in (len(raw), 7) if len(raw) > 20000 else steps(raw):
        heard, error = read(raw, step=step)
        assert error is not None, "was accepted"
        assert error.status == status or (name == "HTTP/2 preface" and error.status == 400)
        assert heard.ended == 0


def test_a_good_request_in_front_of_a_bad_one_is_delivered() -> None:
    raw = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nInvalid\r\n\r\n"
    for step in steps(raw):
        heard, error = read(raw, step=step)
        assert heard.ended == 1
        assert error is not None


@pytest.mark.parametrize("cut", range(1, 60))
def test_a_request_that_is_cut_short_waits(cut: int) -> None:
    raw = b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
    heard, error = read(raw[:-cut] if cut < len(raw) else b"", step=max(1, len(raw)))
    assert error is None
    assert heard.ended == 0


def test_a_head_is_refused_while_it_still_grows() -> None:
    reader = RequestReader(Heard(), max_head_bytes=100)
    reader.feed(b"GET / HTTP/1.1\r\n")
    for _ in range(6):
        reader.feed(b"X-Slow: yyyy\r\n")
    with pytest.raises(WireError, match="larger than 100") as caught:
        reader.feed(b"X-Slow: yyyy\r\n")
    assert caught.value.status == 431


def test_the_limit_on_a_head_is_exact() -> None:
    raw = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    RequestReader(Heard(), max_head_bytes=len(raw)).feed(raw)
    with pytest.raises(WireError):
        RequestReader(Heard(), max_head_bytes=len(raw) - 1).feed(raw)


def test_hop_by_hop_and_listed_fields_stay_here() -> None:
    raw = (
        b"GET /p HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, TE, X-Foo\r\nX-Foo: 1\r\nX-Bar: 2\r\n"
        b"Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nTE: trailers\r\nUpgrade: h2c\r\n"
        b"Proxy-Authorization: Basic eA==\r\nX-D: 1\r\nX-E: e\r\nX-D: 2\r\n\r\n"
    )
    heard, _ = read(raw, step=len(raw))
    assert heard.heads[0].lines == b"Host: a\r\nX-Bar: 2\r\nX-D: 1\r\nX-E: e\r\nX-D: 2\r\n"


def test_connection_cannot_take_the_framing_or_host_away() -> None:
    raw = b"POST /p HTTP/1.1\r\nHost: a\r\nConnection: Content-Length, Host\r\nContent-Length: 5\r\n\r\nhello"
    heard, _ = read(raw, step=len(raw))
    assert heard.heads[0].content_length == 5
    assert b"Host: a\r\n" in heard.heads[0].lines


def test_bytes_above_ascii_in_values_pass_as_they_are() -> None:
    raw = b"GET /p HTTP/1.1\r\nHost: a\r\nX-T: a\xff\xfeb\r\n\r\n"
    heard, _ = read(raw, step=1)
    assert b"X-T: a\xff\xfeb\r\n" in heard.heads[0].lines


def test_named_fields_are_found_passed_on_or_stopped() -> None:
    heard = Heard()
    table = {**FIELD_TABLE, b"x-kept": PASS, b"x-ours": STOP}
    reader = RequestReader(heard, table=table)
    reader.feed(b"GET / HTTP/1.1\r\nHost: a\r\nX-KEPT: 1\r\nX-Ours: 2\r\n\r\n")
    assert heard.heads[0].found == {b"host": b"a", b"x-kept": b"1", b"x-ours": b"2"}
    assert heard.heads[0].lines == b"Host: a\r\nX-KEPT: 1\r\n"


@pytest.mark.parametrize(
    "lines", [b"Expect: y 100-continue\r\n", b"Expect: 100-continue\r\nExpect: 100-continue\r\n"]
)
def test_an_expectation_in_disguise_is_not_the_one_that_can_be_met(lines: bytes) -> None:
    heard, _ = read(POST + lines + b"Content-Length: 5\r\n\r\nhello", step=1000)
    found = heard.heads[0].found[b"expect"]
    assert found == b", ".join(line.partition(b": ")[2] for line in lines.split(b"\r\n")[:-1])
    assert found != b"100-continue"


def test_a_length_beyond_all_bounds_is_refused_before_its_body_comes() -> None:
    with pytest.raises(WireError) as caught:
        RequestReader(Heard()).feed(POST + b"Content-Length: 9999999999999999999\r\n\r\n")
    assert caught.value.status == 413


def test_the_chunks_of_one_read_are_one_piece() -> None:
    pieces: list[bytes] = []

    class Counting(Heard):
        def on_request_body(self, piece: bytes) -> None:
            pieces.append(piece)

    RequestReader(Counting()).feed(CHUNKED + b"1\r\nx\r\n" * 1000)
    assert pieces == [b"x" * 1000]


@pytest.mark.parametrize(
    ("start", "connection", "keeps"),
    [
        (b"GET / HTTP/1.1", b"", True),
        (b"GET / HTTP/1.1", b"Connection: close\r\n", False),
        (b"GET / HTTP/1.1", b"Connection: foo, Close\r\n", False),
        (b"GET / HTTP/1.0", b"", False),
        (b"GET / HTTP/1.0", b"Connection: Keep-Alive\r\n", True),
        (b"GET / HTTP/1.0", b"Connection: keep-alive, close\r\n", False),
    ],
)
def test_who_keeps_the_connection(start: bytes, connection: bytes, keeps: bool) -> None:
    heard, _ = read(start + b"\r\nHost: a\r\n" + connection + b"\r\n", step=1000)
    assert heard.heads[0].keep_alive is keeps


@given(bodies=st.lists(st.binary(max_size=200), max_size=6), step=st.integers(1, 300), chunked=st.booleans())
def test_any_pipeline_of_bodies_is_cut_where_it_was_joined(
    bodies: list[bytes], step: int, chunked: bool
) -> None:
    def message(body: bytes) -> bytes:
        if not chunked:
            return POST + b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
        chunks = b"".join(
            b"%x\r\n%b\r\n" % (len(body[at : at + 7]), body[at : at + 7]) for at in range(0, len(body), 7)
        )
        return CHUNKED + chunks + b"0\r\n\r\n"

    heard, error = read(b"".join(map(message, bodies)), step=step)
    assert error is None
    assert heard.bodies == bodies
    assert heard.ended == len(bodies)


@given(raw=st.binary(max_size=300), step=st.integers(1, 50))
def test_noise_is_read_the_same_in_any_pieces(raw: bytes, step: int) -> None:
    for start in (
        b"",
        b"GET / HTTP/1.1\r\nHost: a\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n",
    ):
        whole, error = read(start + raw, step=1000)
        pieces, error_in_pieces = read(start + raw, step=step)
        assert whole.ended == pieces.ended
        assert (error is None) == (error_in_pieces is None)
