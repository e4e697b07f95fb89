"""What every target must see of a request, byte for byte: rows H of the checklist for intermediaries.

Knows the bytes on both sides of the proxy, whose own fields (`X-Request-Id`, `Via`) come last; refuses to
know how they come about. `ID` stands for the id that the proxy makes up.
"""

from typing import Final

from tests.shadow_proxy.byte_table.rows import Forwarded

GET: Final = b"GET /p HTTP/1.1\r\nHost: a\r\n"
POST: Final = b"POST /p HTTP/1.1\r\nHost: a\r\n"
OURS: Final = b"X-Request-Id: ID\r\nVia: 1.1 sparring\r\n"
HOPS: Final = (
    b"Connection: keep-alive, TE\r\nKeep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\n"
    b"TE: trailers, gzip\r\nProxy-Authorization: Basic eA==\r\nUpgrade: h2c\r\n\r\n"
)
PATH: Final = b"/a%2Fb/..;/c//d?x=%00&y=a+b&z=%zz"

FORWARDING: Final = (
    Forwarded(no=153, name="H01", what="Connection-listed field removed", rule="9110 7.6.1 MUST",
        sent=GET + b"Connection: X-Foo, keep-alive\r\nX-Foo: 1\r\nX-Bar: 2\r\n\r\n",
        at_target=GET + b"X-Bar: 2\r\n" + OURS + b"\r\n"),
    Forwarded(no=154, name="H02", what="hop-by-hop set removed", rule="9110 7.6.1 SHOULD",
        sent=GET + HOPS, at_target=GET + OURS + b"\r\n"),
    Forwarded(no=155, name="H03", what="Connection lists end-to-end field", rule="9110 7.6.1",
        sent=POST + b"Connection: Content-Length, Host\r\nContent-Length: 5\r\n\r\nhello",
        at_target=POST + OURS + b"Content-Length: 5\r\n\r\nhello"),
    Forwarded(no=156, name="H04", what="client HTTP/1.0, version forwarded", rule="9112 2.3 MUST",
        sent=b"GET /p HTTP/1.0\r\nHost: a\r\n\r\n", at_target=GET + OURS + b"\r\n"),
    Forwarded(no=157, name="H05", what="path and query byte-exact", rule="9110 7.7 MUST NOT modify",
        sent=b"GET " + PATH + b" HTTP/1.1\r\nHost: a\r\n\r\n",
        at_target=b"GET " + PATH + b" HTTP/1.1\r\nHost: a\r\n" + OURS + b"\r\n"),
    Forwarded(no=158, name="H06", what="duplicate field order kept", rule="9110 5.3 MUST NOT reorder",
        sent=GET + b"X-D: 1\r\nX-E: e\r\nX-D: 2\r\n\r\n",
        at_target=GET + b"X-D: 1\r\nX-E: e\r\nX-D: 2\r\n" + OURS + b"\r\n"),
    Forwarded(no=159, name="H07", what="unknown field forwarded", rule="9110 5.1 MUST forward",
        sent=GET + b"X-Weird_~!: q\r\n\r\n", at_target=GET + b"X-Weird_~!: q\r\n" + OURS + b"\r\n"),
    Forwarded(no=160, name="H08", what="Via added", rule="9110 7.6.3 MUST",
        sent=GET + b"\r\n", at_target=GET + OURS + b"\r\n"),
    Forwarded(no=161, name="H09", what="Max-Forwards 0 on OPTIONS", rule="9110 7.6.2 MUST NOT forward",
        sent=b"OPTIONS /p HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n", at_target=None, body=b""),
    Forwarded(no=162, name="H10", what="Max-Forwards 5 on OPTIONS", rule="9110 7.6.2 MUST decrement",
        sent=b"OPTIONS /p HTTP/1.1\r\nHost: a\r\nMax-Forwards: 5\r\n\r\n",
        at_target=b"OPTIONS /p HTTP/1.1\r\nHost: a\r\nMax-Forwards: 4\r\n" + OURS + b"\r\n"),
    Forwarded(no=163, name="H11", what="obs-text byte-exact", rule="9110 5.5 opaque bytes",
        sent=GET + b"X-T: a\xff\xfeb\r\n\r\n", at_target=GET + b"X-T: a\xff\xfeb\r\n" + OURS + b"\r\n"),
    Forwarded(no=164, name="H12", what="chunked request forwarded once framed", rule="9112 6.3, 7.1.1, 6.2",
        sent=POST + b"Transfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n",
        at_target=POST + OURS + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n"),
    Forwarded(no=165, name="H13", what="Connection: close not leaked", rule="9110 7.6.1 MUST",
        sent=GET + b"Connection: close\r\n\r\n", at_target=GET + OURS + b"\r\n"),
    Forwarded(no=166, name="H14", what="HEAD", rule="9110 9.3.2, 8.6",
        sent=b"HEAD /p HTTP/1.1\r\nHost: a\r\n\r\n",
        at_target=b"HEAD /p HTTP/1.1\r\nHost: a\r\n" + OURS + b"\r\n",
        answered=b"HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n", body=b""),
    Forwarded(no=167, name="H15", what="absolute-form rewrites Host", rule="9112 3.2.2 MUST, or 400",
        sent=b"GET http://b.example/p HTTP/1.1\r\nHost: a\r\n\r\n", at_target=None, status=400,
        body=b"sparring: bad request\n"),
)  # fmt: skip
