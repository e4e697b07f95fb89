"""Bad networks and bad servers between real processes: as a shadow they hurt nobody, as the baseline they
cost an honest error within the deadline."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.end_to_end.soak_client import Answer, Client, CutError
from tests.end_to_end.soak_messages import answer_body, request_bytes
from tests.end_to_end.soak_service import Service, TargetProcess, service, targets_of, two_targets, until

pytestmark = pytest.mark.slow
DEADLINES = {"connect_s": 0.5, "first_byte_s": 0.6, "total_s": 1.5, "drain_s": 3.0}
SLACK_S = 10.0  # of a busy machine; a hang would be longer
BREAKER = {"open_s": 0.1, "max_open_s": 0.2}
SETTINGS: dict[str, Any] = {"deadlines": DEADLINES, "breaker": BREAKER}  # Any: JSON
PATHS = ("/fixed/400", "/fixed/60000", "/chunked/9000", "/sse/4")
CLIENTS = 4
EACH = 6
ASKED = CLIENTS * EACH
FROZEN = "frozen"
# How the copies to such a candidate may end. A connection that is refused or reset may also be the end of
# one that was kept alive: both words are honest then. What is too large is given up once it is ejected.
ENDINGS = {
    "ok": {"ok"},
    "slow": {"ok"},
    "flood": {"ok", "timeout", "cancelled"},
    FROZEN: {"timeout"},
    "hang": {"timeout"},
    "refuse": {"refused", "reset"},
    "reset": {"reset"},
    "cut": {"reset", "protocol_error"},
    "half_close": {"protocol_error", "reset"},
    "garbage": {"protocol_error"},
    "drip": {"timeout"},
    "endless": {"timeout", "cancelled"},
}
# What a client of such a baseline gets: these statuses, or an answer that is visibly cut.
STATUSES = {
    "slow": {200},
    FROZEN: {504},
    "hang": {504},
    "refuse": {502},
    "reset": {502},
    "cut": {502},
    "half_close": {502},
    "garbage": {502},
    "drip": {504},
    "endless": set[int](),
}
CUTTING = {"cut", "half_close", "drip", "endless"}
Account = dict[str, Any]  # Any: JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """One proxy for all tests, and its targets."""

    here: Service
    baseline: TargetProcess
    candidate: TargetProcess

    def heal(self) -> None:
        """Both targets are good."""
        for target in (self.baseline, self.candidate):
            target.thaw()
            target.turn("ok")


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """Starting takes longer than a test."""
    folder = tmp_path_factory.mktemp("bad-networks")
    with two_targets() as both, service(folder, targets=targets_of(*both), **SETTINGS) as here:
        asyncio.run(here.start())
        yield Stand(here=here, baseline=both[0], candidate=both[1])
        assert asyncio.run(here.stop()) == 0


@pytest.fixture
def stand(started: Stand) -> Iterator[Stand]:
    """With good targets, a candidate that gets its copies, and nothing under way."""
    started.heal()
    asyncio.run(readmitted(started.here))
    yield started
    started.heal()


async def readmitted(here: Service) -> None:
    """Until the candidate answers its copies: it may have been ejected for what it did before."""
    before: int = (await here.account())["targets"]["candidate"]["endings"]["ok"]

    async def answers() -> bool:
        assert (await ask(Client(here.port), 0, within_s=SLACK_S)).status == 200
        ok: int = (await here.account())["targets"]["candidate"]["endings"]["ok"]
        return ok > before + 3

    await until(answers)
    await at_rest(here)


def turn(target: TargetProcess, mode: str) -> None:
    """Behave so from now on."""
    if mode == FROZEN:
        target.freeze()
    else:
        target.turn(mode)


async def ask(client: Client, number: int, *, within_s: float) -> Answer:
    """One request whose right answer is known; a complete 200 is checked."""
    path = PATHS[number % len(PATHS)]
    name, body = f"r{number}", b"question " * (number + 1) * 50
    request = request_bytes(name, path, body=body, chunked=number % 3 == 0)
    answer = await client.ask(request, within_s=within_s)
    if answer.status == 200:
        assert bytes(answer.body) == answer_body(path, request_id=name.encode(), body=body)
    return answer


async def at_rest(here: Service) -> None:
    """Until nothing is under way for anybody."""

    async def rests() -> bool:
        targets = (await here.account())["targets"].values()
        return all(target["in_flight"] == target["undecided"] == 0 for target in targets)

    await until(rests)


async def ask_many(here: Service) -> None:
    """Some clients, each with some questions; every answer is right."""

    async def some(first: int) -> None:
        client = Client(here.port)
        for number in range(first, first + EACH):
            assert (await ask(client, number, within_s=SLACK_S)).status == 200
        client.close()

    async with asyncio.TaskGroup() as tasks:
        for first in range(0, ASKED, EACH):
            tasks.create_task(some(first))


@pytest.mark.parametrize("mode", ENDINGS)
def test_a_bad_shadow_costs_the_client_nothing_and_its_copies_are_accounted_for(
    stand: Stand, mode: str
) -> None:
    """Every answer is the baseline's, whole; every copy ends as what it was."""

    async def scene() -> tuple[Account, Account]:
        await ask_many(stand.here)  # so that the candidate turns bad on kept connections too
        await at_rest(stand.here)
        before = await stand.here.account()
        turn(stand.candidate, mode)
        await ask_many(stand.here)
        await at_rest(stand.here)
        return before, await stand.here.account()

    before, after = asyncio.run(scene())
    assert after["requests"] - before["requests"] == ASKED
    assert difference(before, after, "baseline", "endings") == {"ok": ASKED}
    ended = difference(before, after, "candidate", "endings")
    dropped = difference(before, after, "candidate", "dropped")
    assert sum(ended.values()) + sum(dropped.values()) == ASKED
    assert set(ended) <= ENDINGS[mode]
    assert ended


def difference(before: Account, after: Account, target: str, kind: str) -> dict[str, int]:
    """What was counted in between, without noughts."""
    counts = after["targets"][target][kind].items()
    earlier = before["targets"][target][kind]
    return {name: count - earlier[name] for name, count in counts if count != earlier[name]}


@pytest.mark.parametrize("mode", STATUSES)
def test_a_bad_baseline_costs_an_error_within_the_deadline_and_never_a_wrong_answer(
    stand: Stand, mode: str
) -> None:
    """502, 504, or an answer that is visibly cut; and when it is good again, so are the answers."""

    async def one(number: int) -> None:
        try:
            answer = await ask(Client(stand.here.port), number, within_s=DEADLINES["total_s"] + SLACK_S)
            assert answer.status in STATUSES[mode]
        except (CutError, ConnectionError):
            assert mode in CUTTING

    async def scene() -> None:
        assert (await ask(Client(stand.here.port), 0, within_s=SLACK_S)).status == 200
        turn(stand.baseline, mode)
        async with asyncio.TaskGroup() as tasks:
            for number in range(1, CLIENTS + 1):
                tasks.create_task(one(number))
        await at_rest(stand.here)
        stand.heal()
        await until(lambda: answers_again(stand.here))

    asyncio.run(scene())


async def answers_again(here: Service) -> bool:
    """Whether a new client gets a right answer."""
    return (await ask(Client(here.port), 99, within_s=SLACK_S)).status == 200
