"""What a request becomes when its head is here: an id, an arrival, a due time, and a head for its targets.

Knows the fields that the proxy itself reads (`X-Request-Id`, `X-Sparring-Due`); refuses to know what happens
to the request. Asked by each client connection for its reader and for every head.
"""

import itertools
import secrets

from recording.clock import RunClock
from shadow_proxy.config import Limits
from shadow_proxy.framing import request_start
from shadow_proxy.incoming import Incoming
from wire.errors import WireError
from wire.fields import FIELD_TABLE, PASS, STOP, Found
from wire.request_reader import RequestHead, RequestReader, RequestSink

REQUEST_ID = b"x-request-id"
DUE = b"x-sparring-due"


class Intake:
    """One worker's. `authority` stands in for the Host that an HTTP/1.0 client may leave out."""

    __slots__ = (
        "_authority",
        "_clock",
        "_copy_bytes",
        "_due_header",
        "_id_start",
        "_limits",
        "_numbers",
        "_table",
        "max_body_bytes",
    )

    def __init__(self, *, limits: Limits, clock: RunClock, due_header: bool, authority: bytes) -> None:
        self.max_body_bytes = limits.request_body_bytes
        self._copy_bytes = limits.copy_bytes
        self._limits = limits
        self._clock = clock
        self._due_header = due_header
        self._authority = authority
        self._id_start = secrets.token_hex(6).encode()
        self._numbers = itertools.count(1)
        self._table = {**FIELD_TABLE, REQUEST_ID: PASS}
        if due_header:
            self._table[DUE] = STOP

    def new_reader(self, sink: RequestSink) -> RequestReader:
        """A reader that keeps the fields we want to see."""
        limits = self._limits
        return RequestReader(
            sink,
            max_head_bytes=limits.head_bytes,
            max_fields=limits.head_fields,
            max_target_bytes=limits.target_bytes,
            table=self._table,
        )

    def admit(self, head: RequestHead, now_ns: int) -> Incoming:
        """The request; `WireError` if it is one that is never taken."""
        if head.method == b"TRACE":
            raise WireError("TRACE shows a client's secrets to whoever reads the answer", status=405)
        if head.content_length > self.max_body_bytes:
            raise WireError("the body is over the limit", status=413)
        found = head.found
        known_id = found.get(REQUEST_ID, b"")
        request_id = known_id or b"%b-%x" % (self._id_start, next(self._numbers))
        lines = head.lines
        more = b"" if known_id else b"X-Request-Id: %b\r\n" % request_id
        if b"host" not in found:
            more += b"Host: %b\r\n" % self._authority
        return Incoming(
            head,
            request_id=request_id,
            lines=lines,
            start=request_start(head.method, head.target, lines=lines + more),
            received_ns=now_ns,
            due_ns=self._due_ns(found, now_ns),
            max_held_bytes=self._copy_bytes,
        )

    def _due_ns(self, found: Found, now_ns: int) -> int:
        """When the sender meant to send, if it says so; otherwise now. On the run's clock."""
        if self._due_header and DUE in found:
            due = found[DUE]
            if due.removeprefix(b"-").isdigit():
                return int(due)
        return now_ns - self._clock.origin_ns
