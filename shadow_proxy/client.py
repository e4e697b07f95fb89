"""One client's connection: requests in, answers out, in the order in which they were asked.

Knows the client's side of HTTP/1.1 (pipelining, Expect, 1.0, early ends, deadlines, back pressure); refuses
to know targets. Each request becomes an `Incoming`; when it is its turn, `Dispatch` sends it. Plain
callbacks.

A client that closes its sending half is gone, as for nginx: what it asked for is cancelled.
"""

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING, Final, cast

from shadow_proxy.answers import CONTINUE, options_answer, own_answer
from shadow_proxy.client_phase import Phase, wait_ns
from shadow_proxy.deadlines import NEVER_NS
from shadow_proxy.exchange_state import ExchangeState
from shadow_proxy.framing import Framing
from shadow_proxy.incoming import Incoming
from shadow_proxy.primary import PrimaryExchange
from wire.errors import WireError
from wire.request_reader import RequestHead, RequestReader

if TYPE_CHECKING:
    from shadow_proxy.clients import Clients
    from shadow_proxy.dispatch import Dispatch

_now_ns: Final = time.monotonic_ns  # looked up once: every request asks several times


class ClientConnection(asyncio.Protocol):
    """See the module's opening."""

    __slots__ = (
        "_advancing",
        "_arrived",
        "_client_full",
        "_clients",
        "_closed",
        "_current",
        "_deaf",
        "_paused",
        "_phase",
        "_queue",
        "_reader",
        "_receiving",
        "_refusal",
        "_target_full",
        "_transport",
        "address",
        "deadline_ns",
        "dispatch",
    )

    def __init__(self, clients: "Clients") -> None:
        self._clients = clients
        self._transport: asyncio.Transport | None = None
        self._reader: RequestReader = clients.intake.new_reader(self)
        self._queue: deque[Incoming] = deque()
        self._current: PrimaryExchange | None = None
        self._receiving: Incoming | None = None
        self._refusal: WireError | None = None
        self._phase = Phase.IDLE
        self._paused = self._target_full = self._client_full = False
        self._closed = self._advancing = self._deaf = False
        self._arrived = 0
        self.address = b""
        self.deadline_ns = NEVER_NS
        self.dispatch = clients.dispatch

    # What the loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Accepted."""
        self._transport = cast("asyncio.Transport", transport)  # the loop promises what its type does not say
        clients = self._clients
        peer = transport.get_extra_info("peername")
        if isinstance(peer, tuple) and peer:
            self.address = str(peer[0]).encode()
        clients.count("connections")
        clients.connections.add(self)
        clients.sweep.join(self)
        self.deadline_ns = _now_ns() + clients.deadlines.idle_ns
        if len(clients.connections) > clients.max_connections:
            clients.count("refused_connections")
            self._refuse(503)
        elif clients.draining:  # accepted in the last moment
            self.drain()

    def data_received(self, data: bytes) -> None:
        """A read."""
        if self._deaf:
            return
        try:
            self._reader.feed(data)
        except WireError as error:
            self._refusal = error
            self._deaf = True
        current = self._current
        if current is not None and not current.ended:
            self.dispatch.proceed(current)
        self._advance()

    def eof_received(self) -> None:
        """The client sends no more: it is gone. The transport closes, `connection_lost` does the rest."""

    def connection_lost(self, exc: Exception | None) -> None:
        """Whatever is still under way for it is cancelled."""
        del exc
        clients = self._clients
        clients.connections.discard(self)
        clients.sweep.leave(self)
        clients.count("closed")
        self._transport = None
        self._deaf = self._closed = True
        self._reader.let_go()
        self._forget_queue()
        self._forget_receiving()
        current, self._current = self._current, None
        if current is not None:
            clients.count("gone")
            self.dispatch.cancel(current)

    def pause_writing(self) -> None:
        """The client reads more slowly than it is answered: nothing is begun for it until it caught up."""
        self._client_full = True
        current = self._current
        if current is not None and current.connection is not None:
            current.connection.pause_reading()

    def resume_writing(self) -> None:
        """It caught up."""
        self._client_full = False
        current = self._current
        if current is not None and current.connection is not None:
            current.connection.resume_reading()
        self._advance()

    def expire(self, now_ns: int) -> None:
        """Its deadline has passed."""
        del now_ns
        if self._phase in {Phase.HEAD, Phase.BODY} and not self._deaf:
            self._refusal = WireError("too slow", status=408)
            self._deaf = True
            self._advance()
        else:
            self.abort()

    # What the reader calls.

    def on_request(self, head: RequestHead) -> None:
        """A head is complete."""
        self._arrived = now_ns = _now_ns()
        incoming = self._clients.intake.admit(head, now_ns)
        self._queue.append(incoming)
        self._receiving = incoming

    def on_request_body(self, piece: bytes) -> None:
        """A piece of its body."""
        incoming = self._receiving
        if incoming is not None:
            incoming.take(piece)
            if incoming.body_bytes > self._clients.intake.max_body_bytes:
                raise WireError("the body is over the limit", status=413)

    def on_request_end(self) -> None:
        """Its body is complete."""
        if self._receiving is not None:
            self._receiving.complete = True
            self._receiving.trailers = self._reader.trailers
            self._receiving = None

    # What the exchange calls.

    def write(self, answered: bytes) -> None:
        """A part of the answer."""
        if self._transport is not None:
            self._transport.write(answered)

    def may_keep(self, incoming: Incoming) -> bool:
        """Whether more requests may follow the answer to this one."""
        return incoming.head.keep_alive and incoming.complete and not self._clients.draining

    def hold_body(self) -> None:
        """The target cannot take more."""
        self._target_full = True
        self._set_paused(paused=True)
        self._enter_phase()

    def resume_body(self) -> None:
        """It can."""
        if self._target_full:
            self._target_full = False
            self._set_paused(paused=bool(self._queue))
            self._arrived = _now_ns()  # the time in which we held it back is not the client's
            self._enter_phase()

    def answered(self, *, keep: bool) -> None:
        """The answer to the current request is complete."""
        current, self._current = self._current, None
        if current is not None and not current.incoming.complete:
            self.dispatch.abandon_copies(current.incoming, reason="body_incomplete")
        self.resume_body()
        if keep and (self._queue or not self._clients.draining):
            self._advance()
        else:
            self._close(linger=self._receiving is not None)

    def unanswered(self, status: int, *, begun: Framing | None) -> None:
        """There is no answer, or only a part of one."""
        current = self._current
        if current is None:
            return
        incoming = current.incoming
        if begun is not None:
            self._current = None
            self.dispatch.abandon_copies(incoming, reason="body_incomplete")
            self._break_off(begun)
            return
        if status == 503:
            self._clients.count("shed")
        keep = self.may_keep(incoming)
        no_body = incoming.head.method == b"HEAD"
        self.write(own_answer(status, close=not keep, request_id=incoming.request_id, no_body=no_body))
        self.answered(keep=keep)

    def note(self, state: ExchangeState, outcome: str) -> None:
        """For the access log."""
        access_log = self._clients.access_log
        if access_log is not None:
            access_log.note(state, outcome, client=self.address)

    # What the worker calls.

    def is_served_by(self, dispatch: "Dispatch") -> bool:
        """Whether its current request began there."""
        return self._current is not None and self.dispatch is dispatch

    def drain(self) -> None:
        """Close if idle; one that was only just opened may still ask what it came for, if it is quick."""
        if self._current is None and not self._queue:
            if self._arrived:
                self._close(linger=False)
            else:
                self.deadline_ns = _now_ns() + self._clients.deadlines.linger_ns

    def abort(self) -> None:
        """Close now."""
        if self._transport is not None:
            self._transport.abort()

    # The rest is its own.

    def _advance(self) -> None:
        """Start what can be started; called again from inside when an exchange ends at once."""
        if self._advancing:
            return
        self._advancing = True
        while self._current is None and self._queue and not self._client_full and not self._closed:
            incoming = self._queue.popleft()
            if self._refusal is None or incoming is not self._receiving:
                self._start(incoming)
        self._advancing = False
        if self._refusal is not None:
            self._enter_phase()
            self._refuse_message(self._refusal)
        elif not self._closed:
            paused = bool(self._queue) or self._target_full
            if paused != self._paused:
                self._set_paused(paused=paused)
            self._enter_phase()

    def _start(self, incoming: Incoming) -> None:
        if not incoming.complete:
            self._arrived = _now_ns()
        if incoming.own_status:
            self._answer_itself(incoming)
            return
        if b"expect" in incoming.head.found and not self._continues(incoming):
            return
        self.dispatch = dispatch = self._clients.dispatch
        self._current = exchange = dispatch.start(incoming, self)
        dispatch.proceed(exchange)

    def _answer_itself(self, incoming: Incoming) -> None:
        keep = self.may_keep(incoming)
        incoming.release()
        self.write(options_answer(close=not keep, request_id=incoming.request_id))
        if not keep:
            self._close(linger=self._receiving is not None)

    def _forget_queue(self) -> None:
        """What came behind a message that ends the connection is not served."""
        for incoming in self._queue:
            self._clients.count("unserved")
            incoming.release()
        self._queue.clear()

    def _forget_receiving(self) -> None:
        """What still arrives is nobody's; the body of a request that is under way is its exchanges'."""
        receiving, self._receiving = self._receiving, None
        if receiving is not None and (self._current is None or self._current.incoming is not receiving):
            receiving.release()

    def _continues(self, incoming: Incoming) -> bool:
        """Ask for the body, if the client waits to be asked; False if it expects something else."""
        head = incoming.head
        if head.found[b"expect"].lower() != b"100-continue":
            self._refusal = WireError("an expectation that cannot be met", status=417)
            self._deaf = True
            self._forget_queue()
            incoming.release()
            return False
        if head.minor and not incoming.complete and not incoming.body_bytes:
            self.write(CONTINUE)
        return True

    def _enter_phase(self) -> None:
        if self._current is None and self._client_full:
            phase = Phase.FULL
        elif self._queue or self._target_full:
            phase = Phase.BUSY
        elif self._receiving is not None:
            phase = Phase.BODY
        elif self._current is not None:
            phase = Phase.BUSY
        else:
            phase = Phase.IDLE if self._reader.idle else Phase.HEAD
        if self._closed or (phase is self._phase and phase is not Phase.BODY):
            return
        self._phase = phase
        deadlines = self._clients.deadlines
        if phase is Phase.BUSY:
            self.deadline_ns = NEVER_NS
        elif phase is Phase.BODY:
            self.deadline_ns = self._arrived + deadlines.body_ns
        else:
            self.deadline_ns = _now_ns() + wait_ns(phase, deadlines)

    def _set_paused(self, *, paused: bool) -> None:
        """Read from the client, or leave what it sends in its own buffers."""
        transport = self._transport
        if paused == self._paused or transport is None or transport.is_closing():
            return
        self._paused = paused
        if paused:
            transport.pause_reading()
        else:
            transport.resume_reading()

    def _refuse_message(self, refusal: WireError) -> None:
        """Answer a message that cannot be taken, once everything before it is answered."""
        current = self._current
        if current is not None and current.incoming is not self._receiving:
            return
        self._refusal = None
        self._forget_receiving()
        self._clients.note_refusal(self._reader.begun, refusal)
        if current is not None:
            self._current = None
            begun = current.answer_begun
            self.dispatch.cancel(current)
            if begun:
                self.abort()
                return
        self._refuse(refusal.status)

    def _refuse(self, status: int) -> None:
        self.write(own_answer(status, close=True))
        self._close(linger=True)

    def _break_off(self, begun: Framing) -> None:
        """End in a way in which the client can tell that the answer is not whole."""
        if begun is Framing.CLOSE:
            self.abort()
        else:
            self._close(linger=False)

    def _close(self, *, linger: bool) -> None:
        """Close behind what was written; lingering lets a client that still sends read it first."""
        self._deaf = self._closed = True
        self._forget_queue()
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        deadlines = self._clients.deadlines
        self._phase = Phase.FULL  # from here on only a client that does not read can keep it open
        left_ns = deadlines.read_ns
        if linger and transport.can_write_eof():
            self._set_paused(paused=False)
            transport.write_eof()
            left_ns = deadlines.linger_ns
        else:
            transport.close()
        self.deadline_ns = _now_ns() + left_ns
