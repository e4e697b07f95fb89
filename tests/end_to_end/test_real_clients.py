"""Real clients through a real proxy: both targets see what each client sent, and the client gets its answer.

Every byte between client and proxy is kept by a tee, every byte of the proxy by the targets; the test's own
reading of them (`clients/messages.py`) says what must be equal. Python's clients need the environment that
`requirements/clients.txt` describes, found by `SPARRING_CLIENTS` (its `python`).
"""

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.end_to_end.clients.messages import requests_in
from tests.end_to_end.clients.programs import clients_python, program
from tests.end_to_end.clients.proxied import Scene, scene, wait_until
from tests.end_to_end.clients.signature import is_signed
from tests.end_to_end.clients.targets import PATIENCE_S, ZIPPED

HERE = Path(__file__).parent / "clients"
JSON_KIND = b"application/json"
MEGABYTES = 3 << 20

pytestmark = pytest.mark.slow


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Scene]:
    """client → tee → proxy → targets."""
    with scene(tmp_path) as running:
        yield running


def ran(*command: str, sent: bytes = b"") -> str:
    """What a program printed."""
    done = subprocess.run(command, input=sent, capture_output=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def curl(*words: str, sent: bytes = b"") -> str:
    """What curl printed."""
    return ran(program("curl"), "--silent", "--show-error", *words, sent=sent)


def python(name: str, *words: str) -> str:
    """What a client of the environment printed."""
    return ran(clients_python(), str(HERE / name), *words)


@contextmanager
def talking(*command: str) -> Iterator[Callable[[], str]]:
    """A program that waits for a line after each word it says; each call returns the next word."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        said = spoken(process)
        try:
            yield lambda: next(said)
            assert list(said) == []
            assert process.wait(PATIENCE_S) == 0
        finally:
            process.kill()


def spoken(process: subprocess.Popen[str]) -> Iterator[str]:
    """Its words; it is told to go on only when the next one is asked for."""
    assert process.stdin is not None
    assert process.stdout is not None
    while word := process.stdout.readline():
        yield word.removesuffix("\n")
        print(file=process.stdin, flush=True)


# curl


def test_curl_json_arrives_as_it_was_sent(here: Scene) -> None:
    said = curl("-H", "Content-Type: application/json", "-d", '{"x": 1}', here.tee.url + "/echo?a=1")
    assert said == '{"x": 1}'
    (seen,) = here.check(requests=1)
    assert seen.values(b"content-type") == [JSON_KIND]


def test_a_body_without_content_type_stays_without(here: Scene) -> None:
    assert curl("-H", "Content-Type:", "-d", '{"x": 1}', here.tee.url + "/echo") == '{"x": 1}'
    (seen,) = here.check(requests=1)
    assert seen.values(b"content-type") == []


@pytest.mark.parametrize(
    "words", [("-X", "POST", "-T", "-"), ("-H", "Transfer-Encoding: chunked", "-d", "@-")]
)
def test_curl_chunked_upload_stays_chunked(here: Scene, words: tuple[str, ...]) -> None:
    assert curl(*words, here.tee.url + "/echo", sent=b"from a pipe") == "from a pipe"
    (seen,) = here.check(requests=1)
    assert seen.framing == ((b"transfer-encoding", b"chunked"),)


def test_a_client_that_waits_for_100_continue_is_told_to_go_on(here: Scene) -> None:
    body = bytes(range(256)) * (MEGABYTES // 256)
    words = ("-o", "/dev/null", "-w", "%{http_code} %{size_download}", "--expect100-timeout", "15")
    kind = ("-H", "Content-Type: application/octet-stream")
    said = curl(*words, *kind, "--data-binary", "@-", here.tee.url + "/echo", sent=body)
    assert said == f"200 {MEGABYTES}"
    (sent,) = here.sent
    assert sent.values(b"expect") == [b"100-continue"]
    assert here.tee.answered[0].startswith(b"HTTP/1.1 100 ")
    (seen,) = here.check(requests=1)
    assert seen.values(b"expect") == []
    assert seen.body == body


def test_a_client_of_http_1_0_is_answered_and_its_connection_closed(here: Scene) -> None:
    said = curl("--http1.0", "-d", "x=1", here.tee.url + "/echo", here.tee.url + "/echo")
    assert said == "x=1x=1"
    assert len(here.tee.sent) == 2, "one connection each"
    assert {asked.line[2] for asked in here.check(requests=2)} == {b"HTTP/1.1"}


def test_an_offer_of_h2c_is_not_passed_on_and_the_answer_is_http_1_1(here: Scene) -> None:
    said = curl("--http2", "-w", " %{http_version}", "-d", "x=1", here.tee.url + "/echo")
    assert said == "x=1 1.1"
    (sent,) = here.sent
    assert sent.values(b"upgrade") == [b"h2c"]
    (seen,) = here.check(requests=1)
    assert seen.values(b"upgrade") == seen.values(b"http2-settings") == seen.values(b"connection") == []


def test_http_2_by_prior_knowledge_is_refused_and_counted(here: Scene) -> None:
    command = [program("curl"), "--silent", "--http2-prior-knowledge", here.tee.url + "/echo"]
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE_S, check=False)
    assert done.returncode != 0
    account = here.proxy.account()
    assert (account["requests"], account["client"]["refused_requests"]) == (0, 1)
    assert here.baseline.seen == here.candidate.seen == []
    assert here.baseline.connections == here.candidate.connections == 0


def test_the_answer_to_head_has_a_length_and_no_body(here: Scene) -> None:
    said = curl("--head", here.tee.url + "/zipped", here.tee.url + "/echo")
    assert said.count("HTTP/1.1 200 OK") == 2
    assert f"Content-Length: {len(ZIPPED)}" in said
    assert len(here.tee.sent) == 1, "one connection for both"
    here.check(requests=2)


def test_a_compressed_answer_passes_as_it_is(here: Scene) -> None:
    said = curl("--compressed", "-w", " %{header_json}", here.tee.url + "/zipped")
    assert said.startswith(ZIPPED.decode())
    assert '"content-encoding":["gzip"]' in said
    here.check(requests=1)


def test_keep_alive_serves_many_requests_on_one_connection_each(here: Scene) -> None:
    curl("-d", "x=1", *[here.tee.url + f"/echo?{number}" for number in range(30)])
    here.check(requests=30)
    assert len(here.tee.sent) == here.baseline.connections == 1
    assert here.candidate.connections < 30, "a copy may find the last one still under way"


def test_a_method_is_passed_on_whatever_it_is(here: Scene) -> None:
    methods = ["QUERY", "PATCH", "DELETE", "PROPFIND", "OPTIONS"]
    for method in methods:
        assert curl("-X", method, "-d", "x=1", here.tee.url + "/echo") == "x=1"
    assert [asked.line[0].decode() for asked in here.baseline.seen] == methods
    assert here.proxy.account()["targets"]["baseline"]["endings"]["ok"] == len(methods)


def test_escaped_bytes_of_a_path_are_not_touched(here: Scene) -> None:
    paths = ["/a%2Fb/..;/c//d?x=%00&y=a+b&z=%zz", "/%ff%fe/%0d%0a/./../x", "/caf%C3%A9?q='\"`"]
    curl("--path-as-is", "-d", "x=1", *[here.tee.url + path for path in paths])
    assert [asked.target.decode() for asked in here.check(requests=3)] == paths


def test_a_client_that_takes_it_for_a_forward_proxy_reaches_the_configured_targets(here: Scene) -> None:
    said = curl("-x", here.tee.url, "-d", "x=1", "http://elsewhere.example/echo?a=1")
    assert said == "x=1"
    here.settle(requests=1)
    for target in (here.baseline, here.candidate):
        (seen,) = target.seen
        assert seen.target == b"/echo?a=1"
        assert seen.values(b"host") == [b"elsewhere.example"]
        assert seen.values(b"proxy-connection") == []
    here.check_alike()


# Python's clients

EXPECTED = [[200, '{"x":1}'], [200, "one two"], [200, "bare"], [200, ZIPPED.decode()], [200, ""], [200, "{}"]]


def spaceless(said: str) -> list[list[object]]:
    """Statuses and bodies; clients differ in how they space JSON."""
    found: list[list[object]] = json.loads(said.replace(r"{\"x\": 1}", r"{\"x\":1}"))
    return found


@pytest.mark.parametrize("name", ["ask_requests.py", "ask_httpx.py", "ask_urllib3.py"])
def test_a_session_of_a_python_client_passes_unchanged(here: Scene, name: str) -> None:
    assert spaceless(python(name, here.tee.url)) == EXPECTED
    seen = here.check(requests=6)
    assert [asked.framing for asked in seen][1] == ((b"transfer-encoding", b"chunked"),)
    assert seen[0].values(b"content-type") == [JSON_KIND]
    assert seen[1].values(b"content-type") == seen[2].values(b"content-type") == []
    assert here.baseline.connections == 1


def test_urllib_closes_and_the_targets_connections_stay(here: Scene) -> None:
    assert spaceless(python("ask_urllib.py", here.tee.url)) == [EXPECTED[i] for i in (0, 1, 4, 5)]
    assert {value for asked in here.sent for value in asked.values(b"connection")} == {b"close"}
    for asked in here.check(requests=4):
        assert asked.values(b"connection") == []
    assert len(here.tee.sent) == 4
    assert here.baseline.connections == 1


def test_aiohttps_chunked_awaited_and_compressed_bodies_pass_unchanged(here: Scene) -> None:
    answers = json.loads(python("ask_aiohttp.py", here.tee.url))
    assert [status for status, _ in answers] == [200] * 7
    seen = here.check(requests=7)
    assert [asked.values(b"content-encoding") for asked in seen][3] == [b"gzip"]
    assert seen[3].body.startswith(b"\x1f\x8b")
    assert answers[3][1].encode("latin-1") == seen[3].body
    assert here.sent[2].values(b"expect") == [b"100-continue"]
    assert b"HTTP/1.1 100 " in here.tee.answered[0]


def test_openais_client_streams_event_by_event_and_its_close_ends_the_call(here: Scene) -> None:
    with talking(clients_python(), str(HERE / "ask_openai.py"), here.tee.url) as next_word:
        assert next_word() == "hello there"
        assert next_word() == "hello ", "the first event, while the target waits"
        here.open_gates()
        assert next_word() == "there"
        here.settle(requests=2)
        here.close_gates()
        assert next_word() == "hello "
        assert next_word() == "closed"
        wait_until(here.baseline.left.is_set, what="the baseline's call ends")
        here.open_gates()
    here.settle(requests=3)
    endings = here.proxy.account()["targets"]["baseline"]["endings"]
    assert (endings["ok"], endings["cancelled"]) == (2, 1)
    here.check_alike()
    for asked in here.baseline.seen:
        assert asked.values(b"authorization") == [b"Bearer for-the-test"]


def test_boto3s_signature_holds_at_both_targets(here: Scene) -> None:
    said = python("ask_boto3.py", here.tee.url, "AKIDFORTHETEST", "a key for the test")
    assert said == '{"predictions": [0]}\n'
    here.check(requests=1)
    for target in (here.baseline, here.candidate):
        (seen,) = target.seen
        assert seen.values(b"host") == [here.tee.url.removeprefix("http://").encode()]
        assert is_signed(seen, key="a key for the test")
        assert not is_signed(seen, key="another")


# Others


def test_nodes_fetch_passes_unchanged(here: Scene) -> None:
    said = ran(program("node"), str(HERE / "ask_fetch.mjs"), here.tee.url)
    assert spaceless(said) == [EXPECTED[i] for i in (0, 1, 3, 4, 5)]
    seen = here.check(requests=5)
    assert ((b"transfer-encoding", b"chunked"),) in [asked.framing for asked in seen]


def test_javas_client_offers_h2c_each_time_and_is_answered_in_http_1_1(here: Scene) -> None:
    said = ran(program("java"), str(HERE / "AskHttpClient.java"), here.tee.url)
    assert said.splitlines() == [
        'HTTP_1_1 200 {"x": 1}', "HTTP_1_1 200 late", "HTTP_1_1 200 one two", "HTTP_1_1 200 {}",
    ]  # fmt: skip
    assert all(asked.values(b"upgrade") == [b"h2c"] for asked in here.sent)
    assert here.sent[1].values(b"expect") == [b"100-Continue"]
    for asked in here.check(requests=4):
        assert asked.values(b"upgrade") == asked.values(b"http2-settings") == []


@pytest.mark.parametrize("keep", [False, True])
def test_abs_http_1_0_is_answered_with_and_without_keep_alive(
    here: Scene, tmp_path: Path, *, keep: bool
) -> None:
    body = tmp_path / "body.json"
    body.write_bytes(b'{"x": 1}')
    words = ("-k",) if keep else ()
    asking = ("-n", "60", "-c", "3", "-p", str(body), "-T", "application/json", here.tee.url + "/echo")
    said = ran(program("ab"), *words, *asking).split("\n")
    counts = dict(line.split(":", 1) for line in said if line.count(":") == 1)
    assert counts["Complete requests"].split() == ["60"]
    assert counts["Failed requests"].split() == ["0"]
    assert "Non-2xx responses" not in counts
    assert counts.get("Keep-Alive requests", "0").split() == (["60"] if keep else ["0"])
    here.check(requests=60)


def test_wrk_gets_nothing_but_good_answers(here: Scene) -> None:
    said = ran(program("wrk"), "-t", "1", "-c", "4", "-d", "1s", here.proxy.url + "/echo")
    assert "Socket errors" not in said
    assert "Non-2xx" not in said
    account = here.proxy.account()
    baseline, candidate = account["targets"]["baseline"], account["targets"]["candidate"]
    assert account["requests"] > 0
    assert account["requests"] == candidate["mirrored"] + sum(candidate["dropped"].values())
    assert baseline["endings"]["ok"] + baseline["endings"]["cancelled"] == account["requests"]
    assert account["client"]["refused_requests"] == 0


# What was recorded of such clients


def test_recorded_requests_reach_both_targets_byte_for_byte(here: Scene, shared_data: Path) -> None:
    recordings = sorted((shared_data / "recorded_wire").glob("*.client.bin"))
    if not recordings:
        pytest.skip(f"no recorded connections in {shared_data}: nothing was checked")
    recorded = requests_in(path.read_bytes() for path in recordings)
    current = [asked for asked in recorded if asked.line[2] == b"HTTP/1.1"]
    assert len(current) >= 20
    here.open_gates()
    assert {here.send(asked) for asked in current} == {200}
    seen = here.check(requests=len(current))
    assert [asked.body for asked in seen] == [asked.body for asked in current]
    assert [asked.target for asked in seen] == [asked.target for asked in current]
