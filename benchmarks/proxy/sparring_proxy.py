"""Our own proxy under test: its configuration, its command, its account.

Knows the proxy's configuration file and its admin port; refuses to know what is measured. Bounds and
deadlines are the defaults except for the drain, which is short so that a benchmark ends, and what a caller
changes.
"""

import contextlib
import json
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks.proxy.processes import START_S, free_port, python

Settings = Mapping[str, Any]  # Any: JSON, as the configuration's file has it
NOTHING: Final[Settings] = {}


def target(role: str, url: str, **more: object) -> Settings:
    """One target, called by its role."""
    return {"name": role, "role": role, "url": url, **more}


def plain_targets(*, baseline: int, candidate: int | None = None) -> list[Settings]:
    """Targets of this machine in clear, by their ports."""
    ports = {"baseline": baseline, "candidate": candidate}
    return [target(role, f"http://127.0.0.1:{port}") for role, port in ports.items() if port]


def configured(
    folder: Path, *, port: int, targets: list[Settings], record: bool = True, more: Settings = NOTHING
) -> Path:
    """The configuration's file; `more` are further settings of it."""
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "listen": f"127.0.0.1:{port}",
        "admin": f"127.0.0.1:{free_port()}",
        "targets": targets,
        "deadlines": {"drain_s": 1.0},
        **({"record": str(folder / "run")} if record else {}),
        **more,
    }
    path = folder / "sparring.json"
    path.write_text(json.dumps(config))
    return path


def command(config: Path) -> list[str]:
    """How to start it."""
    return python("-m", "shadow_proxy", str(config))


def wait_until_ready(config: Path) -> None:
    """Its port accepts before its workers have started; this waits for them."""
    admin = json.loads(config.read_text())["admin"]
    deadline = time.monotonic() + START_S
    while True:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"http://{admin}/readyz", timeout=10):
            return
        if time.monotonic() > deadline:
            raise RuntimeError(f"the proxy of {config} is not ready after {START_S:.0f} s")
        time.sleep(0.02)


def account(config: Path) -> Settings:
    """What the admin port says."""
    admin = json.loads(config.read_text())["admin"]
    with urllib.request.urlopen(f"http://{admin}/accounting", timeout=10) as answer:
        document: Settings = json.load(answer)
        return document


def account_line(config: Path) -> str:
    """The account in one line."""
    seen = account(config)
    candidate, journal = seen["targets"]["candidate"], seen["journal"]
    dropped = {reason: count for reason, count in candidate["dropped"].items() if count}
    return (
        f"{seen['requests']} requests = {candidate['mirrored']} mirrored + dropped {dropped}; "
        f"{journal['records']} journal records, {journal['dropped']} not recorded"
    )


def forget_old_segments(folder: Path) -> None:
    """What the recorder does once it has a segment in a file: nobody records here."""
    for writer in (folder / "run" / "journal").glob("exchanges-*"):
        for segment in sorted(writer.glob("*.seg"))[:-1]:
            segment.unlink(missing_ok=True)
