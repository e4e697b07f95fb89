"""Which requests may be sent twice."""

import pytest

from shadow_proxy.config import Route
from shadow_proxy.mirror_rules import MirrorRules
from shadow_proxy.testing import answering, rig
from tests.shadow_proxy.test_client import OK, run

ROUTES = [
    Route(path="/v1/feedback", unsafe=True),
    Route(path="/v1/items/*", methods=("put", "DELETE"), shadow_safe=True),
    Route(path="*/train", methods=("POST",), unsafe=True),
]


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"OPTIONS", b"POST", b"QUERY"])
def test_without_routes_inference_and_reading_are_mirrored(method: bytes) -> None:
    assert MirrorRules(()).reason_against(method, b"/anything") is None


@pytest.mark.parametrize("method", [b"PUT", b"PATCH", b"DELETE", b"MKCOL"])
def test_without_routes_what_changes_something_is_not(method: bytes) -> None:
    assert MirrorRules(()).reason_against(method, b"/anything") == "unsafe_method"


@pytest.mark.parametrize(
    ("method", "target", "reason"),
    [
        (b"POST", b"/v1/feedback", "unsafe_route"),
        (b"POST", b"/v1/feedback?id=1", "unsafe_route"),
        (b"GET", b"/v1/feedback", "unsafe_route"),
        (b"POST", b"/v1/feedback/more", None),
        (b"PUT", b"/v1/items/7", None),
        (b"PATCH", b"/v1/items/7", "unsafe_method"),
        (b"DELETE", b"/v1/items/7?force", None),
        (b"POST", b"/models/m/train", "unsafe_route"),
        (b"GET", b"/models/m/train", None),
    ],
)
def test_the_first_route_that_matches_decides(method: bytes, target: bytes, reason: str | None) -> None:
    rules = MirrorRules(ROUTES)
    assert rules.reason_against(method, target) == reason
    assert rules.reason_against(method, target) == reason  # remembered


def test_more_paths_than_can_be_remembered_are_decided_all_the_same() -> None:
    rules = MirrorRules(ROUTES)
    assert {rules.reason_against(b"POST", b"/%d" % n) for n in range(10_000)} == {None}


def test_a_route_is_marked_in_one_way() -> None:
    with pytest.raises(ValueError, match="either"):
        Route(path="/x", unsafe=True, shadow_safe=True)
    with pytest.raises(ValueError, match="either"):
        Route(path="/x")


def test_an_unsafe_route_is_answered_counted_and_not_mirrored() -> None:
    async def scene() -> None:
        routes = [{"path": "/pay", "unsafe": True}, {"path": "/put", "shadow_safe": True}]
        async with rig(answering(OK), {"candidate": answering(OK)}, routes=routes) as here:
            for line in (b"POST /pay", b"PUT /put", b"PUT /other"):
                answer, _ = await here.ask(line + b" HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx")
                assert answer.status == 200
            await here.settled()
            assert [one.head.target for one in here.targets["candidate"].seen] == [b"/put"]
            dropped = here.account("candidate").dropped
            assert (dropped["unsafe_route"], dropped["unsafe_method"]) == (1, 1)
            here.check()

    run(scene)
