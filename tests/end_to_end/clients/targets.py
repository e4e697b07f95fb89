"""A model endpoint that keeps every byte it was sent, and a tee that keeps every byte that passes it.

Knows plain sockets, one thread a connection; refuses to know what a test compares. An answer depends on the
request's path; a path that is not in the table is echoed. `gate` holds streams back until a test opens it,
`left` says that a stream's reader went away.
"""

import gzip
import json
import select
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import BinaryIO, ClassVar

from tests.end_to_end.clients.messages import Asked, read_request

PATIENCE_S = 20.0
LOOK_S = 0.02
ZIPPED = b'{"zipped": true}'
READ_BYTES = 1 << 16


class _Server(socketserver.ThreadingTCPServer):
    """On a free port of the loopback interface."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, conversation: type[socketserver.BaseRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), conversation)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.socket.getsockname()[1])

    @property
    def url(self) -> str:
        """How a client writes that."""
        return f"http://127.0.0.1:{self.port}"


class Target(_Server):
    """Answers and remembers; `connections` counts how often somebody connected."""

    def __init__(self) -> None:
        super().__init__(_Conversation)
        self.seen: list[Asked] = []
        self.connections = 0
        self.gate = threading.Event()
        self.left = threading.Event()


class _Conversation(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    server: Target

    def handle(self) -> None:
        """One connection; the proxy may go whenever it wants."""
        self.server.connections += 1
        with suppress(ConnectionError):
            while (asked := read_request(_binary(self.rfile))) is not None:
                self.server.seen.append(asked)
                path = asked.target.partition(b"?")[0]
                ANSWERS.get(path, echo)(asked, self)

    def say(self, *parts: bytes) -> None:
        """Write."""
        self.wfile.write(b"".join(parts))

    def wait_for_gate(self) -> bool:
        """Until the test opens the gate; False if the reader went away first."""
        for _ in range(int(PATIENCE_S / LOOK_S)):
            if self.server.gate.is_set():
                return True
            if select.select([self.connection], [], [], LOOK_S)[0]:
                self.server.left.set()
                return False
        return False


def _binary(stream: object) -> BinaryIO:
    assert hasattr(stream, "readline")
    return stream  # type: ignore[return-value]  # `rfile` is a BufferedReader, whatever its stub says


Answer = Callable[[Asked, _Conversation], None]


def head(*fields: bytes, length: int | None, status: bytes = b"200 OK") -> bytes:
    """An answer's head; without a length it is chunked."""
    framing = b"Transfer-Encoding: chunked" if length is None else b"Content-Length: %d" % length
    return b"HTTP/1.1 " + b"\r\n".join((status, *fields, framing, b"", b""))


def echo(asked: Asked, conversation: _Conversation) -> None:
    """The body as it came."""
    body = b"" if asked.line[0] == b"HEAD" else asked.body
    conversation.say(head(b"Content-Type: application/json", length=len(asked.body)), body)


def zipped(asked: Asked, conversation: _Conversation) -> None:
    """A compressed answer, for whoever can take it."""
    fits = b"gzip" in b",".join(asked.values(b"accept-encoding"))
    body = gzip.compress(ZIPPED, mtime=0) if fits else ZIPPED
    coding = (b"Content-Encoding: gzip", b"Vary: Accept-Encoding") if fits else ()
    conversation.say(head(b"Content-Type: application/json", *coding, length=len(body)), body)


def headless(asked: Asked, conversation: _Conversation) -> None:
    """Neither a reason phrase nor a Content-Type."""
    del asked
    conversation.say(head(length=2, status=b"200 "), b"{}")


def predicted(asked: Asked, conversation: _Conversation) -> None:
    """What SageMaker's runtime answers."""
    del asked
    body = b'{"predictions": [0]}'
    kind, variant = b"Content-Type: application/json", b"x-Amzn-Invoked-Production-Variant: only"
    conversation.say(head(kind, variant, length=len(body)), body)


def chat(asked: Asked, conversation: _Conversation) -> None:
    """OpenAI's chat completion, whole or as two events with the gate between them."""
    if not json.loads(asked.body).get("stream"):
        body = json.dumps(_completion(text="hello there", key="message", kind="chat.completion")).encode()
        conversation.say(head(b"Content-Type: application/json", length=len(body)), body)
        return
    conversation.say(head(b"Content-Type: text/event-stream", length=None), _event("hello "))
    if conversation.wait_for_gate():
        conversation.say(_event("there"), _chunk(b"data: [DONE]\n\n"), b"0\r\n\r\n")


def _completion(*, text: str, key: str, kind: str) -> dict[str, object]:
    choice = {"index": 0, key: {"role": "assistant", "content": text}, "finish_reason": "stop"}
    return {"id": "c-1", "object": kind, "created": 1, "model": "m", "choices": [choice]}


def _event(text: str) -> bytes:
    document = _completion(text=text, key="delta", kind="chat.completion.chunk")
    return _chunk(b"data: %b\n\n" % json.dumps(document).encode())


def _chunk(piece: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece)


ANSWERS: dict[bytes, Answer] = {
    b"/zipped": zipped,
    b"/headless": headless,
    b"/v1/chat/completions": chat,
    b"/endpoints/iris/invocations": predicted,
}


class Tee(_Server):
    """Between a client and the proxy; `sent` and `answered` hold a connection's two directions each."""

    def __init__(self, *, to_port: int) -> None:
        super().__init__(_Passing)
        self.to_port = to_port
        self.sent: list[bytearray] = []
        self.answered: list[bytearray] = []


class _Passing(socketserver.BaseRequestHandler):
    server: Tee
    request: socket.socket
    NO_DELAY: ClassVar = (socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def handle(self) -> None:
        """One connection, both ways, until both ends are done."""
        sent, answered = bytearray(), bytearray()
        self.server.sent.append(sent)
        self.server.answered.append(answered)
        with socket.create_connection(("127.0.0.1", self.server.to_port)) as proxy:
            proxy.setsockopt(*self.NO_DELAY)
            self.request.setsockopt(*self.NO_DELAY)
            back = threading.Thread(target=_pass, args=(proxy, self.request, answered), daemon=True)
            back.start()
            _pass(self.request, proxy, sent)
            back.join()


def _pass(source: socket.socket, sink: socket.socket, kept: bytearray) -> None:
    """Bytes from one to the other, and the end as well."""
    with suppress(OSError):
        while piece := source.recv(READ_BYTES):
            kept += piece
            sink.sendall(piece)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@contextmanager
def serving(*servers: _Server) -> Iterator[None]:
    """All of them, each with a thread that accepts."""
    threads = [threading.Thread(target=server.serve_forever, args=(LOOK_S,)) for server in servers]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        for server, thread in zip(servers, threads, strict=True):
            server.shutdown()
            thread.join()
            server.server_close()
