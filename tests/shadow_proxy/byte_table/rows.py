"""What a row of the byte table says: the bytes that one side sends, and what the other sides must see.

Knows the kinds of expectation; refuses to know sockets and this proxy. The tables beside it are made of
these; the tests, the fuzzer and `benchmarks/conformance` read them.
"""

from dataclasses import dataclass
from enum import Enum, auto

Fields = tuple[tuple[bytes, bytes], ...]


class Expected(Enum):
    """What the RFCs ask of an intermediary that is sent these bytes.

    EITHER: refusing and accepting are both allowed. Ours is to refuse, unless the row has no `refusals`.
    STALLS: the message is never complete; it ends with 408 when the deadline for the body has passed.
    """

    SERVED = auto()
    REFUSED = auto()
    EITHER = auto()
    STALLS = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One request as every target must understand it."""

    method: bytes = b"GET"
    target: bytes = b"/"
    body: bytes = b""
    trailers: Fields = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Bytes from a client. `seen` are the whole requests that reach the targets, each answered with 200.

    `refusals` are the statuses with which we may refuse the last message; `closes` says that the connection
    ends behind the last answer although nothing was wrong.
    """

    no: int
    name: str
    what: str
    sent: bytes
    expected: Expected
    rule: str = ""
    seen: tuple[Seen, ...] = ()
    refusals: tuple[int, ...] = (400,)
    closes: bool = False

    @property
    def head_is_good(self) -> bool:
        """Whether only its body is wrong, so that the primary may have been sent a beginning of it."""
        return self.name.startswith("F")

    @property
    def served(self) -> bool:
        """Whether our proxy serves all of it."""
        return self.expected is Expected.SERVED or not self.refusals

    @property
    def refused(self) -> bool:
        """Whether our proxy refuses the last message of it."""
        return not self.served and self.expected is not Expected.STALLS


class Shown(Enum):
    """What a client must see of an upstream that answers so; CUT: the answer breaks off, visibly."""

    PASSED = auto()
    BAD_GATEWAY = auto()
    TIMED_OUT = auto()
    CUT = auto()


class Then(Enum):
    """What the upstream does behind its bytes."""

    STAYS = auto()
    CLOSES = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Bytes from an upstream, and what the client sees: `status`, `body`, and 1xx answers in front.

    `said` is None where nobody listens. `hidden` must never be among the client's bytes. `outcomes` are
    those that the row of the exchange may have.
    """

    no: int
    name: str
    what: str
    said: bytes | None
    shown: Shown
    outcomes: tuple[str, ...]
    rule: str = ""
    sent: bytes = b"GET /p HTTP/1.1\r\nHost: a\r\n\r\n"
    then: Then = Then.STAYS
    status: int = 200
    body: bytes = b""
    interim: tuple[int, ...] = ()
    trailers: Fields = ()
    hidden: tuple[bytes, ...] = ()
    reads_body: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Forwarded:
    """A request and the bytes that every target must see; None where none may see any.

    In `at_target` the id that the proxy makes up is written `ID`.
    """

    no: int
    name: str
    what: str
    sent: bytes
    at_target: bytes | None
    rule: str
    answered: bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    status: int = 200
    body: bytes = b"ok"
