"""The demo's model server, over real HTTP: in this process, and once as the process that a run starts."""

import asyncio
import http.client
import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from sparring.demo.model_server import ModelServer
from sparring.demo.models import Model, train
from sparring.demo.payments import payments
from sparring.demo.rehearsal import free_ports
from sparring.demo.traffic import PATH, bodies
from sparring.processes import accepts, wait_until

ROWS = payments(2_000, seed=1)


@pytest.fixture(scope="module")
def model() -> Model:
    return train("baseline", ROWS)


def ask(model: Model, *requests: tuple[str, str, bytes]) -> list[tuple[int, str]]:
    """Status and text of each answer, from one server."""

    async def conversation() -> list[tuple[int, str]]:
        async with TestClient(TestServer(ModelServer(model=model).application())) as client:
            answers = []
            for method, path, body in requests:
                async with client.request(method, path, data=body) as answer:
                    answers.append((answer.status, await answer.text()))
            return answers

    return asyncio.run(conversation())


def test_a_payment_is_answered_with_label_and_score(model: Model) -> None:
    some = list(bodies(ROWS))[:20]
    answers = ask(model, *(("POST", PATH, body) for body in some))
    for (status, text), score in zip(answers, model.scores(ROWS.numbers[:20]), strict=True):
        [prediction] = json.loads(text)["predictions"]
        assert status == 200
        assert prediction["label"] == int(score >= 0.5)
        assert prediction["score"] == pytest.approx(score, abs=1e-6)


def test_a_batch_is_answered_in_its_order(model: Model) -> None:
    [(_, text)] = ask(model, ("POST", PATH, b'{"instances": [{"amount": 1}, {"amount": 99999}]}'))
    low, high = json.loads(text)["predictions"]
    assert low["score"] < high["score"]


def test_a_malformed_payload_is_a_declared_error_and_the_server_lives_on(model: Model) -> None:
    bad, health = ask(model, ("POST", PATH, b"\xff"), ("GET", "/healthz", b""))
    assert bad[0] == 400
    assert "UTF-8" in json.loads(bad[1])["error"]
    assert (health[0], json.loads(health[1])) == (200, {"status": "ok", "model": "baseline"})


def test_the_metrics_page_counts_answers_by_code_and_shows_the_process(model: Model) -> None:
    *_, (_, page) = ask(
        model, ("POST", PATH, b"{"), *[("POST", PATH, b'{"instances":[{}]}')] * 3, ("GET", "/metrics", b"")
    )
    assert 'model_requests_total{code="200"} 3.0' in page
    assert 'model_requests_total{code="400"} 1.0' in page
    assert "model_request_seconds_count 4.0" in page
    assert "process_resident_memory_bytes" in page


@pytest.mark.slow
def test_the_process_serves_a_saved_model_and_ends_quietly_on_sigterm(model: Model, tmp_path: Path) -> None:
    model.save(tmp_path / "model.joblib")
    [port] = free_ports(1)
    command = [
        sys.executable,
        "-m",
        "sparring.demo.model_server",
        "--model",
        "model.joblib",
        "--port",
        str(port),
    ]
    server = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        wait_until(lambda: accepts(("127.0.0.1", port)) or server.poll() is not None, timeout_s=60)
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        client.request("POST", PATH, next(bodies(ROWS)))
        assert json.loads(client.getresponse().read())["predictions"]
        server.send_signal(signal.SIGTERM)
        assert server.communicate(timeout=20)[0] == b""
        assert server.returncode == 0
    finally:
        server.kill()
        server.wait()
