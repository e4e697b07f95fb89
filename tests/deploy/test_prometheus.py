"""The Prometheus configuration, rules and dashboard, checked by Prometheus' own tools and a real server.

Needs `promtool` and `prometheus` (the Debian package `prometheus`); says so where they are missing.
"""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
PROMETHEUS = DEPLOY / "prometheus"
DASHBOARD = DEPLOY / "grafana" / "dashboards" / "rehearsal.json"
TOKEN_FILE = "/run/secrets/admin-token"
UNIT_TESTS = Path(__file__).with_name("rules_test.yml")


@pytest.fixture
def promtool() -> str:
    """Where promtool is."""
    found = shutil.which("promtool")
    if found is None:
        pytest.skip("promtool is missing here (Debian package prometheus): nothing was checked")
    return found


def run(*words: str) -> str:
    """The output of a command that must succeed."""
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def dashboard_expressions() -> Iterator[str]:
    """Every query of the dashboard."""
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel.get("targets", ()):
            yield target["expr"].replace("$__rate_interval", "1m")


def rule_expressions() -> Iterator[str]:
    """Every query of the rules."""
    for group in yaml.safe_load((PROMETHEUS / "rules.yml").read_text())["groups"]:
        yield from (rule["expr"] for rule in group["rules"])


def recorded_names() -> set[str]:
    """The series that the rules make."""
    groups = yaml.safe_load((PROMETHEUS / "rules.yml").read_text())["groups"]
    return {rule["record"] for group in groups for rule in group["rules"] if "record" in rule}


def test_the_configuration_is_valid(promtool: str, tmp_path: Path) -> None:
    """With its rules; the token lies elsewhere here, and promtool looks whether it is there."""
    here = tmp_path / "prometheus"
    shutil.copytree(PROMETHEUS, here)
    token = tmp_path / "admin-token"
    token.write_text("0123456789abcdef")
    config = here / "prometheus.yml"
    config.write_text(config.read_text().replace(TOKEN_FILE, str(token)))
    assert "SUCCESS" in run(promtool, "check", "config", str(config))


def test_the_rules_do_what_they_say(promtool: str, tmp_path: Path) -> None:
    """`rules_test.yml` beside this file: series in, values and alerts out."""
    tests = tmp_path / "rules_test.yml"
    tests.write_text(UNIT_TESTS.read_text().replace("RULES", str(PROMETHEUS / "rules.yml")))
    assert "SUCCESS" in run(promtool, "test", "rules", str(tests))


def test_every_query_of_the_dashboard_is_a_query(promtool: str, tmp_path: Path) -> None:
    """Read by Prometheus' own parser, as rules of a throwaway file."""
    rules = [{"record": f"q:{i}", "expr": text} for i, text in enumerate(dashboard_expressions())]
    path = tmp_path / "queries.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    assert f"{len(rules)} rules found" in run(promtool, "check", "rules", str(path))


def test_the_dashboard_uses_recorded_series_that_the_rules_make() -> None:
    """A renamed rule leaves no empty panel behind."""
    used = {name for text in dashboard_expressions() for name in re.findall(r"sparring:[\w:]+", text)}
    assert used
    assert used <= recorded_names()


def test_the_dashboard_reads_the_datasource_that_is_provisioned() -> None:
    """And lies where the provider looks."""
    provisioning = DEPLOY / "grafana" / "provisioning"
    source = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text())["datasources"][0]
    panels = json.loads(DASHBOARD.read_text())["panels"]
    assert {panel["datasource"]["uid"] for panel in panels if "datasource" in panel} == {source["uid"]}
    provider = yaml.safe_load((provisioning / "dashboards" / "files.yml").read_text())["providers"][0]
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["grafana"]
    assert f"./deploy/grafana/dashboards:{provider['options']['path']}:ro" in compose["volumes"]


def test_every_target_file_is_one_that_the_configuration_reads() -> None:
    """And names a service and a port of docker-compose.yml."""
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    files = {
        file
        for job in config["scrape_configs"]
        for discovery in job["file_sd_configs"]
        for file in discovery["files"]
    }
    assert files == {f"targets/{path.name}" for path in (PROMETHEUS / "targets").iterdir()}
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    for name in files:
        for group in yaml.safe_load((PROMETHEUS / name).read_text()):
            assert {target.partition(":")[0] for target in group["targets"]} <= set(services)
