"""TLS to targets: verified unless told otherwise, bounded in time, and never a reason to stop."""

import ssl
from pathlib import Path

import pytest

from recording.errors import InputError
from shadow_proxy.config import ListenerTls
from shadow_proxy.target_config import TargetConfig
from shadow_proxy.testing import answering, hanging, rig
from shadow_proxy.transport_security import listener_context, target_context
from tests.shadow_proxy.certificates import issue
from tests.shadow_proxy.test_client import OK, run

POST = b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi"


def test_a_target_with_a_certificate_that_is_trusted_is_spoken_to(tmp_path: Path) -> None:
    issued = issue(tmp_path)
    trusted = {"tls": {"ca": str(issued.ca)}}

    async def scene() -> None:
        of_targets = {"baseline": trusted, "candidate": trusted}
        tls = {"baseline": issued.server, "candidate": issued.server}
        async with rig(answering(OK), {"candidate": answering(OK)}, of_targets=of_targets, tls=tls) as here:
            client = await here.connect()
            for _ in range(3):
                await client.send(POST)
                assert (await client.answer())[1] == b"ok"
            await here.settled()
            assert here.rows.outcomes("candidate") == ["ok"] * 3
            assert here.targets["baseline"].visits == 1
            here.check()

    run(scene)


@pytest.mark.parametrize("case", ["unknown authority", "another name"])
def test_a_certificate_that_does_not_hold_is_refused_and_said_once(
    tmp_path: Path, case: str, caplog: pytest.LogCaptureFixture
) -> None:
    mine = issue(tmp_path / "mine")
    theirs = issue(tmp_path / "theirs", name="model.example") if case == "another name" else mine
    trusted = issue(tmp_path / "third").ca if case == "unknown authority" else theirs.ca

    async def scene() -> None:
        of_targets = {"baseline": {"tls": {"ca": str(trusted)}}}
        async with rig(answering(OK), {}, of_targets=of_targets, tls={"baseline": theirs.server}) as here:
            for _ in range(2):
                assert (await here.ask(POST))[0].status == 502
            assert here.rows.outcomes("baseline") == ["refused"] * 2
            assert not here.targets["baseline"].seen
            here.check()

    run(scene)
    assert len([line for line in caplog.messages if "no TLS with" in line]) <= 1


def test_verification_can_be_turned_off_in_so_many_words(tmp_path: Path) -> None:
    issued = issue(tmp_path, name="model.example")

    async def scene() -> None:
        of_targets = {"baseline": {"tls": {"verify": False}}}
        async with rig(answering(OK), {}, of_targets=of_targets, tls={"baseline": issued.server}) as here:
            assert (await here.ask(POST))[1] == b"ok"

    run(scene)


def test_a_target_may_ask_for_a_certificate_of_ours(tmp_path: Path) -> None:
    issued = issue(tmp_path)
    issued.server.load_verify_locations(issued.ca)
    issued.server.verify_mode = ssl.CERT_REQUIRED
    ours = {"certificate": str(issued.certificate), "key": str(issued.key), "ca": str(issued.ca)}

    async def scene() -> None:
        for tls, status in ((ours, 200), ({"ca": str(issued.ca)}, 502)):
            of_targets = {"baseline": {"tls": tls}}
            async with rig(answering(OK), {}, of_targets=of_targets, tls={"baseline": issued.server}) as here:
                assert (await here.ask(POST))[0].status == status
                here.check()

    run(scene)


def test_a_target_that_never_shakes_hands_is_given_up(tmp_path: Path) -> None:
    issued = issue(tmp_path)

    async def scene() -> None:
        of_targets = {"baseline": {"url": "", "tls": {"ca": str(issued.ca)}, "connect_s": 0.3}}
        async with rig(hanging, {}) as silent:
            port = silent.config.baseline.port
            of_targets["baseline"]["url"] = f"https://127.0.0.1:{port}"
            async with rig(answering(OK), {}, of_targets=of_targets) as here:
                here.plant.start()
                assert (await here.ask(POST))[0].status == 504
                assert here.rows.outcomes("baseline") == ["timeout"]
                here.check()

    run(scene)


def target(**tls: object) -> TargetConfig:
    return TargetConfig.model_validate(
        {"name": "b", "role": "baseline", "url": "https://model.example", "tls": tls}
    )


def test_the_systems_authorities_are_trusted_by_default() -> None:
    context = target_context(target())
    assert context is not None
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_a_target_in_clear_needs_no_context() -> None:
    plain = TargetConfig.model_validate({"name": "b", "role": "baseline", "url": "http://model.example"})
    assert target_context(plain) is None


def test_a_file_that_does_not_do_is_named(tmp_path: Path) -> None:
    issued = issue(tmp_path)
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    other = issue(tmp_path / "other")
    for tls in ({"ca": str(empty)}, {"ca": str(tmp_path / "missing")}, {"certificate": str(empty)}):
        with pytest.raises(InputError, match=r"empty|missing"):
            target_context(target(**tls))
    with pytest.raises(InputError, match="no usable certificate"):
        listener_context(ListenerTls(certificate=issued.certificate, key=other.key))
