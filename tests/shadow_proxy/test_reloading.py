"""Another configuration while clients are connected: nothing is cut, and every account still adds up."""

from pathlib import Path

import pytest

from recording.errors import InputError
from shadow_proxy.books import Books, counter_file
from shadow_proxy.config import ProxyConfig
from shadow_proxy.reloading import check_own_addresses, check_reloadable, check_shares, with_shares
from shadow_proxy.testing import FakeTarget, Visit, answering, rig, until
from tests.shadow_proxy.test_client import GET, OK, run

NEW = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnew"


def config(**settings: object) -> ProxyConfig:
    targets = [
        {"name": "baseline", "role": "baseline", "url": "http://127.0.0.1:9001"},
        {"name": "candidate", "role": "candidate", "url": "http://127.0.0.1:9002"},
    ]
    return ProxyConfig.model_validate({"targets": targets, **settings})


@pytest.mark.parametrize(
    "fixed", [{"listen": "127.0.0.1:1"}, {"workers": 2}, {"record": "elsewhere"}, {"admin": "127.0.0.1:2"}]
)
def test_what_only_a_restart_can_change_is_refused_by_name(fixed: dict[str, object]) -> None:
    with pytest.raises(InputError, match=next(iter(fixed))):
        check_reloadable(config(), config(**fixed))


def test_everything_else_may_change() -> None:
    changed = config(
        mirror=0.5, canary=0.1, limits={"copy_bytes": 1}, routes=[{"path": "/x", "unsafe": True}]
    )
    check_reloadable(config(), changed)


@pytest.mark.parametrize(
    ("share", "words"), [({"canary": 1.5}, "not a share"), ({"mirror": -0.1}, "not a share")]
)
def test_a_share_is_from_0_to_1(share: dict[str, float], words: str) -> None:
    wanted = {"canary": None, "mirror": None} | share
    with pytest.raises(InputError, match=words):
        check_shares(with_shares(config(), **wanted))


def test_a_share_needs_somebody_to_answer_it() -> None:
    alone = ProxyConfig.model_validate({"targets": [config().baseline.model_dump()]})
    with pytest.raises(InputError, match="no candidate"):
        check_shares(with_shares(alone, canary=0.1, mirror=None))


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "http://localhost:8080", "http://127.0.0.1:9101"])
def test_a_target_that_is_the_proxy_itself_is_refused(url: str) -> None:
    looped = ProxyConfig.model_validate(
        {"admin": "127.0.0.1:9101", "targets": [{"name": "b", "role": "baseline", "url": url}]}
    )
    with pytest.raises(InputError, match="the proxy itself"):
        check_own_addresses(looped, listen="127.0.0.1:8080")
    with pytest.raises(InputError, match="the proxy itself"):
        check_own_addresses(looped, listen="0.0.0.0:8080")


def test_other_ports_and_hosts_are_not_the_proxy() -> None:
    check_own_addresses(config(admin="127.0.0.1:9101"), listen="127.0.0.1:8080")


def test_a_socket_of_this_machine_is_not_itself_either() -> None:
    looped = ProxyConfig.model_validate(
        {"targets": [{"name": "b", "role": "baseline", "url": "unix:/run/p.sock"}]}
    )
    check_own_addresses(looped, listen="unix:/run/other.sock")
    with pytest.raises(InputError, match="the proxy itself"):
        check_own_addresses(looped, listen="unix:/run/p.sock")


def test_open_connections_go_on_with_the_new_targets_and_old_requests_with_the_old() -> None:
    """One connection asks before, one waits for the old target all the while."""
    released = False

    async def slow(visit: Visit) -> None:
        while await visit.request() is not None:
            await until(lambda: released)
            await visit.say(OK)

    async def scene() -> None:
        nonlocal released
        async with rig(slow, {"candidate": answering(OK)}) as here:
            waiting, fresh = await here.connect(), await here.connect()
            await waiting.send(GET)
            await until(lambda: here.account("baseline").in_flight == 1)
            other = FakeTarget(answering(NEW))
            baseline = here.config.baseline.model_copy(update={"url": await other.start()})
            wanted = here.config.model_copy(update={"targets": (baseline, *here.config.targets[1:])})
            await here.plant.replace(wanted, here.ground)
            await fresh.send(GET)
            assert (await fresh.answer())[1] == b"new"
            released = True
            assert (await waiting.answer())[1] == b"ok"
            await waiting.send(GET)
            assert (await waiting.answer())[1] == b"new"
            await here.settled()
            here.pass_time(0)
            assert not here.plant.retired
            assert here.account("baseline").endings["ok"] == 3
            assert here.account("candidate").endings["ok"] == 3
            await other.stop()

    run(scene)


def test_accounts_add_up_over_configurations_with_other_targets(tmp_path: Path) -> None:
    books = Books(tmp_path)
    first, second = config(), config()
    second = second.model_copy(
        update={"targets": (second.baseline, second.targets[1].model_copy(update={"name": "second"}))}
    )
    for number, one in enumerate((first, second)):
        row = counter_file(books.open(one), one, None).row(0)
        row.cells[row.at("requests")] += 10 * (number + 1)
        row.cells[row.at("target/baseline/primary")] += 10 * (number + 1)
        row.cells[row.at("target/baseline/ok")] += 10 * (number + 1)
        shadow = one.targets[1].name
        row.cells[row.at(f"target/{shadow}/mirrored")] += 7
    accounts = books.accounts()
    assert books.totals()["requests"] == 30
    assert (accounts["baseline"].requests, accounts["baseline"].primary) == (30, 30)
    assert accounts["candidate"].undecided == 3
    assert accounts["second"].undecided == 13
    books.settle(0)
    settled = books.accounts()
    assert settled["candidate"].endings["lost"] == 7
    assert settled["second"].dropped["lost"] == 13
    assert not [problem for name, one in settled.items() for problem in one.problems(name)]
