"""The systemd units: what they name is there, what they allow is enough, and a restart refuses nobody.

Nothing is installed: the units are read, checked by `systemd-analyze` where it is present (the Debian package
`systemd`), and the proxy is started with a socket handed over as systemd does it.
"""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from configparser import ConfigParser
from dataclasses import dataclass
from pathlib import Path

import pytest

from recording.documents import load_document
from shadow_proxy.config import ProxyConfig
from shadow_proxy.crew import KILL_AFTER_DRAIN_S
from shadow_proxy.testing import FakeTarget, RawClient, answering
from sparring.recorder.service import RecorderConfig
from wire.errors import WireError

ROOT = Path(__file__).parents[2]
UNITS = ROOT / "deploy" / "systemd"
INSTALLED_PYTHON = "/opt/sparring/bin/python"
EXPOSURE = 20  # tenths: 2.0 on the scale of `systemd-analyze security`, where 10 is a service without limits
FIRST_HANDED = 3
RESTARTS = 3
CROWD = 8
ASKED_BETWEEN_RESTARTS = 200
PATIENCE_S = 30.0
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
POST = b"POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"


def unit(name: str) -> ConfigParser:
    """A unit file; none of ours names a setting twice."""
    parser = ConfigParser(interpolation=None, delimiters=("=",), comment_prefixes=("#",))
    parser.optionxform = str  # type: ignore[assignment, method-assign]  # as the documentation has it
    parser.read_string((UNITS / name).read_text())
    return parser


SERVICE = unit("sparring-proxy.service")["Service"]
CONFIG = load_document(UNITS / "proxy.yaml", ProxyConfig)


def seconds(text: str) -> float:
    """A duration of a unit; ours are in seconds."""
    return float(text.removesuffix("s"))


@pytest.mark.parametrize(
    ("name", "module", "config"),
    [
        ("sparring-proxy.service", "shadow_proxy", "proxy.yaml"),
        ("sparring-recorder.service", "sparring.recorder", "recorder.yaml"),
    ],
)
def test_a_service_starts_a_module_of_ours_with_the_file_beside_it(
    name: str, module: str, config: str
) -> None:
    assert unit(name)["Service"]["ExecStart"] == f"{INSTALLED_PYTHON} -m {module} /etc/sparring/{config}"
    assert (ROOT / module.replace(".", "/") / "__main__.py").is_file()
    assert (UNITS / config).is_file()


def test_the_command_takes_the_file() -> None:
    command = [sys.executable, "-m", "shadow_proxy", str(UNITS / "proxy.yaml"), "--show-config"]
    shown = json.loads(subprocess.run(command, capture_output=True, check=True, cwd=ROOT).stdout)
    assert ProxyConfig.model_validate(shown) == CONFIG


def test_proxy_and_recorder_agree_about_the_folder_and_the_targets() -> None:
    recorder = load_document(UNITS / "recorder.yaml", RecorderConfig)
    assert (recorder.folder, recorder.stay) == (CONFIG.record, True)
    assert [(t.name, t.role) for t in recorder.targets] == [(t.name, t.role) for t in CONFIG.targets]
    other = unit("sparring-recorder.service")["Service"]
    for key in ("DynamicUser", "User", "StateDirectory", "UMask"):
        assert SERVICE[key] == other[key]


def test_the_proxy_takes_the_first_socket_that_it_is_handed() -> None:
    assert CONFIG.listen == f"fd:{FIRST_HANDED}"
    sockets = [key for key in unit("sparring-proxy.socket")["Socket"] if key.startswith("Listen")]
    assert sockets == ["ListenStream"]
    assert "sparring-proxy.socket" in unit("sparring-proxy.service")["Unit"]["Requires"]


def test_what_the_proxy_writes_lies_where_it_may() -> None:
    assert CONFIG.record is not None
    assert CONFIG.record.is_relative_to(f"/var/lib/{SERVICE['StateDirectory']}")
    assert CONFIG.access_log is not None
    assert CONFIG.access_log.is_relative_to(f"/var/log/{SERVICE['LogsDirectory']}")


def test_the_token_is_read_where_systemd_puts_it() -> None:
    credential, _, source = SERVICE["LoadCredential"].partition(":")
    assert str(CONFIG.admin_token_file) == f"/run/credentials/sparring-proxy.service/{credential}"
    assert source.startswith("/etc/sparring/")


def test_a_stop_waits_for_the_whole_drain_and_is_told_to_the_parent_alone() -> None:
    assert seconds(SERVICE["TimeoutStopSec"]) > CONFIG.deadlines.drain_s + KILL_AFTER_DRAIN_S
    assert SERVICE["KillMode"] == "mixed"
    assert SERVICE["ExecReload"] == "/bin/kill -HUP $MAINPID"


def test_a_worker_may_open_all_connections_that_its_limits_allow() -> None:
    limits = CONFIG.limits
    towards_targets = limits.primary_connections + limits.shadow_connections * (len(CONFIG.targets) - 1)
    assert int(SERVICE["LimitNOFILE"]) > 2 * (limits.client_connections + towards_targets)


def test_a_worker_that_is_killed_for_memory_does_not_take_the_others_along() -> None:
    assert SERVICE["OOMPolicy"] == "continue"


@pytest.fixture
def installed(tmp_path: Path) -> list[str]:
    """The units as they would be installed here."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is missing here (Debian package systemd): the units were only read")
    for path in UNITS.glob("*.s*"):
        (tmp_path / path.name).write_text(path.read_text().replace(INSTALLED_PYTHON, sys.executable))
    return sorted(str(path) for path in tmp_path.iterdir())


def analyze(*words: str) -> "subprocess.CompletedProcess[str]":
    """What systemd's own reader says."""
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, check=False)


def test_systemd_accepts_the_units(installed: list[str]) -> None:
    done = analyze("verify", *installed)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_misspelt_setting_would_be_found(installed: list[str]) -> None:
    """The check above can fail."""
    wrong = Path(installed[0])
    wrong.write_text(wrong.read_text().replace("KillMode=", "KillMood="))
    assert "KillMood" in analyze("verify", *installed).stderr


def test_the_services_may_do_little_else(installed: list[str]) -> None:
    for path in installed:
        if path.endswith(".service"):
            done = analyze("security", "--offline=true", f"--threshold={EXPOSURE}", path)
            assert done.returncode == 0, done.stdout


# A restart under load, with the socket held by somebody else.

HAND_OVER = """\
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.executable, [sys.executable, "-m", "shadow_proxy", sys.argv[2]])
"""


async def started(listener: socket.socket, config: Path) -> Process:
    """The proxy as the service manager starts it: the socket is its third file descriptor."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HAND_OVER, str(listener.fileno()), str(config),
        pass_fds=(listener.fileno(),), stdout=PIPE, cwd=ROOT, env=os.environ,
    )  # fmt: skip
    assert process.stdout is not None
    assert json.loads(await process.stdout.readline())["ready"] is True
    return process


@dataclass(slots=True, kw_only=True)
class Crowd:
    """Clients that each open a connection, ask once, and come again."""

    port: int
    answered: int = 0
    refused: int = 0
    cut: int = 0
    done: bool = False

    async def come(self) -> None:
        """Until told to go."""
        while not self.done:
            try:
                client = RawClient(*await asyncio.open_connection("127.0.0.1", self.port))
            except ConnectionRefusedError:
                self.refused += 1
                continue
            await self._ask(client)
            client.close()

    async def _ask(self, client: RawClient) -> None:
        try:
            await client.send(POST)
            answer, body = await client.answer()
        except (ConnectionError, WireError):
            self.cut += 1
            return
        self.answered += (answer.status, body) == (200, b"ok")
        self.cut += (answer.status, body) != (200, b"ok")

    async def until_answered(self, count: int) -> None:
        """So many more answers."""
        wanted = self.answered + count
        async with asyncio.timeout(PATIENCE_S):
            while self.answered < wanted:  # noqa: ASYNC110  # clients report by counting
                await asyncio.sleep(0.01)


@pytest.mark.slow
def test_a_restart_on_a_socket_that_systemd_holds_refuses_and_cuts_nobody(tmp_path: Path) -> None:
    async def scene() -> Crowd:
        target = FakeTarget(answering(OK))
        config = tmp_path / "proxy.json"
        url = await target.start()
        targets = [{"name": "baseline", "role": "baseline", "url": url}]
        config.write_text(json.dumps({"listen": f"fd:{FIRST_HANDED}", "workers": 2, "targets": targets}))
        with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:
            crowd = Crowd(port=listener.getsockname()[1])
            proxy = await started(listener, config)
            async with asyncio.TaskGroup() as tasks:
                for _ in range(CROWD):
                    tasks.create_task(crowd.come())
                for _ in range(RESTARTS):
                    await crowd.until_answered(ASKED_BETWEEN_RESTARTS)
                    proxy.terminate()
                    assert await proxy.wait() == 0
                    proxy = await started(listener, config)
                await crowd.until_answered(ASKED_BETWEEN_RESTARTS)
                crowd.done = True
            proxy.terminate()
            assert await proxy.wait() == 0
        await target.stop()
        return crowd

    crowd = asyncio.run(asyncio.wait_for(scene(), 100))
    assert (crowd.refused, crowd.cut) == (0, 0)
    assert crowd.answered >= (RESTARTS + 1) * ASKED_BETWEEN_RESTARTS
