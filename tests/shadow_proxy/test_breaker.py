"""When a shadow is left alone and when it is asked again: the states one by one, then over real sockets."""

import pytest

from shadow_proxy.breaker import Breaker
from shadow_proxy.testing import Visit, answering, rig
from tests.shadow_proxy.test_client import OK, run

S = 1_000_000_000
POST = b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"


def breaker(changes: list[bool]) -> Breaker:
    return Breaker(failures=3, open_ns=S, max_open_ns=4 * S, probes=2, on_change=changes.append)


def broken() -> tuple[Breaker, list[bool]]:
    """Ejected at 0 s."""
    changes: list[bool] = []
    one = breaker(changes)
    for _ in range(3):
        one.note("refused", 0, probe=False)
    return one, changes


@pytest.mark.parametrize("outcome", ["refused", "reset", "timeout", "protocol_error"])
def test_so_many_failures_in_a_row_eject(outcome: str) -> None:
    changes: list[bool] = []
    one = breaker(changes)
    for _ in range(3):
        assert one.admits(0)
        one.note(outcome, 0, probe=False)
    assert not one.admits(S - 1)
    assert changes == [True]


def test_an_answer_in_between_starts_the_count_again() -> None:
    changes: list[bool] = []
    one = breaker(changes)
    for outcome in ("refused", "refused", "http_error", "refused", "refused", "ok", "timeout", "timeout"):
        one.note(outcome, 0, probe=False)
    assert not one.ejected
    assert not changes


def test_what_we_cut_short_ourselves_says_nothing() -> None:
    changes: list[bool] = []
    one = breaker(changes)
    for _ in range(10):
        one.note("cancelled", 0, probe=False)
    assert one.admits(0)


def test_after_a_while_a_few_probes_go_out_and_their_answers_readmit() -> None:
    one, changes = broken()
    assert [one.admits(S) for _ in range(4)] == [True, True, False, False]
    one.note("ok", S, probe=True)
    assert changes == [True]
    one.note("http_error", S, probe=True)
    assert changes == [True, False]
    assert one.admits(S)


def test_a_failed_probe_waits_twice_as_long_up_to_a_limit() -> None:
    one, changes = broken()
    now = 0
    for waited in (1, 2, 4, 4, 4):
        assert not one.admits(now + waited * S - 1)
        now += waited * S
        assert one.admits(now)
        one.note("timeout", now, probe=True)
    assert changes == [True]


def test_a_probe_that_we_cut_short_is_asked_again() -> None:
    one, _ = broken()
    asked = [one.admits(S), one.admits(S)]
    one.note("cancelled", S, probe=True)
    assert [*asked, one.admits(S), one.admits(S)] == [True, True, True, False]


def test_a_dead_shadow_is_ejected_visibly_and_comes_back(caplog: pytest.LogCaptureFixture) -> None:
    alive = False

    async def moody(visit: Visit) -> None:
        while await visit.request() is not None:
            if not alive:
                visit.reset()
                return
            await visit.say(OK)

    async def scene() -> None:
        nonlocal alive
        rule = {"failures": 3, "open_s": 1e-9, "probes": 1}
        async with rig(answering(OK), {"candidate": moody}, breaker={**rule, "open_s": 1000}) as here:
            for _ in range(6):
                assert (await here.ask(POST))[1] == b"ok"
                await here.settled()
            account = here.account("candidate")
            assert (account.endings["reset"], account.dropped["ejected"]) == (3, 3)
            assert (account.ejected, account.readmitted) == (1, 0)
            here.check()
        async with rig(answering(OK), {"candidate": moody}, breaker=rule) as here:
            for number in range(8):
                alive = number >= 5
                assert (await here.ask(POST))[1] == b"ok"
                await here.settled()
            account = here.account("candidate")
            assert (account.ejected, account.readmitted) == (1, 1)
            assert account.endings["ok"] == 3
            here.check()

    run(scene)
    assert any("candidate ejected" in line for line in caplog.messages)
    assert any("candidate readmitted" in line for line in caplog.messages)


def test_what_was_sent_before_the_ejection_neither_readmits_nor_prolongs_it() -> None:
    one, changes = broken()
    for outcome in ("ok", "timeout", "cancelled"):
        one.note(outcome, 0, probe=False)
    assert [one.admits(S) for _ in range(3)] == [True, True, False]
    for outcome in ("ok", "ok", "timeout", "cancelled"):
        one.note(outcome, S, probe=False)
    assert not one.admits(S)
    assert changes == [True]


def test_a_probe_that_was_not_sent_is_given_to_another_copy() -> None:
    one, _ = broken()
    asked = [one.admits(S), one.admits(S)]
    one.take_back()
    assert [*asked, one.admits(S), one.admits(S)] == [True, True, True, False]
