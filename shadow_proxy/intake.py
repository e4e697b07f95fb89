"""What a request becomes when its head is here: an id, an arrival, a due time, and a head for its targets.

Knows the fields that the proxy itself reads (`X-Request-Id`, `X-Sparring-Due`, `Via`, `Max-Forwards`);
refuses to know what happens to the request. Asked by each client connection for its reader and for every
head.
"""

import itertools
import secrets
from typing import Final

from recording.clock import RunClock
from shadow_proxy.exchange_state import NOTHING_KEPT
from shadow_proxy.framing import request_start
from shadow_proxy.held import HeldBudget
from shadow_proxy.incoming import Incoming
from shadow_proxy.limits import Limits
from wire.errors import WireError
from wire.fields import FIELD_TABLE, PASS, STOP, Found, field_lines, split_lines, value_of
from wire.request_reader import RequestHead, RequestReader, RequestSink

REQUEST_ID: Final = b"x-request-id"
DUE: Final = b"x-sparring-due"
LOOP_STATUS: Final = 508
MAX_ID_BYTES: Final = 512
_VIA: Final = b"via"
_MAX_FORWARDS: Final = b"max-forwards"
_OWN_NAME: Final = b" sparring"
_OWN_OK: Final = 200


class Intake:
    """One worker's, under one configuration. `authority` stands in for the Host that an HTTP/1.0 client may
    leave out."""

    __slots__ = (
        "_authority",
        "_budget",
        "_clock",
        "_copy_bytes",
        "_due_header",
        "_id_start",
        "_kept_bytes",
        "_limits",
        "_max_hops",
        "_numbers",
        "_table",
        "max_body_bytes",
    )

    def __init__(
        self,
        *,
        limits: Limits,
        clock: RunClock,
        due_header: bool,
        authority: bytes,
        max_hops: int,
        budget: HeldBudget,
        recording: bool,
    ) -> None:
        self.max_body_bytes = limits.request_body_bytes
        self._copy_bytes = limits.copy_bytes
        self._kept_bytes = limits.recorded_request_bytes if recording else NOTHING_KEPT
        self._limits = limits
        self._clock = clock
        self._due_header = due_header
        self._authority = authority
        self._max_hops = max_hops
        self._budget = budget
        self._id_start = secrets.token_hex(6).encode()
        self._numbers = itertools.count(1)
        self._table = {**FIELD_TABLE, REQUEST_ID: PASS, _VIA: PASS}
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
        if _VIA in found and found[_VIA].count(_OWN_NAME) >= self._max_hops:
            raise WireError("the request has come through here before", status=LOOP_STATUS)
        known_id = found.get(REQUEST_ID, b"")[:MAX_ID_BYTES]
        request_id = known_id or b"%b-%x" % (self._id_start, next(self._numbers))
        lines = head.lines
        more = b"" if known_id else b"X-Request-Id: %b\r\n" % request_id
        if b"host" not in found:
            more += b"Host: %b\r\n" % self._authority
        own_status = 0
        sent_lines = lines
        if head.method == b"OPTIONS":
            own_status, sent_lines = forwarded_once_more(lines)
        incoming = Incoming(
            head,
            request_id=request_id,
            lines=lines,
            start=request_start(head.method, head.target, lines=sent_lines + more),
            received_ns=now_ns,
            due_ns=self._due_ns(found, now_ns),
            max_held_bytes=self._copy_bytes,
            max_kept_bytes=self._kept_bytes,
            budget=self._budget,
        )
        if own_status:
            incoming.own_status = own_status
        return incoming

    def _due_ns(self, found: Found, now_ns: int) -> int:
        """When the sender meant to send, if it says so; otherwise now. On the run's clock."""
        if self._due_header and DUE in found:
            due = found[DUE]
            if due.removeprefix(b"-").isdigit():
                return int(due)
        return now_ns - self._clock.origin_ns


def forwarded_once_more(lines: bytes) -> tuple[int, bytes]:
    """RFC 9110 section 7.6.2: the status with which we answer ourselves (0: we do not), and the fields with
    one forward less.

    >>> forwarded_once_more(b"Max-Forwards: 5\\r\\n")
    (0, b'Max-Forwards: 4\\r\\n')
    >>> forwarded_once_more(b"Max-Forwards: 0\\r\\n")[0]
    200
    """
    value = value_of(lines, _MAX_FORWARDS)
    if value is None or not value.isdigit() or len(value) > 9:
        return 0, lines
    left = int(value)
    if not left:
        return _OWN_OK, lines
    fields = split_lines(lines)
    one_less = b"%d" % (left - 1)
    return 0, field_lines([(name, one_less if name.lower() == _MAX_FORWARDS else v) for name, v in fields])
