"""Which arm answers: a sticky share, changed while clients are served, with the other arm shadowed."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shadow_proxy.canary import Canary
from shadow_proxy.config import Sticky
from shadow_proxy.incoming import Incoming
from shadow_proxy.testing import Rig, Visit, answering, hanging, rig, until
from tests.shadow_proxy.test_client import OK, run
from wire.request_reader import RequestHead

OTHER = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nnew"


def incoming(*, request_id: bytes = b"r", lines: bytes = b"", body: bytes = b"") -> Incoming:
    head = RequestHead(
        method=b"POST",
        target=b"/p",
        minor=1,
        lines=lines,
        found={},
        content_length=len(body),
        chunked=False,
        keep_alive=True,
    )
    one = Incoming(
        head, request_id=request_id, lines=lines, start=b"", received_ns=0, due_ns=0, max_held_bytes=1 << 20
    )
    if body:
        one.take(body)
    one.complete = True
    return one


def canary(share: float, sticky: Sticky | None = None, *, salt: str = "s") -> Canary:
    return Canary(share=share, salt=salt, sticky=sticky or Sticky())


def test_the_share_is_kept_over_many_requests() -> None:
    one = canary(0.05)
    taken = sum(one.takes(incoming(request_id=b"%d" % n), client=b"") for n in range(20_000))
    assert 900 < taken < 1100


@given(st.floats(0, 1), st.floats(0, 1), st.binary(min_size=1, max_size=20))
def test_a_larger_share_only_adds_clients(one: float, other: float, name: bytes) -> None:
    smaller, larger = sorted((one, other))
    request = incoming(request_id=name)
    if canary(smaller).takes(request, client=b""):
        assert canary(larger).takes(request, client=b"")


def test_none_and_all_need_no_luck() -> None:
    requests = [incoming(request_id=b"%d" % n) for n in range(100)]
    assert not any(canary(0.0).takes(one, client=b"") for one in requests)
    assert all(canary(1.0).takes(one, client=b"") for one in requests)


def test_another_salt_takes_other_clients() -> None:
    requests = [incoming(request_id=b"%d" % n) for n in range(1000)]
    one, other = canary(0.5), canary(0.5, salt="t")
    assert [one.takes(r, client=b"") for r in requests] != [other.takes(r, client=b"") for r in requests]


@pytest.mark.parametrize(
    ("sticky", "same"),
    [
        (Sticky(by="header", name="X-User"), {"lines": b"A: 1\r\nx-user: u7\r\n"}),
        (Sticky(by="json", name="$.user.id"), {"body": b'{"user": {"id": 7}, "x": 1}'}),
    ],
)
def test_whoever_has_the_same_value_stays_on_one_arm(sticky: Sticky, same: dict[str, bytes]) -> None:
    one = canary(0.5, sticky)
    arms = {one.takes(incoming(request_id=b"%d" % n, **same), client=b"%d" % n) for n in range(50)}
    assert len(arms) == 1


def test_a_client_address_stays_on_one_arm() -> None:
    one = canary(0.5, Sticky(by="client"))
    assert len({one.takes(incoming(request_id=b"%d" % n), client=b"10.0.0.1") for n in range(50)}) == 1
    assert len({one.takes(incoming(), client=b"10.0.0.%d" % n) for n in range(50)}) == 2


@pytest.mark.parametrize("body", [b"", b"not json", b'{"user": {}}', b"\xff\xfe", b"[1]"])
def test_a_request_without_the_value_is_assigned_by_its_id(body: bytes) -> None:
    one = canary(0.5, Sticky(by="json", name="$.user.id"))
    arms = {one.takes(incoming(request_id=b"%d" % n, body=body), client=b"") for n in range(50)}
    assert len(arms) == 2


def test_spelling_of_a_json_value_does_not_matter() -> None:
    one = canary(0.5, Sticky(by="json", name="$.user"))
    for name in range(50):
        spelt = (b'{"user": "\\u0041%d"}' % name, b'{"x": 1,\n"user":"A%d" }' % name)
        assert len({one.takes(incoming(body=body), client=b"") for body in spelt}) == 1


def post(user: int, *, path: bytes = b"/p") -> bytes:
    body = json.dumps({"user": user}).encode()
    head = b"POST %b HTTP/1.1\r\nHost: a\r\nX-User: u%d\r\nContent-Length: %d\r\n\r\n"
    return head % (path, user, len(body)) + body


def check_accounts(here: Rig, *, requests: int) -> None:
    for name in ("baseline", "candidate"):
        account = here.account(name)
        assert account.requests == requests == account.primary + account.mirrored
        assert account.in_flight == account.undecided == 0
    here.check()


@pytest.mark.parametrize(
    "sticky", [{"by": "header", "name": "X-User"}, {"by": "json", "name": "$.user"}, {"by": "request"}]
)
def test_the_candidate_answers_its_share_and_the_baseline_gets_the_copy(sticky: dict[str, str]) -> None:
    async def scene() -> None:
        shadows = {"candidate": answering(OTHER)}
        async with rig(answering(OK), shadows, canary={"share": 0.5, "sticky": sticky}) as here:
            bodies = [(await here.ask(post(user)))[1] for user in range(60)]
            assert 15 < bodies.count(b"new") < 45
            if sticky["by"] != "request":
                assert [(await here.ask(post(user)))[1] for user in range(60)] == bodies
            await here.settled()
            requests = len(here.rows.requests)
            assert here.account("candidate").primary == bodies.count(b"new") * (requests // 60)
            check_accounts(here, requests=requests)
            arms = [here.targets[name].seen for name in ("baseline", "candidate")]
            assert sorted(one.body for one in arms[0]) == sorted(one.body for one in arms[1])

    run(scene)


def test_a_share_may_change_between_two_requests_of_one_connection() -> None:
    async def scene() -> None:
        async with rig(answering(OK), {"candidate": answering(OTHER)}) as here:
            client = await here.connect()
            for share, body in ((0.0, b"ok"), (1.0, b"new"), (0.0, b"ok")):
                here.plant.lineup.set_shares(canary=share, mirror=1.0)
                await client.send(post(1))
                assert (await client.answer())[1] == body
            client.close()
            await here.settled()
            check_accounts(here, requests=3)

    run(scene)


def test_a_body_over_the_limit_is_assigned_without_its_value() -> None:
    async def scene() -> None:
        sticky = {"by": "json", "name": "$.user"}
        shadows = {"candidate": answering(OTHER)}
        canary = {"share": 0.99, "sticky": sticky}
        async with rig(answering(OK), shadows, canary=canary, limits={"copy_bytes": 1000}) as here:
            for framing in (b"Content-Length: 5000\r\n\r\n", b"Transfer-Encoding: chunked\r\n\r\n1388\r\n"):
                end = b"\r\n0\r\n\r\n" if b"chunked" in framing else b""
                sent = b"POST / HTTP/1.1\r\nHost: a\r\n" + framing + b"x" * 5000 + end
                answer, _ = await here.ask(sent, bytewise=False)
                assert answer.status == 200
            await here.settled()
            here.check()

    run(scene)


def test_a_client_that_leaves_before_its_arm_is_chosen_is_accounted_for() -> None:
    async def scene() -> None:
        sticky = {"by": "json", "name": "$.user"}
        shadows = {"candidate": answering(OTHER)}
        async with rig(answering(OK), shadows, canary={"share": 0.5, "sticky": sticky}) as here:
            client = await here.connect()
            await client.send(b'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n{"us')
            await until(lambda: here.row.values()["requests"] == 1)
            here.check()
            client.close()
            await until(lambda: here.row.values()["client/gone"] == 1)
            assert here.account("baseline").dropped["client_gone"] == 1
            assert here.account("candidate").dropped["client_gone"] == 1
            here.check()

    run(scene)


def test_copies_to_a_hung_baseline_do_not_touch_the_answers_of_the_candidate() -> None:
    """Reverse shadow: the two uses of a target share nothing that could fill up."""

    async def scene() -> None:
        limits = {"shadow_connections": 1, "queued_copies": 1}
        async with rig(hanging, {"candidate": answering(OTHER)}, canary=1.0, limits=limits) as here:
            for user in range(10):
                assert (await here.ask(post(user)))[1] == b"new"
            account = here.account("baseline")
            assert account.dropped["queue_full"] == 8
            here.check()

    run(scene)


def test_a_failing_candidate_fails_for_its_share_alone() -> None:
    async def broken(visit: Visit) -> None:
        await visit.request()
        visit.reset()

    async def scene() -> None:
        async with rig(answering(OK), {"candidate": broken}, canary=0.5) as here:
            statuses = [(await here.ask(post(user)))[0].status for user in range(40)]
            await here.settled()
            assert set(statuses) == {200, 502}
            assert statuses.count(502) == here.account("candidate").primary
            here.check()

    run(scene)
