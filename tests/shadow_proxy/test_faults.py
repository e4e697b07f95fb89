"""Where a scenario touches the exchanges: the same for both arms, in the row, in the target's time."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from recording.documents import load_text
from scenarios.scenario import Scenario
from scenarios.timeline import Timeline
from shadow_proxy.accounting import FAULT_CELLS
from shadow_proxy.testing import Rig, answering, rig, until

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
BODY = b'{"income": 1, "age": 2}'
POST = (
    b"POST /p HTTP/1.1\r\nHost: a\r\nX-Request-Id: %d\r\nContent-Type: application/json\r\n"
    b"Content-Length: 23\r\n\r\n" + BODY
)
CHUNKED = (
    b"POST /p HTTP/1.1\r\nHost: a\r\nX-Request-Id: %d\r\nTransfer-Encoding: chunked\r\n\r\n17\r\n" + BODY
    + b"\r\n0\r\n\r\n"
)  # fmt: skip
MISSING = """
version: 1
name: test
faults:
  - {id: no-income, type: missing, target: TARGET, probability: SHARE, window: {from: 0s, to: 100s},
     params: {path: "$.income", how: drop_key}}
"""
DELAY = """
version: 1
name: test
faults:
  - {id: slow, type: delay, target: candidate, params: {fixed: 60s}}
"""


def run(scene: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(scene(), 20))


def timeline(text: str, **words: str) -> Timeline:
    for word, value in words.items():
        text = text.replace(word.upper(), value)
    return Timeline(load_text(text, Scenario, source="test"), 7)


async def bodies(here: Rig, sent: bytes, count: int) -> dict[str, list[bytes]]:
    client = await here.connect()
    for number in range(count):
        await client.send(sent % number)
        assert (await client.answer())[0].status == 200
    await here.settled()
    here.check()
    return {name: [one.body for one in target.seen] for name, target in here.targets.items()}


@pytest.mark.parametrize("sent", [POST, CHUNKED], ids=["length", "chunked"])
def test_both_arms_get_the_same_broken_bytes_for_the_same_requests(sent: bytes) -> None:
    async def scene() -> None:
        chosen = timeline(MISSING, target="both", share="0.5")
        async with rig(
            answering(OK), {"candidate": answering(OK)}, timeline=chosen, fault_ids=["no-income"]
        ) as here:
            seen = await bodies(here, sent, 40)
            assert seen["baseline"] == seen["candidate"]
            broken = [body for body in seen["baseline"] if b"income" not in body]
            assert 5 < len(broken) < 35
            marked = [one for one in here.rows.exchanges if one.faults == b"no-income"]
            assert len(marked) == 2 * len(broken)
            assert all(one.request_bytes == len(broken[0]) for one in marked)
            assert all(body == BODY for _, body, _ in here.rows.requests), (
                "what came in is recorded as it came"
            )
            here.pass_time(0)
            counts = {cell: here.row.values()[f"fault/no-income/{cell}"] for cell in FAULT_CELLS}
            assert counts["matched"] == 40
            assert counts["injected"] == 2 * len(broken)

    run(scene)


def test_a_fault_for_one_arm_leaves_the_other_alone() -> None:
    async def scene() -> None:
        chosen = timeline(MISSING, target="candidate", share="1.0")
        async with rig(
            answering(OK), {"candidate": answering(OK)}, timeline=chosen, fault_ids=["no-income"]
        ) as here:
            seen = await bodies(here, POST, 5)
            assert set(seen["baseline"]) == {BODY}
            assert all(b"income" not in body for body in seen["candidate"])

    run(scene)


def test_outside_the_window_nothing_is_even_asked() -> None:
    async def scene() -> None:
        chosen = timeline(MISSING.replace("from: 0s", "from: 90s"), target="both", share="1.0")
        async with rig(
            answering(OK), {"candidate": answering(OK)}, timeline=chosen, fault_ids=["no-income"]
        ) as here:
            seen = await bodies(here, POST, 5)
            assert set(seen["baseline"] + seen["candidate"]) == {BODY}
            assert chosen.counts["no-income"]["matched"] == 0

    run(scene)


def test_a_delayed_shadow_is_in_flight_at_once_and_never_delays_the_primary() -> None:
    async def scene() -> None:
        async with rig(
            answering(OK), {"candidate": answering(OK)}, timeline=timeline(DELAY), fault_ids=["slow"]
        ) as here:
            answer, _ = await here.ask(POST % 1)
            assert answer.status == 200
            assert here.account("candidate").in_flight == 1
            assert here.plant.lineup.shadows[0].busy == 1
            assert not here.targets["candidate"].visits
            here.check()
            here.plant.close()
            await until(lambda: len(here.rows.exchanges) == 2)
            assert here.rows.outcomes("candidate") == ["cancelled"]
            assert here.rows.exchanges[-1].faults == b"slow"
            here.check()

    run(scene)


def test_a_delay_counts_in_the_service_time_of_its_target() -> None:
    async def scene() -> None:
        slow = timeline(DELAY.replace("60s", "30ms"))
        async with rig(
            answering(OK), {"candidate": answering(OK)}, timeline=slow, fault_ids=["slow"]
        ) as here:
            await here.ask(POST % 1)
            await here.settled()
            row = next(one for one in here.rows.exchanges if one.target == b"candidate")
            assert row.outcome == "ok"
            assert row.done_ns - row.sent_ns >= 29_000_000

    run(scene)


def test_a_body_too_large_to_hold_passes_unbroken_and_is_counted() -> None:
    async def scene() -> None:
        chosen = timeline(MISSING, target="both", share="1.0")
        limits = {"copy_bytes": 10}
        async with rig(
            answering(OK),
            {"candidate": answering(OK)},
            timeline=chosen,
            fault_ids=["no-income"],
            limits=limits,
        ) as here:
            seen = await bodies(here, POST, 2)
            assert seen == {"baseline": [BODY, BODY], "candidate": []}
            assert here.row.values()["client/unfaulted_too_large"] == 2

    run(scene)
