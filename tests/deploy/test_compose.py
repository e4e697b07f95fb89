"""docker-compose.yml and the Dockerfile name things that exist, and follow the Compose specification.

There may be no Docker here, so nothing is started: the file is checked against the specification's own JSON
Schema, which `check-jsonschema` ships, and what it refers to is looked up in the repository.
"""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.core import TyperGroup
from typer.main import get_command

from recording.documents import load_document
from shadow_proxy.admin import OPEN
from shadow_proxy.config import ProxyConfig, host_and_port
from shadow_proxy.crew import KILL_AFTER_DRAIN_S
from shadow_proxy.tokens import VARIABLE
from sparring.main import VERBS, application
from sparring.predictions import PRESETS
from sparring.recorder.service import RecorderConfig

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
MADE_BY_PREPARE = "./examples/electricity/work"

Service = dict[str, Any]  # Any: YAML
SERVICES: dict[str, Service] = yaml.safe_load(COMPOSE.read_text())["services"]


def follows_the_specification(path: Path) -> bool:
    """Whether the Compose specification's schema accepts the file."""
    if importlib.util.find_spec("check_jsonschema") is None:
        pytest.skip("needs the package check-jsonschema, which ships the Compose specification's schema")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(path)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def mounts(service: Service) -> list[tuple[str, str]]:
    """The service's (source, target) pairs."""
    return [(text.split(":", 1)[0], text) for text in _without_defaults(service.get("volumes", []))]


def _without_defaults(texts: list[str]) -> list[str]:
    return [re.sub(r"\$\{\w+:-(\w+)\}", r"\1", text) for text in texts]


def test_the_file_follows_the_compose_specification() -> None:
    """As its JSON Schema says."""
    assert follows_the_specification(COMPOSE)


def test_a_misspelt_key_would_be_found(tmp_path: Path) -> None:
    """The check above can fail."""
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text(COMPOSE.read_text().replace("healthcheck:", "healthchek:"))
    assert not follows_the_specification(wrong)


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_published_on_loopback_only(name: str) -> None:
    """Nobody else on the network gets at unauthenticated pages."""
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))


@pytest.mark.parametrize("name", SERVICES)
def test_what_a_service_waits_for_can_become_healthy(name: str) -> None:
    """`service_healthy` of a service without a health check is never reached."""
    for needed, terms in SERVICES[name].get("depends_on", {}).items():
        assert terms["condition"] == "service_healthy"
        assert "healthcheck" in SERVICES[needed]


@pytest.mark.parametrize("name", SERVICES)
def test_every_mounted_file_is_in_the_repository(name: str) -> None:
    """But for what `prepare.py` makes, and named volumes, which are declared."""
    volumes = yaml.safe_load(COMPOSE.read_text())["volumes"]
    for source, text in mounts(SERVICES[name]):
        if source.startswith("./"):
            assert source.startswith(MADE_BY_PREPARE) or (ROOT / source).exists(), text
        else:
            assert source in volumes, text


def our_commands() -> list[tuple[str, list[str]]]:
    """The command lines of services that start one of our verbs."""
    return [
        (name, service["command"])
        for name, service in SERVICES.items()
        if service.get("image", "").startswith("sparring:") and "entrypoint" not in service
    ]


@pytest.mark.parametrize(("name", "words"), our_commands())
def test_every_verb_and_option_exists(name: str, words: list[str]) -> None:
    """The command line of the service is one that ours takes."""
    assert words[0] in VERBS, name
    root = get_command(application)
    assert isinstance(root, TyperGroup)
    root.commands[words[0]].make_context(words[0], list(words[1:]), resilient_parsing=False).close()


def test_the_proxy_and_the_recorder_can_read_their_files() -> None:
    """They agree about the folder between them, and know all targets by the same names."""
    proxy = load_document(ROOT / "deploy" / "config" / "proxy.json", ProxyConfig)
    recorder = load_document(ROOT / "deploy" / "config" / "recorder.json", RecorderConfig)
    assert proxy.record == recorder.folder
    assert [target.name for target in proxy.targets] == [target.name for target in recorder.targets]
    assert {target.host_name for target in proxy.targets} <= set(SERVICES)
    assert recorder.predictions.preset in PRESETS
    assert importlib.util.find_spec("shadow_proxy.__main__")
    assert importlib.util.find_spec("sparring.recorder.__main__")


def test_nothing_starts_without_a_token_for_the_admin_port() -> None:
    """Other containers can reach it, and an empty variable is as bad as none."""
    proxy = load_document(ROOT / "deploy" / "config" / "proxy.json", ProxyConfig)
    assert proxy.admin is not None
    assert host_and_port(proxy.admin)[0] == "0.0.0.0"
    assert SERVICES["proxy"]["environment"][VARIABLE].startswith(f"${{{VARIABLE}:?")


def test_prometheus_has_the_same_token_where_its_configuration_reads_it() -> None:
    """From the same variable; Compose puts such a secret into no container that is read-only."""
    scraped = yaml.safe_load((ROOT / "deploy" / "prometheus" / "prometheus.yml").read_text())[
        "scrape_configs"
    ]
    [path] = [job["authorization"]["credentials_file"] for job in scraped if "authorization" in job]
    [secret] = SERVICES["prometheus"]["secrets"]
    assert path == f"/run/secrets/{secret}"
    assert yaml.safe_load(COMPOSE.read_text())["secrets"][secret] == {"environment": VARIABLE}
    assert "read_only" not in SERVICES["prometheus"]


def test_the_health_check_of_the_proxy_asks_for_a_page_that_is_open() -> None:
    """It has no token, and asks at the admin port."""
    proxy = load_document(ROOT / "deploy" / "config" / "proxy.json", ProxyConfig)
    assert proxy.admin is not None
    address = re.search(
        r"http://127\.0\.0\.1:(\d+)(/\w+)", " ".join(SERVICES["proxy"]["healthcheck"]["test"])
    )
    assert address
    assert int(address[1]) == host_and_port(proxy.admin)[1]
    assert address[2] in OPEN


def test_a_container_is_stopped_after_the_proxy_has_drained() -> None:
    """The grace is longer than the drain and what its parent gives workers after it."""
    proxy = load_document(ROOT / "deploy" / "config" / "proxy.json", ProxyConfig)
    grace_s = float(SERVICES["proxy"]["stop_grace_period"].removesuffix("s"))
    assert grace_s > proxy.deadlines.drain_s + KILL_AFTER_DRAIN_S


def copied_by_the_dockerfile() -> list[str]:
    """Every path that the Dockerfile copies from the build context by name."""
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    words = [line.split() for line in lines if line.startswith("COPY ") and "--from" not in line]
    return [source for _, *sources, _ in words for source in sources if source != "."]


@pytest.mark.parametrize("path", copied_by_the_dockerfile())
def test_what_the_dockerfile_copies_is_there_and_not_ignored(path: str) -> None:
    """The build context leaves out everything but a list."""
    let_in = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"]
    assert (ROOT / path).is_file()
    assert any(path == kept or path.startswith(f"{kept}/") for kept in let_in)


def test_the_context_holds_every_package() -> None:
    """A package that is missing in the image would be found only when it is imported."""
    pyproject = (ROOT / "pyproject.toml").read_text()
    packages = re.search(
        r"\[tool\.hatch\.build\.targets\.wheel\]\npackages = \[(.*?)\]", pyproject, re.DOTALL
    )
    assert packages
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert {f"!{name}" for name in re.findall(r'"(\w+)"', packages.group(1))} <= set(ignored)
