"""Real servers behind a real proxy, as baseline and as candidate: each keeps its habits.

uvicorn and gunicorn need the environment that `requirements/clients.txt` describes, found by
`SPARRING_CLIENTS` (its `python`); MLServer the one that `examples/electricity/environment.py` makes, and the
recorded connections of the folder of real inputs.
"""

import gzip
import json
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from http.client import HTTPConnection
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest

from tests.end_to_end.clients.messages import Answered, Asked, answers_in, requests_in
from tests.end_to_end.clients.proxied import (
    Document,
    Proxy,
    ask,
    connected,
    proxy,
    read_answer,
    scene,
    wait_until,
)
from tests.end_to_end.clients.targets import PATIENCE_S
from tests.end_to_end.servers.serving import Server, gunicorn, mlserver, nginx, running, uvicorn

pytestmark = pytest.mark.slow

APPLICATIONS: dict[str, Callable[[], Server]] = {
    "uvicorn-h11": lambda: uvicorn(http="h11"),
    "uvicorn-httptools": lambda: uvicorn(http="httptools"),
    "gunicorn-sync": lambda: gunicorn(worker="sync"),
    "gunicorn-gthread": lambda: gunicorn(worker="gthread"),
}
KEEP_ALIVE = [name for name in APPLICATIONS if name != "gunicorn-sync"]
LONG_IDLE = {"pooled_idle_s": 60.0}
HOST = b"Host: a.example\r\n"


Pair = tuple[Server, Server]


@pytest.fixture(scope="module")
def pair_of() -> Iterator[Callable[[str], Pair]]:
    """A baseline and a candidate of each kind, started when first asked for."""
    with ExitStack() as stack:

        @cache
        def start(name: str) -> Pair:
            pair = APPLICATIONS[name](), APPLICATIONS[name]()
            stack.enter_context(running(*pair))
            return pair

        yield start


@contextmanager
def before(folder: Path, pair: Pair, **settings: object) -> Iterator[Proxy]:
    """A proxy in front of two servers."""
    baseline, candidate = pair
    with proxy(folder, baseline=baseline.url, candidate=candidate.url, **settings) as here:
        yield here


@contextmanager
def between(folder: Path, pair: Pair, **settings: object) -> Iterator[Proxy]:
    """Two servers of this test alone, and a proxy in front of them."""
    with running(*pair), before(folder, pair, **settings) as here:
        yield here


def request(line: bytes, *fields: bytes, body: bytes | None = None) -> bytes:
    """A request's bytes; without a body it has no length."""
    length = () if body is None else (b"Content-Length: %d" % len(body),)
    return b"\r\n".join((line + b" HTTP/1.1", HOST.rstrip(), *fields, *length, b"", body or b""))


def one(here: Proxy, raw: bytes) -> Answered:
    """One request on a connection of its own."""
    with connected(here.port) as connection:
        return ask(connection, raw)


def endings(account: Document) -> list[dict[str, int]]:
    """How the exchanges of baseline and candidate ended."""
    return [account["targets"][name]["endings"] for name in ("baseline", "candidate")]


def all_ok(account: Document, *, requests: int) -> bool:
    """Whether every request was answered well by both."""
    return [ending["ok"] for ending in endings(account)] == [requests] * 2


CHUNKED = b"Transfer-Encoding: chunked"
JSON_KIND = b"Content-Type: application/json"
PLAIN, ESCAPED = "/m?a=1", "/a%2Fb/..;/%ff%0d%0a//d?x=%00&y=a+b"
ASKED = [
    (request(b"POST /m?a=1", JSON_KIND, body=b'{"x": 1}'), ("POST", PLAIN, '{"x": 1}', ["application/json"])),
    (
        request(b"POST /m?a=1", CHUNKED) + b"4\r\none \r\n3\r\ntwo\r\n0\r\n\r\n",
        ("POST", PLAIN, "one two", []),
    ),
    (request(b"POST /m?a=1", body=b"\x00\xff"), ("POST", PLAIN, "\x00\xff", [])),
    (request(b"QUERY " + ESCAPED.encode(), body=b"x"), ("QUERY", ESCAPED, "x", [])),
]


@pytest.mark.parametrize("name", APPLICATIONS)
def test_a_server_hears_what_was_sent(tmp_path: Path, pair_of: Callable[[str], Pair], name: str) -> None:
    """Both framings, no Content-Type, an unknown method and escaped bytes."""
    with before(tmp_path, pair_of(name)) as here:
        for raw, sent in ASKED:
            heard = json.loads(one(here, raw).body)
            assert (heard["method"], heard["target"], heard["body"], heard["kinds"]) == sent
        assert one(here, request(b"HEAD /")).body == b""
        assert all_ok(here.account(), requests=len(ASKED) + 1)


@pytest.mark.parametrize("name", KEEP_ALIVE)
def test_the_connection_to_a_server_is_used_again(
    tmp_path: Path, pair_of: Callable[[str], Pair], name: str
) -> None:
    with before(tmp_path, pair_of(name)) as here:
        raw = request(b"POST /m", body=b"x")
        assert len({json.loads(one(here, raw).body)["from"] for _ in range(10)}) == 1
        assert all_ok(here.account(), requests=10)


def test_a_server_that_closes_behind_each_answer_is_connected_to_again(
    tmp_path: Path, pair_of: Callable[[str], Pair]
) -> None:
    with before(tmp_path, pair_of("gunicorn-sync")) as here:
        raw = request(b"POST /m", body=b"x")
        with connected(here.port) as connection:
            answers = [ask(connection, raw) for _ in range(10)]
        assert len({json.loads(answer.body)["from"] for answer in answers}) == 10
        assert all_ok(here.account(), requests=10)


@pytest.mark.parametrize("name", ["gunicorn-sync", "gunicorn-gthread"])
def test_an_answer_of_unknown_length_is_whole(
    tmp_path: Path, pair_of: Callable[[str], Pair], name: str
) -> None:
    with before(tmp_path, pair_of(name)) as here:
        assert one(here, request(b"GET /stream")).body == b"data: one\n\ndata: two\n\n"
        assert all_ok(here.account(), requests=1)


def open_gates(*servers: Server) -> None:
    """Ask each to let its stream go on, once it has been asked for the stream."""
    for server in servers:
        wait_for_requests(server, "/stream", count=1)
        with urlopen(server.url + "/go") as answer:
            answer.read()


def wait_for_requests(server: Server, path: str, *, count: int) -> None:
    """Until it was asked that often."""
    wait_until(lambda: times(server, path) == count, what=f"{count} requests for {path}")


def times(server: Server, path: str) -> int:
    """How often the server was asked for a path."""
    with urlopen(server.url + "/count") as answer:
        return int(json.load(answer).get(path, 0))


@pytest.mark.parametrize("name", ["uvicorn-h11", "uvicorn-httptools"])
def test_an_event_reaches_the_client_before_the_next_is_sent(
    tmp_path: Path, pair_of: Callable[[str], Pair], name: str
) -> None:
    servers = pair_of(name)
    with before(tmp_path, servers) as here:
        connection = HTTPConnection("127.0.0.1", here.port, timeout=PATIENCE_S)
        connection.request("GET", "/stream")
        answer = connection.getresponse()
        assert answer.headers["Content-Type"] == "text/event-stream"
        assert answer.readline() + answer.readline() == b"data: one\n\n"
        open_gates(*servers)
        assert answer.read() == b"data: two\n\n"
        connection.close()
        assert all_ok(here.account(), requests=1)


def wait_for_pooled(server: Server, *, status: str, count: int) -> None:
    """Until so many connections to the server are in that state, seen from who connected."""

    def found() -> int:
        return sum(
            one.raddr.port == server.port and one.status == status
            for one in psutil.net_connections("tcp4")
            if one.raddr
        )

    wait_until(lambda: found() == count, what=f"{count} connections in {status}")


@pytest.mark.parametrize("http", ["h11", "httptools"])
def test_a_pooled_connection_that_a_server_closed_is_not_used_again(tmp_path: Path, http: str) -> None:
    servers = uvicorn(http=http, idle_s=1), uvicorn(http=http, idle_s=1)
    raw = request(b"POST /m", body=b"x")
    with between(tmp_path, servers, deadlines=LONG_IDLE) as here, connected(here.port) as connection:
        assert ask(connection, raw).status == 200
        for server in servers:
            wait_for_requests(server, "/m", count=1)
            wait_for_pooled(server, status=psutil.CONN_ESTABLISHED, count=0)
        assert ask(connection, raw).status == 200
        assert all_ok(here.account(), requests=2)


@pytest.mark.parametrize(("http", "method"), [("h11", b"GET"), ("h11", b"POST"), ("httptools", b"POST")])
def test_a_request_that_crosses_a_servers_close_costs_the_client_no_error(
    tmp_path: Path, http: str, method: bytes
) -> None:
    """While the worker stands still, the request arrives first and the server's close behind it."""
    servers = uvicorn(http=http, idle_s=2), uvicorn(http=http, idle_s=2)
    raw = request(method + b" /m", body=b"x")
    with between(tmp_path, servers, deadlines=LONG_IDLE) as here, connected(here.port) as connection:
        (worker,) = psutil.Process(here.process.pid).children()
        assert ask(connection, raw).status == 200
        wait_for_requests(servers[1], "/m", count=1)
        worker.send_signal(signal.SIGSTOP)
        try:
            connection.sendall(raw)
            for server in servers:
                wait_for_pooled(server, status=psutil.CONN_CLOSE_WAIT, count=1)
        finally:
            worker.send_signal(signal.SIGCONT)
        assert read_answer(connection, method=method.decode()).status == 200
        wait_for_requests(servers[1], "/m", count=2)
        assert times(servers[0], "/m") == 2, "once each"
        assert all_ok(here.account(), requests=2), "nor does it count against the candidate"


@pytest.mark.parametrize("name", ["uvicorn-h11", "uvicorn-httptools"])
def test_a_status_without_reason_and_an_answer_without_type_stay_so(
    tmp_path: Path, pair_of: Callable[[str], Pair], name: str
) -> None:
    with before(tmp_path, pair_of(name)) as here:
        answer = one(here, request(b"GET /bare"))
        assert (answer.status, answer.body) == (299, b"{}")
        assert answer.head.startswith(b"\n"), "no reason phrase"
        assert b"content-type" not in answer.head.lower()
        here.account()


def test_nginxs_files_ranges_and_compressed_files_are_whole(tmp_path: Path) -> None:
    content = b"a line of a model\n" * 100_000
    servers = nginx(tmp_path / "one", file=content), nginx(tmp_path / "two", file=content)
    with between(tmp_path, servers) as here, connected(here.port) as connection:
        assert ask(connection, request(b"GET /files/model.txt")).body == content
        part = ask(connection, request(b"GET /files/model.txt", b"Range: bytes=1000-1999"))
        assert (part.status, part.body) == (206, content[1000:2000])
        head = ask(connection, request(b"HEAD /files/model.txt"))
        assert b"Content-Length: %d" % len(content) in head.head
        zipped = ask(connection, request(b"GET /files/model.txt", b"Accept-Encoding: gzip"))
        assert b"Content-Encoding: gzip" in zipped.head
        assert gzip.decompress(zipped.body) == content
        assert all_ok(here.account(), requests=4)


def test_nginxs_bare_status_keep_alive_and_last_request_of_a_connection(tmp_path: Path) -> None:
    with between(tmp_path, (nginx(tmp_path / "one"), nginx(tmp_path / "two"))) as here:
        bare = one(here, request(b"GET /bare"))
        assert (bare.status, bare.head.startswith(b"\n")) == (299, True)
        asked = request(b"QUERY /%ff//x?q=%00", body=b"x" * 100_000)
        said = [one(here, asked).body for _ in range(5)]
        assert {line.split(b" ", 1)[1] for line in said} == {b"QUERY /%ff//x?q=%00\n"}
        assert len({line.split(b" ")[0] for line in said}) == 1, "one connection"
        few = [one(here, request(b"POST /few", body=b"x")) for _ in range(10)]
        assert [answer.status for answer in few] == [200] * 10
        assert len({answer.body for answer in few}) > 1, "nginx ends a connection after three requests"
        assert all_ok(here.account(), requests=16)


def test_an_empty_reason_phrase_of_a_known_status_stays_empty(tmp_path: Path) -> None:
    """As TorchServe answers."""
    with scene(tmp_path) as here:
        said = one(here.proxy, request(b"GET /headless"))
        assert (said.status, said.body) == (200, b"{}")
        assert said.head.startswith(b"\n")
        assert b"content-type" not in said.head.lower()
        here.settle(requests=1)
        assert all_ok(here.proxy.account(), requests=1)


# MLServer, and what was recorded of it


def recorded_pairs(folder: Path) -> list[tuple[Asked, Answered]]:
    """What MLServer was asked about the iris model, and what it answered then."""
    pairs: list[tuple[Asked, Answered]] = []
    for path in sorted(folder.glob("*mlserver*.client.bin")):
        answers = answers_in(path.with_name(path.name.replace(".client.", ".server.")).read_bytes())
        pairs += zip(requests_in([path.read_bytes()]), answers, strict=False)
    return [(asked, answer) for asked, answer in pairs if b"text-model" not in asked.target]


def outputs(answer: Answered) -> object:
    """The predictions, where there are any."""
    return json.loads(answer.body or b"{}").get("outputs")


def test_mlserver_answers_through_the_proxy_as_it_was_recorded(tmp_path: Path, shared_data: Path) -> None:
    """JSON, gzip, deflate, a binary tail, no Content-Type, broken JSON, an unknown model."""
    pairs = recorded_pairs(shared_data / "recorded_wire")
    if not pairs:
        pytest.skip(f"no recorded connections of MLServer in {shared_data}: nothing was checked")
    assert {answer.status for _, answer in pairs} == {200, 404, 422}
    servers = mlserver(tmp_path, recipe="baseline"), mlserver(tmp_path, recipe="candidate")
    with between(tmp_path, servers) as here:
        for asked, then in pairs:
            now = one(here, asked.raw)
            assert (now.status, outputs(now)) == (then.status, outputs(then)), asked.head
        baseline, candidate = endings(here.account())
        assert baseline == candidate
        assert baseline["ok"] == sum(answer.status == 200 for _, answer in pairs)
