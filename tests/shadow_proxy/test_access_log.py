"""One line for each request, without secrets, and never waited for."""

import json
from pathlib import Path
from typing import Any

import pytest

from recording.redaction import RedactConfig, Redactor
from shadow_proxy.access_log import AccessLog
from shadow_proxy.testing import Rig, Visit, answering, hanging, rig, until
from tests.shadow_proxy.test_client import OK, run

POST = b"POST /p?api_key=abc123&x=1 HTTP/1.1\r\nHost: a\r\nX-Request-Id: r1\r\nContent-Length: 5\r\n\r\nhello"


def attach(here: Rig, path: Path, *, max_bytes: int = 1 << 20) -> AccessLog:
    log = AccessLog(path, redactor=Redactor(RedactConfig()), max_bytes=max_bytes, row=here.row)
    here.plant.clients.access_log = log
    return log


def lines(path: Path) -> list[dict[str, Any]]:  # Any: JSON
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_line_says_who_asked_what_of_whom_and_how_it_ended(tmp_path: Path) -> None:
    async def scene() -> None:
        async with rig(answering(OK), {"candidate": answering(OK)}) as here:
            log = attach(here, tmp_path / "access.log")
            await here.ask(POST)
            await here.settled()
            log.close()

    run(scene)
    (line,) = lines(tmp_path / "access.log")
    assert line.pop("at").startswith("20")
    assert line.pop("duration_ms") > 0
    assert line == {
        "id": "r1",
        "client": "127.0.0.1",
        "method": "POST",
        "path": "/p?api_key=[redacted]&x=1",
        "target": "baseline",
        "outcome": "ok",
        "status": 200,
        "request_bytes": 5,
        "response_bytes": 2,
    }


def test_what_got_no_answer_has_a_line_too(tmp_path: Path) -> None:
    async def reset(visit: Visit) -> None:
        await visit.part()
        visit.reset()

    async def scene() -> None:
        async with rig(reset, {}) as here:
            log = attach(here, tmp_path / "access.log")
            await here.ask(POST)
            log.close()
        async with rig(hanging, {}) as here:
            log = attach(here, tmp_path / "access.log")
            client = await here.connect()
            await client.send(POST)
            await until(lambda: here.account("baseline").in_flight == 1)
            client.close()
            await until(lambda: here.row.values()["client/gone"] == 1)
            log.close()

    run(scene)
    assert [line["outcome"] for line in lines(tmp_path / "access.log")] == ["reset", "cancelled"]


def test_lines_that_nobody_writes_are_dropped_and_counted(tmp_path: Path) -> None:
    async def scene() -> None:
        async with rig(answering(OK), {}) as here:
            log = attach(here, tmp_path / "access.log", max_bytes=600)
            for _ in range(10):
                await here.ask(POST)
            log.close()
            assert log.dropped == here.row.values()["access_log/dropped"] == 8

    run(scene)
    assert len(lines(tmp_path / "access.log")) == 2


def test_a_full_disk_costs_lines_and_nothing_else() -> None:
    async def scene() -> None:
        async with rig(answering(OK), {}) as here:
            log = attach(here, Path("/dev/full"))
            assert (await here.ask(POST))[1] == b"ok"
            log.flush()
            assert log.dropped == 1
            assert log.take_trouble()
            assert not log.take_trouble()
            log.close()

    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    run(scene)
