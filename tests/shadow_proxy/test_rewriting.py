"""What one target gets otherwise, and that everything else stays byte for byte."""

from pathlib import Path

import pytest

from recording.errors import InputError
from shadow_proxy.rewriting import Rewriting
from shadow_proxy.target_config import TargetConfig
from shadow_proxy.testing import answering, rig
from tests.shadow_proxy.test_client import OK, run

START = (
    b"POST /v1/models/ranker-v7:predict?x=%2F HTTP/1.1\r\nHost: a\r\nX-D: 1\r\nX-E: e\r\nX-D: 2\r\n"
    b"Authorization: Bearer c\r\nVia: 1.1 sparring\r\n"
)
BODY = b'{ "x" : 1.50, "model":"ranker-v7", "nested": {"model": "stays"} }'


def rewriting(**settings: object) -> Rewriting:
    base = {"name": "candidate", "role": "candidate", "url": "http://127.0.0.1:1"}
    return Rewriting(TargetConfig.model_validate({**base, **settings}))


def backwards(body: bytes) -> bytes:
    if body == b"cannot":
        raise ValueError("no")
    return body[::-1]


def test_fields_are_set_and_removed_in_place_of_the_clients() -> None:
    one = rewriting(headers={"set": {"X-D": "3", "X-New": "n"}, "remove": ["x-e"]}, host="model.example:8000")
    lines = one.start(START).split(b"\r\n")
    assert lines[0] == START.split(b"\r\n")[0]
    assert lines[1:-1] == [
        b"Authorization: Bearer c",
        b"Via: 1.1 sparring",
        b"X-D: 3",
        b"X-New: n",
        b"Host: model.example:8000",
    ]


def test_credentials_come_from_the_environment_or_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MODEL_KEY", "Bearer theirs")
    secret = tmp_path / "key"
    secret.write_text("from-a-file\n")
    by_env = rewriting(credentials={"env": "MODEL_KEY"}).start(START)
    assert b"Bearer c" not in by_env
    assert b"Authorization: Bearer theirs\r\n" in by_env
    by_file = rewriting(credentials={"header": "X-Api-Key", "file": str(secret)}).start(START)
    assert b"X-Api-Key: from-a-file\r\n" in by_file


@pytest.mark.parametrize("source", [{"env": "SURELY_NOT_SET"}, {"file": "/nowhere/at/all"}])
def test_a_credential_that_is_not_there_is_an_error_that_names_the_place(source: dict[str, str]) -> None:
    with pytest.raises(InputError, match=r"SURELY_NOT_SET|/nowhere/at/all"):
        rewriting(credentials=source)


@pytest.mark.parametrize(
    ("changes", "target"),
    [
        ({"prefix": "/blue"}, b"/blue/v1/models/ranker-v7:predict?x=%2F"),
        ({"replace": {"/v1/": "/v2/"}}, b"/v2/models/ranker-v7:predict?x=%2F"),
        ({"replace": {":predict": "/infer"}, "prefix": "/b"}, b"/b/v1/models/ranker-v7/infer?x=%2F"),
        ({"replace": {"%2F": "/"}}, b"/v1/models/ranker-v7:predict?x=%2F"),
    ],
)
def test_the_path_is_changed_and_the_query_is_not(changes: dict[str, object], target: bytes) -> None:
    assert rewriting(path=changes).start(START).split(b" ")[1] == target


def test_a_model_name_is_changed_in_path_and_body_and_nothing_else() -> None:
    one = rewriting(model="ranker-v8")
    assert one.start(START).split(b" ")[1] == b"/v1/models/ranker-v8:predict?x=%2F"
    assert one.body(BODY) == BODY.replace(b"ranker-v7", b"ranker-v8")


@pytest.mark.parametrize(
    "body", [b"", b"model", b'["model"]', b'{"x": 1}', b"\x1f\x8b\x08model", b'{"model": ']
)
def test_a_body_that_names_no_model_stays_as_it_is(body: bytes) -> None:
    assert rewriting(model="v8").body(body) == body


def test_an_adapter_makes_the_body_or_says_no() -> None:
    one = rewriting(adapter=f"{__name__}:backwards")
    assert one.body(b"abc") == b"cba"
    assert one.body(b"cannot") is None


@pytest.mark.parametrize("name", ["no_such_module:f", "json:no_such_function", "json:__name__"])
def test_an_adapter_that_is_none_is_an_error(name: str) -> None:
    with pytest.raises(InputError, match=name.partition(":")[0]):
        rewriting(adapter=name)


@pytest.mark.parametrize(
    "settings",
    [
        {"headers": {"set": {"Transfer-Encoding": "chunked"}}},
        {"headers": {"remove": ["Content-Length"]}},
        {"headers": {"set": {"X-A": "a\r\nX-B: b"}}},
        {"headers": {"set": {"X A": "a"}}},
        {"credentials": {"env": "A", "file": "b"}},
        {"credentials": {}},
        {"path": {"prefix": "no-slash"}},
        {"path": {"prefix": "/a?b"}},
        {"model": "a b"},
        {"adapter": "nothing"},
        {"url": "ftp://x"},
        {"url": "http://user:pw@x"},
        {"url": "unix:relative"},
    ],
)
def test_what_would_break_a_message_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        rewriting(**settings)


def test_only_the_candidate_gets_what_is_changed_for_it() -> None:
    async def scene() -> None:
        changes = {"model": "v8", "headers": {"set": {"X-Arm": "new"}}, "host": "model.example"}
        shadows = {"candidate": answering(OK)}
        of_targets = {"candidate": changes}
        async with rig(answering(OK), shadows, of_targets=of_targets, mark_copies="X-Shadow: 1") as here:
            sent = (
                b'POST /v1/models/v7:predict HTTP/1.1\r\nHost: a\r\nContent-Length: 15\r\n\r\n{"model": "v7"}'
            )
            await here.ask(sent)
            await here.settled()
            mine, theirs = (here.targets[name].seen[0] for name in ("baseline", "candidate"))
            assert (mine.head.target, mine.body) == (b"/v1/models/v7:predict", b'{"model": "v7"}')
            assert (theirs.head.target, theirs.body) == (b"/v1/models/v8:predict", b'{"model": "v8"}')
            assert b"X-Arm" not in mine.head.lines
            assert b"X-Shadow" not in mine.head.lines
            assert b"X-Arm: new\r\n" in theirs.head.lines
            assert b"X-Shadow: 1\r\n" in theirs.head.lines
            assert theirs.head.found[b"host"] == b"model.example"
            here.check()

    run(scene)


def test_a_body_that_an_adapter_refuses_reaches_the_primary_alone_and_is_counted() -> None:
    async def scene() -> None:
        changes = {"candidate": {"adapter": f"{__name__}:backwards"}}
        async with rig(answering(OK), {"candidate": answering(OK)}, of_targets=changes) as here:
            for body in (b"abcdef", b"cannot"):
                await here.ask(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n" + body)
            await here.settled()
            assert [one.body for one in here.targets["candidate"].seen] == [b"fedcba"]
            assert here.account("candidate").dropped["not_adaptable"] == 1
            assert here.rows.outcomes("baseline") == ["ok", "ok"]
            here.check()

    run(scene)


def test_a_primary_that_is_rewritten_waits_for_the_whole_body_and_has_a_limit() -> None:
    async def scene() -> None:
        changes = {"baseline": {"model": "v8"}}
        limits = {"copy_bytes": 100}
        async with rig(answering(OK), {}, of_targets=changes, limits=limits) as here:
            chunked = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            answer, _ = await here.ask(chunked + b'8\r\n{"model"\r\n6\r\n:"v7"}\r\n0\r\n\r\n', bytewise=True)
            assert answer.status == 200
            assert here.targets["baseline"].seen[0].body == b'{"model":"v8"}'
            answer, _ = await here.ask(
                b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200\r\n\r\n" + b"x" * 200
            )
            assert answer.status == 413
            assert len(here.targets["baseline"].seen) == 1
            assert here.account("baseline").dropped["too_large"] == 1
            here.check()

    run(scene)
