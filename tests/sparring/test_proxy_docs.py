"""The page on the proxy: every key stands in it with its default, and what it shows works."""

import asyncio
import json
import os
import re
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from recording.documents import load_text
from recording.exchange import Role
from shadow_proxy.accounting import DROP_REASONS, ENDINGS, TargetAccount, layout, target_account
from shadow_proxy.metrics import ProxyCollector
from shadow_proxy.reloading import FIXED
from shadow_proxy.rewriting import Rewriting
from sparring.proxy_file import ProxyFile
from tests.sparring.test_proxy_command import OK, TOKEN, command, run, shown, targets, written

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "proxy.md").read_text("utf-8")
METRICS = (DOCS / "metrics.md").read_text("utf-8")

Schema = dict[str, Any]  # Any: JSON Schema
UNITS = {30: "GiB", 20: "MiB", 10: "KiB"}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def section(title: str) -> str:
    found = re.search(rf"^## {title}\n(.*?)(?=^## )", PAGE, re.DOTALL | re.MULTILINE)
    assert found
    return found[1]


def keys(schema: Schema, of: Schema, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every key that holds a value, with its default as the page writes it."""
    for name, part in of["properties"].items():
        inner, many = _model(schema, part)
        path = f"{prefix}{name}"
        if inner is not None:
            yield from keys(schema, inner, f"{path}{'[]' if many else ''}.")
        else:
            yield path, _default(name, part, required=name in of.get("required", ()))


def _model(schema: Schema, part: Schema) -> tuple[Schema | None, bool]:
    """The model that a key holds, if it holds one, and whether it holds several."""
    for option in (part, *part.get("anyOf", ()), *part.get("allOf", ())):
        reference = option.get("$ref") or option.get("items", {}).get("$ref")
        if reference is not None:
            found = schema["$defs"][reference.rpartition("/")[2]]
            return (found if "properties" in found else None), "items" in option
    return None, False


def _default(name: str, part: Schema, *, required: bool) -> str:
    default = part.get("default")
    if required:
        return "required"
    if default in (None, "", [], {}):
        return "none"
    if "_bytes" in name:
        bits = next(bits for bits in UNITS if default % (1 << bits) == 0)
        return f"{default >> bits} {UNITS[bits]}{'/s' if name.endswith('_per_s') else ''}"
    if name.endswith("_s"):
        return f"{default:g} s"
    return str(default).lower() if isinstance(default, bool) else str(default)


SCHEMA = ProxyFile.model_json_schema()


@pytest.mark.parametrize(("key", "default"), list(keys(SCHEMA, SCHEMA)))
def test_every_key_stands_in_a_table_with_its_default(key: str, default: str) -> None:
    assert f"| `{key}` | {default} |" in PAGE


def test_no_key_is_described_that_there_is_not() -> None:
    rows = re.findall(
        r"^\| `([a-z_.\[\]]+)` \| [^|]+ \| [^|]+ \|$", PAGE.partition("## What is")[0], re.MULTILINE
    )
    assert set(rows) == {key for key, _ in keys(SCHEMA, SCHEMA)}


def test_every_reason_for_a_dropped_copy_that_a_user_can_change_is_explained() -> None:
    seldom = {"lost", "client_gone", "body_incomplete", "not_sampled"}
    for reason in set(DROP_REASONS) - seldom:
        assert f'dropped{{reason="{reason}"}}' in PAGE


class Nothing:
    """What a proxy with one target has counted before its first request."""

    scenario = None

    def totals(self) -> dict[str, int]:
        return dict.fromkeys(layout(targets=["a"]), 0)

    def accounts(self) -> dict[str, TargetAccount]:
        return {"a": target_account(self.totals(), target="a", role="baseline")}


def test_every_metric_of_the_proxy_is_on_the_page() -> None:
    collector = ProxyCollector(Nothing(), restarts=lambda: 0, shares=dict)
    families = {family.name: family.type for family in collector.collect()}
    assert len(families) > 20
    for name, kind in families.items():
        full = f"{name}_total" if kind == "counter" else name
        assert f"`{full}`" in METRICS or f"`…{full.removeprefix('sparring_proxy')}`" in METRICS


def test_every_reason_and_every_outcome_of_the_counters_is_on_the_page() -> None:
    for word in (*DROP_REASONS, *ENDINGS):
        assert f"`{word}`" in METRICS


def test_every_part_that_only_a_restart_changes_is_named() -> None:
    for name in FIXED:
        assert f"`{name}`" in section("Reload")


def test_every_flag_of_the_quick_start_is_taken(capsys: pytest.CaptureFixture[str]) -> None:
    found = re.search(r"```\nsparring proxy (.*?)```", PAGE, re.DOTALL)
    assert found
    config = yaml.safe_load(shown(capsys, *found[1].replace("\\\n", "").split()))
    assert [target["name"] for target in config["targets"]] == ["baseline", "candidate"]


def test_the_configurations_are_read() -> None:
    whole, canary, rewriting = blocks("yaml")
    assert load_text(whole, ProxyFile, source="docs").workers == 2
    assert load_text(whole + canary, ProxyFile, source="docs").canary.sticky.name == "X-User-Id"
    assert load_text(rewriting, ProxyFile, source="docs").targets[1].rewrites


def test_the_candidate_of_the_example_gets_what_the_page_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [source] = blocks("python")
    (tmp_path / "adapters.py").write_text(source)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("CANDIDATE_AUTHORIZATION", "Bearer of-the-candidate")
    config = load_text(blocks("yaml")[2], ProxyFile, source="docs")
    [candidate] = [target for target in config.targets if target.role is Role.CANDIDATE]
    rewriting = Rewriting(candidate)
    (head, body), (wanted_head, wanted_body) = (_message(text) for text in blocks("http"))
    assert rewriting.start(head) == wanted_head
    assert rewriting.body(body) == wanted_body


def _message(text: str) -> tuple[bytes, bytes]:
    head, _, body = text.strip().partition("\n\n")
    return "".join(f"{line}\r\n" for line in head.split("\n")).encode(), body.encode()


@pytest.mark.slow
def test_the_steps_of_the_canary_do_what_they_say(tmp_path: Path) -> None:
    [script] = blocks("sh")

    async def scene() -> None:
        async with targets(OK, OK) as urls, command(tmp_path, written(tmp_path, urls)) as here:
            environment = {**os.environ, "TOKEN": TOKEN, "ADMIN": here.announced("admin on ")[-1]}
            words = partial(subprocess.run, ["bash", "-euc", script], env=environment, capture_output=True)
            done = await asyncio.to_thread(words, text=True, check=False)
            assert (done.returncode, done.stderr) == (0, "")
            assert re.findall(r'"canary": ([\d.]+)', done.stdout) == ["0.01", "0.05", "0.25", "0.0"]
            assert await here.stop() == 0

    run(scene)


@pytest.mark.slow
def test_the_access_log_has_the_fields_of_the_page_and_no_others(tmp_path: Path) -> None:
    log = tmp_path / "access.log"

    async def scene() -> None:
        async with targets(OK, OK) as urls:
            file = written(tmp_path, urls, access_log=str(log))
            async with command(tmp_path, file) as here:
                assert await here.ask(1) == b"ok"
                assert await here.stop() == 0

    run(scene)
    [line] = log.read_text().splitlines()
    described = re.findall(r"^\| (`.*?`) \|", section("Logs"), re.MULTILINE)
    assert set(json.loads(line)) == {name for cell in described for name in re.findall(r"`(\w+)`", cell)}
