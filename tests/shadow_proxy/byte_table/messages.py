"""Generated requests and answers of every framing: what was meant, and the bytes that say it.

Knows how a sender may frame a message; refuses to know proxies. Hypothesis strategies for whoever wants to
see what becomes of them.
"""

import string
from dataclasses import dataclass

from hypothesis import strategies as st

from tests.shadow_proxy.byte_table.rows import Fields

TOKEN = string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~"
PATH = string.ascii_letters + string.digits + "-._~!$&'()*+,;=:@/?%"
INSIDE = bytes([0x09, *range(0x20, 0x7F), *range(0x80, 0x100)])
STATUSES = (200, 201, 301, 404, 422, 500, 503)


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """`pieces` as chunks, as one length, or (answers) up to the end; `framing` says which."""

    framing: str
    pieces: tuple[bytes, ...] = ()
    trailers: Fields = ()

    @property
    def whole(self) -> bytes:
        """Without framing."""
        return b"".join(self.pieces)

    @property
    def framing_field(self) -> bytes:
        """The end of the head."""
        if self.framing == "chunked":
            return b"Transfer-Encoding: chunked\r\n\r\n"
        if self.framing == "length":
            return b"Content-Length: %d\r\n\r\n" % len(self.whole)
        return b"\r\n"

    @property
    def framed(self) -> bytes:
        """With its framing."""
        if self.framing != "chunked":
            return self.whole
        chunks = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in self.pieces if piece)
        return b"%b0\r\n%b\r\n" % (chunks, lines(self.trailers))


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeRequest:
    """A request and its bytes."""

    method: bytes
    target: bytes
    fields: Fields
    body: Body

    @property
    def raw(self) -> bytes:
        """As a client sends it."""
        start = b"%b %b HTTP/1.1\r\nHost: a\r\n" % (self.method, self.target)
        return start + lines(self.fields) + self.body.framing_field + self.body.framed


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeAnswer:
    """An answer and its bytes; `early` is whether a 103 comes first."""

    status: int
    fields: Fields
    body: Body
    early: bool

    @property
    def head(self) -> bytes:
        """All but the body."""
        hints = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" if self.early else b""
        start = b"%bHTTP/1.1 %d Made\r\n%b" % (hints, self.status, lines(self.fields))
        return start + self.body.framing_field

    @property
    def raw(self) -> bytes:
        """As an upstream sends it, which closes behind it if `body.framing` is `close`."""
        return self.head + self.body.framed


def lines(fields: Fields) -> bytes:
    """Field lines."""
    return b"".join(b"%b: %b\r\n" % one for one in fields)


def _name(text: str) -> bytes:
    return b"x-" + text.lower().encode()


def _value(raw: bytes) -> bytes:
    return raw.translate(None, delete=bytes(set(range(256)) - set(INSIDE))).strip(b" \t")


fields = st.lists(
    st.tuples(st.text(TOKEN, min_size=1, max_size=12).map(_name), st.binary(max_size=30).map(_value)),
    max_size=6,
).map(tuple)
pieces = st.lists(st.binary(max_size=80), max_size=5).map(tuple)
length_bodies = st.builds(Body, framing=st.just("length"), pieces=pieces)
chunked_bodies = st.builds(Body, framing=st.just("chunked"), pieces=pieces, trailers=fields)
bodiless = st.just(Body(framing="none"))
closing_bodies = st.builds(Body, framing=st.just("close"), pieces=pieces)

requests = st.builds(
    MadeRequest,
    method=st.sampled_from([b"GET", b"POST", b"OPTIONS", b"PUT", b"DELETE", b"PATCH"]),
    target=st.text(PATH, max_size=40).map(lambda text: b"/" + text.encode()),
    fields=fields,
    body=length_bodies | chunked_bodies | bodiless,
)
answers = st.builds(
    MadeAnswer,
    status=st.sampled_from(STATUSES),
    fields=fields,
    body=length_bodies | chunked_bodies | closing_bodies,
    early=st.booleans(),
)
