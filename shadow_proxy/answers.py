"""The proxy's own answers, made once.

Knows the statuses that the proxy itself may give and what each says to the client; refuses to know when. Each
names its author in `Server`, so that nobody takes it for the model's.
"""

from typing import Final

ALLOWED: Final = b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, QUERY"
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"

_REASONS: Final = {
    400: b"Bad Request",
    405: b"Method Not Allowed",
    408: b"Request Timeout",
    413: b"Content Too Large",
    414: b"URI Too Long",
    417: b"Expectation Failed",
    422: b"Unprocessable Content",
    431: b"Request Header Fields Too Large",
    502: b"Bad Gateway",
    503: b"Service Unavailable",
    504: b"Gateway Timeout",
    505: b"HTTP Version Not Supported",
    508: b"Loop Detected",
}
_MORE_FIELDS: Final = {
    405: b"Allow: %b\r\n" % ALLOWED,
    503: b"Retry-After: 1\r\n",
}


def options_answer(*, close: bool, request_id: bytes) -> bytes:
    """To OPTIONS that may not be forwarded any more: what may be asked of the proxy."""
    ending = b"Connection: close\r\n\r\n" if close else b"\r\n"
    fields = b"Server: sparring\r\nAllow: %b\r\nContent-Length: 0\r\nX-Request-Id: %b\r\n" % (
        ALLOWED,
        request_id,
    )
    return b"HTTP/1.1 200 OK\r\n" + fields + ending


def own_answer(status: int, *, close: bool, request_id: bytes = b"", no_body: bool = False) -> bytes:
    """A whole answer; the body (left out for HEAD) is one line of text that repeats the reason."""
    reason = _REASONS[status]
    body = b"sparring: %b\n" % reason.lower()
    lines = [
        b"HTTP/1.1 %d %b\r\nServer: sparring\r\nContent-Type: text/plain\r\n" % (status, reason),
        b"Content-Length: %d\r\n" % len(body),
        _MORE_FIELDS.get(status, b""),
        b"X-Request-Id: %b\r\n" % request_id if request_id else b"",
        b"Connection: close\r\n\r\n" if close else b"\r\n",
        b"" if no_body else body,
    ]
    return b"".join(lines)
