"""When a shadow that does not answer is left alone, and when it is asked again: a circuit breaker.

Knows three states and the ends of exchanges; refuses to know sockets, copies and clocks (every call brings
its instant). Asked by the mirror before each copy, told by each copy how it ended. One per shadow and worker;
it never concerns the primary, whose failures are the client's to see.

    closed ──failures in a row──► open ──open_s──► probing ──all probes answered──► closed
                                   ▲                  │
                                   └── twice as long ─┘ a probe fails
"""

from collections.abc import Callable
from enum import Enum, auto
from typing import Final

from recording.exchange import Outcome

# An exchange that ends so has got no answer. An error status is an answer, a client that left no fault.
_FAILURES: Final = frozenset(
    {Outcome.REFUSED.value, Outcome.RESET.value, Outcome.TIMEOUT.value, Outcome.PROTOCOL_ERROR.value}
)
_ANSWERS: Final = frozenset({Outcome.OK.value, Outcome.HTTP_ERROR.value})


class _State(Enum):
    CLOSED = auto()
    OPEN = auto()
    PROBING = auto()


class Breaker:
    """`on_change` is called with True when the shadow is ejected and with False when it is readmitted."""

    def __init__(
        self,
        *,
        failures: int,
        open_ns: int,
        max_open_ns: int,
        probes: int,
        on_change: Callable[[bool], None],
    ) -> None:
        self._max_failures = failures
        self._first_open_ns = open_ns
        self._max_open_ns = max_open_ns
        self._max_probes = probes
        self._on_change = on_change
        self._state = _State.CLOSED
        self._failures = 0
        self._open_ns = open_ns
        self._until_ns = 0
        self._probes_left = 0
        self._probes_unanswered = 0

    @property
    def ejected(self) -> bool:
        """Whether the shadow gets no copies but probes."""
        return self._state is not _State.CLOSED

    def admits(self, now_ns: int) -> bool:
        """Whether a copy may be sent now; a probe is taken by asking."""
        if self._state is _State.CLOSED:
            return True
        if self._state is _State.OPEN:
            if now_ns < self._until_ns:
                return False
            self._state = _State.PROBING
            self._probes_left = self._probes_unanswered = self._max_probes
        if not self._probes_left:
            return False
        self._probes_left -= 1
        return True

    def note(self, outcome: str, now_ns: int, *, probe: bool) -> None:
        """A copy has ended so; `probe` if it was admitted while the shadow was ejected.

        While it is ejected, only probes count: what was sent before says nothing new.
        """
        if self._state is _State.CLOSED and not probe:
            self._note_usual(outcome, now_ns)
        elif self._state is _State.PROBING and probe:
            self._note_probe(outcome, now_ns)

    def take_back(self) -> None:
        """A probe was not sent after all: another may be."""
        if self._state is _State.PROBING:
            self._probes_left += 1

    def _note_usual(self, outcome: str, now_ns: int) -> None:
        if outcome in _ANSWERS:
            self._failures = 0
        elif outcome in _FAILURES:
            self._failures += 1
            if self._failures >= self._max_failures:
                self._open(now_ns)
                self._on_change(True)

    def _note_probe(self, outcome: str, now_ns: int) -> None:
        if outcome in _FAILURES:
            self._open_ns = min(2 * self._open_ns, self._max_open_ns)
            self._open(now_ns)
        elif outcome not in _ANSWERS:
            self._probes_left += 1  # it was cut short by us and says nothing: ask another
        else:
            self._probes_unanswered -= 1
            if not self._probes_unanswered:
                self._state = _State.CLOSED
                self._open_ns = self._first_open_ns
                self._on_change(False)

    def _open(self, now_ns: int) -> None:
        self._state = _State.OPEN
        self._failures = 0
        self._until_ns = now_ns + self._open_ns
