"""Three parsers that are not ours, and what each makes of a message: h11, llhttp, and Python's http.client.

Knows how to ask them for a whole message and brings their findings into one form: field names in lower case,
order kept, bodies without their framing. Refuses to know our own readers. Each raises what it raises when a
message is not HTTP/1.1 to it.
"""

import http.client
import io
from collections.abc import Iterator
from dataclasses import dataclass, field

import h11
import httptools

from tests.shadow_proxy.byte_table.rows import Fields

MAX_EVENT_BYTES = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as a parser understood it."""

    method: bytes
    target: bytes
    fields: Fields
    body: bytes
    trailers: Fields = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer as a parser understood it; `interim` are the statuses of 1xx answers in front."""

    status: int
    fields: Fields
    body: bytes
    interim: tuple[int, ...] = ()
    trailers: Fields = ()


def plain(fields: "list[tuple[bytes, bytes]]") -> Fields:
    """Names in lower case, values without the blanks around them."""
    return tuple((bytes(name).lower(), bytes(value).strip(b" \t")) for name, value in fields)


def h11_request(raw: bytes) -> tuple[Request, bytes] | None:
    """The first request and what lies behind it; None while it is not whole."""
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_EVENT_BYTES)
    connection.receive_data(raw)
    head: h11.Request | None = None
    body = b""
    while True:
        event = connection.next_event()
        if isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            return Request(
                method=head.method,
                target=head.target,
                fields=plain(list(head.headers)),
                body=body,
                trailers=plain(list(event.headers)),
            ), connection.trailing_data[0]
        else:
            return None


def h11_response(raw: bytes, *, method: bytes = b"GET") -> Response:
    """The answer to a request of that method, the connection closed behind it."""
    events = list(_h11_events(raw, method=method))
    (head,) = [event for event in events if isinstance(event, h11.Response)]
    (end,) = [event for event in events if isinstance(event, h11.EndOfMessage)]
    return Response(
        status=head.status_code,
        fields=plain(list(head.headers)),
        body=_joined(events),
        interim=tuple(one.status_code for one in events if isinstance(one, h11.InformationalResponse)),
        trailers=plain(list(end.headers)),
    )


def h11_cut_response(raw: bytes) -> bytes:
    """What there is of the body of an answer that breaks off; AssertionError if it is whole."""
    events: list[h11.Event] = []
    try:
        for event in _h11_events(raw, method=b"GET"):
            events.append(event)  # noqa: PERF402  # what came before the error counts
    except h11.RemoteProtocolError:
        return _joined(events)
    raise AssertionError("the answer is whole")


def _joined(events: list[h11.Event]) -> bytes:
    return b"".join(bytes(event.data) for event in events if isinstance(event, h11.Data))


def _h11_events(raw: bytes, *, method: bytes) -> Iterator[h11.Event]:
    connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_EVENT_BYTES)
    connection.send(h11.Request(method=method, target=b"/", headers=[(b"Host", b"a")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(raw)
    connection.receive_data(b"")
    while True:
        event = connection.next_event()
        assert isinstance(event, h11.Event)
        yield event
        if isinstance(event, h11.EndOfMessage):
            return


@dataclass
class _Heard:
    """What llhttp called back."""

    url: bytes = b""
    fields: list[tuple[bytes, bytes]] = field(default_factory=list)
    trailers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    head_done: bool = False
    done: bool = False

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        (self.trailers if self.head_done else self.fields).append((name, value))

    def on_headers_complete(self) -> None:
        self.head_done = True

    def on_body(self, piece: bytes) -> None:
        self.body += piece

    def on_message_complete(self) -> None:
        self.done = True


def llhttp_request(raw: bytes) -> Request:
    """One whole request."""
    heard = _Heard()
    parser = httptools.HttpRequestParser(heard)
    parser.feed_data(raw)
    assert heard.done
    return Request(
        method=parser.get_method(),
        target=heard.url,
        fields=plain(heard.fields),
        body=heard.body,
        trailers=plain(heard.trailers),
    )


def llhttp_response(raw: bytes, *, closed: bool = False) -> Response:
    """One whole answer, not to HEAD, of which llhttp cannot be told; `closed` if the connection ends it."""
    interim: list[int] = []
    rest = raw
    while rest.startswith(b"HTTP/1.1 1"):
        end = rest.index(b"\r\n\r\n") + 4
        interim.append(_llhttp_answer(rest[:end])[1].get_status_code())
        rest = rest[end:]
    heard, parser = _llhttp_answer(rest)
    assert heard.done or closed
    return Response(
        status=parser.get_status_code(),
        fields=plain(heard.fields),
        body=heard.body,
        interim=tuple(interim),
        trailers=plain(heard.trailers),
    )


def _llhttp_answer(raw: bytes) -> tuple[_Heard, httptools.HttpResponseParser]:
    heard = _Heard()
    parser = httptools.HttpResponseParser(heard)
    parser.feed_data(raw)
    return heard, parser


class _Socket:
    """What http.client wants of a socket: a file, which it must not close."""

    def __init__(self, raw: bytes) -> None:
        self.file = io.BytesIO(raw)

    def makefile(self, mode: str) -> io.BufferedIOBase:
        assert mode == "rb"
        return self.file


def stdlib_request(raw: bytes) -> Request:
    """One whole request; http.client drops trailers."""
    file = io.BytesIO(raw)
    method, target, _ = file.readline().split()
    message = http.client.parse_headers(file)
    if message.get("Transfer-Encoding", "").lower() == "chunked":
        body = _stdlib_answer(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + file.read()).read()
    else:
        body = file.read(int(message.get("Content-Length", "0")))
    return Request(method=method, target=target, fields=_stdlib_fields(message), body=body)


def stdlib_response(raw: bytes, *, method: bytes = b"GET") -> Response:
    """The answer to a request of that method; http.client drops trailers and 1xx answers in front."""
    rest = raw
    while rest.startswith(b"HTTP/1.1 1"):
        rest = rest.partition(b"\r\n\r\n")[2]
    answer = _stdlib_answer(rest, method=method)
    fields = _stdlib_fields(answer.msg)
    return Response(status=answer.status, fields=fields, body=answer.read())


def _stdlib_answer(raw: bytes, *, method: bytes = b"GET") -> http.client.HTTPResponse:
    # The type asks for a whole socket; it uses this one method.
    answer = http.client.HTTPResponse(_Socket(raw), method=method.decode())  # type: ignore[arg-type]
    answer.begin()
    return answer


def _stdlib_fields(message: http.client.HTTPMessage) -> Fields:
    return plain([(n.encode("latin-1"), v.encode("latin-1")) for n, v in message.items()])
