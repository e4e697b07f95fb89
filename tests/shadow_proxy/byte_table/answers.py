"""What upstreams answer, and what the client must see of it: rows I of the checklist for intermediaries.

Knows bytes and what the RFCs ask of a gateway; refuses to know targets and pools. As a shadow's answer none
of these may change anything for the client.
"""

from typing import Final

from tests.shadow_proxy.byte_table.rows import Answer, Shown, Then

PASSED: Final = Shown.PASSED
BAD: Final = Shown.BAD_GATEWAY
CUT: Final = Shown.CUT
OK: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
CHUNKED: Final = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
GOOD: Final = ("ok",)
WRONG: Final = ("protocol_error",)
LOST: Final = ("reset",)

ANSWERS: Final = (
    Answer(no=169, name="I02", what="304 with CL, no body", rule="9112 6.3 item 1",
        said=b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\nETag: \"x\"\r\n\r\n",
        shown=PASSED, status=304, outcomes=GOOD),
    Answer(no=170, name="I03", what="103 then 200", rule="9110 15.2 MUST forward 1xx",
        said=b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + OK,
        shown=PASSED, interim=(103,), body=b"ok", outcomes=GOOD),
    Answer(no=171, name="I04", what="unsolicited 100 then 200", rule="9110 15.2",
        said=b"HTTP/1.1 100 Continue\r\n\r\n" + OK, shown=PASSED, body=b"ok", outcomes=GOOD),
    Answer(no=173, name="I06", what="CL short then close", rule="9112 6.3, 8 MUST record incomplete",
        said=b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello", then=Then.CLOSES,
        shown=CUT, body=b"hello", outcomes=LOST),
    Answer(no=174, name="I07", what="chunked cut then close", rule="9112 8",
        said=CHUNKED + b"\r\n5\r\nhello\r\n", then=Then.CLOSES, shown=CUT, body=b"hello", outcomes=LOST),
    Answer(no=175, name="I08", what="close-delimited", rule="9112 6.3 item 8",
        said=b"HTTP/1.1 200 OK\r\n\r\nhello world", then=Then.CLOSES,
        shown=PASSED, body=b"hello world", outcomes=GOOD),
    Answer(no=177, name="I10", what="two CL, different", rule="9112 6.3 item 5 MUST 502",
        said=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\nokabc",
        shown=BAD, outcomes=WRONG, hidden=(b"ok",)),
    Answer(no=178, name="I11", what="CL +2", rule="9112 6.3 item 5 MUST 502",
        said=b"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok", shown=BAD, outcomes=WRONG),
    Answer(no=179, name="I12", what="obs-fold in response", rule="9112 5.2 MUST 502 or SP",
        said=b"HTTP/1.1 200 OK\r\nX-T: a\r\n b\r\nContent-Length: 2\r\n\r\nok", shown=BAD, outcomes=WRONG),
    Answer(no=181, name="I14", what="NUL in response value", rule="9110 5.5 MUST; CVE-2026-34520",
        said=b"HTTP/1.1 200 OK\r\nX-T: a\x00b\r\nContent-Length: 2\r\n\r\nok",
        shown=BAD, outcomes=WRONG, hidden=(b"\x00",)),
    Answer(no=182, name="I15", what="bare CR in response value", rule="9110 5.5 MUST; CVE-2026-34519 family",
        said=b"HTTP/1.1 200 OK\r\nX-T: a\rSet-Cookie: z=1\r\nContent-Length: 2\r\n\r\nok",
        shown=BAD, outcomes=WRONG, hidden=(b"Set-Cookie",)),
    Answer(no=183, name="I16", what="status not a number", rule="9112 4",
        said=b"HTTP/1.1 abc OK\r\nContent-Length: 2\r\n\r\nok", shown=BAD, outcomes=WRONG),
    Answer(no=185, name="I18", what="garbage then close", rule="9112 9.2",
        said=b"\x00\xff\xfe random \r\n\r\n", then=Then.CLOSES,
        shown=BAD, outcomes=WRONG, hidden=(b"random",)),
    Answer(no=186, name="I19", what="empty then close", rule="9112 8",
        said=b"", then=Then.CLOSES, shown=BAD, outcomes=LOST),
    Answer(no=187, name="I20", what="no answer (hang)", rule="proxy timeout",
        said=b"", shown=Shown.TIMED_OUT, outcomes=("timeout",)),
    Answer(no=189, name="I22", what="extra bytes after the response", rule="9112 6.3 MUST NOT; 9.2 MUST NOT",
        said=OK + b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nEVIL",
        shown=PASSED, body=b"ok", outcomes=GOOD, hidden=(b"EVIL",)),
    Answer(no=190, name="I23", what="early 413 before body is sent", rule="9110 10.1.1, 9112 9.3",
        sent=b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 1000,
        said=b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        shown=PASSED, status=413, outcomes=("http_error",), reads_body=False),
    Answer(no=191, name="I24", what="response trailer", rule="9110 6.5.1; 9112 7.1.2 MUST keep apart",
        said=CHUNKED + b"Trailer: X-Sum\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 9\r\n\r\n",
        shown=PASSED, body=b"ok", trailers=((b"x-sum", b"9"),), outcomes=GOOD),
    Answer(no=193, name="I26", what="200 kB of response headers", rule="limit",
        said=b"HTTP/1.1 200 OK\r\n" + b"".join(b"X-%d: %s\r\n" % (i, b"v" * 1000) for i in range(200))
        + b"Content-Length: 2\r\n\r\nok", shown=BAD, outcomes=WRONG, hidden=(b"vvv",)),
    Answer(no=194, name="I27", what="LF-only response", rule="9112 2.2 MAY; ours is strict",
        said=b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", shown=BAD, outcomes=WRONG),
    Answer(no=195, name="I28", what="hop-by-hop in response", rule="9110 7.6.1 MUST",
        said=b"HTTP/1.1 200 OK\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=9\r\n"
        b"Content-Length: 2\r\n\r\nok",
        shown=PASSED, body=b"ok", outcomes=GOOD, hidden=(b"X-Hop", b"Keep-Alive", b"timeout=9")),
    Answer(no=197, name="I30", what="connection refused", rule="gateway error",
        said=None, shown=BAD, outcomes=("refused",)),
)  # fmt: skip
