"""`sparring proxy`: the shadow proxy alone, for staging and production, with the recorder beside it.

Flags win over the file. With `--record` a recorder turns the journals into Parquet while the proxy runs;
should it die it is started again, and nothing is lost meanwhile, for the journal keeps it. SIGTERM drains.
"""

import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from recording.documents import load_text, read_text
from recording.errors import InputError
from recording.exchange import Role
from recording.run_folder import RunFolder, write_json
from sparring.exit_codes import ExitCode
from sparring.process_configs import config_file
from sparring.processes import Child, wait_until
from sparring.proxy_file import ProxyFile
from sparring.stage import START_TIMEOUT_S, Stage
from sparring.waiting import Interruption

LOOK_EVERY_S = 0.1
_HELP_TARGET = "http://HOST:PORT; NAME=URL gives it a name"


def proxy(
    config_path: Annotated[Path | None, typer.Argument(metavar="CONFIG.yaml")] = None,
    *,
    listen: Annotated[str | None, typer.Option(metavar="HOST:PORT")] = None,
    baseline: Annotated[str | None, typer.Option(metavar="URL", help="its answers go to the client")] = None,
    candidate: Annotated[list[str] | None, typer.Option(metavar="URL", help=_HELP_TARGET)] = None,
    reference: Annotated[list[str] | None, typer.Option(metavar="NAME=URL")] = None,
    mirror: Annotated[float | None, typer.Option(help="share of requests that is mirrored, 0 to 1")] = None,
    scenario: Annotated[Path | None, typer.Option(metavar="FILE", help="faults to inject")] = None,
    record: Annotated[
        Path | None, typer.Option(metavar="DIR", help="keep requests and exchanges here")
    ] = None,
    admin: Annotated[str | None, typer.Option(metavar="HOST:PORT", help="/metrics /healthz /readyz")] = None,
    workers: Annotated[int | None, typer.Option(help="processes, one a core")] = None,
    seed: Annotated[int | None, typer.Option(help="of mirroring and faults")] = None,
) -> int:
    """Mirror live traffic: the client gets the baseline's answer, every other target gets a copy."""
    targets = [
        *([_target(baseline, role=Role.BASELINE, name="baseline")] if baseline else []),
        *(
            _target(text, role=Role.CANDIDATE, name=_numbered("candidate", i))
            for i, text in enumerate(candidate or [])
        ),
        *(
            _target(text, role=Role.REFERENCE, name=_numbered("reference", i))
            for i, text in enumerate(reference or [])
        ),
    ]
    flags = {
        "listen": listen, "mirror": mirror, "admin": admin, "workers": workers, "seed": seed,
        "scenario": str(scenario) if scenario else None, "record": str(record) if record else None,
        "targets": targets or None,
    }  # fmt: skip
    config = _merged(config_path, {name: value for name, value in flags.items() if value is not None})
    with tempfile.TemporaryDirectory(prefix="sparring-") as scratch:
        return _serve(config, folder=RunFolder(config.record or Path(scratch)))


def _numbered(name: str, index: int) -> str:
    return name if index == 0 else f"{name}-{index + 1}"


def _target(text: str, *, role: Role, name: str) -> dict[str, str]:
    given, equals, url = text.partition("=")
    named = bool(equals) and "/" not in given
    return {"name": given if named else name, "role": role.value, "url": url if named else text}


def _merged(path: Path | None, flags: dict[str, Any]) -> ProxyFile:  # Any: YAML
    if path is not None and not flags:
        return load_text(read_text(path), ProxyFile, source=str(path))
    document = yaml.safe_load(read_text(path)) if path is not None else {}
    if not isinstance(document, dict):
        raise InputError("must be a mapping of keys to values", place=str(path))
    if not flags.get("targets") and "targets" not in document:
        raise InputError("no targets", place="--baseline", fix="name at least --baseline URL")
    text = yaml.safe_dump({**document, **flags}, sort_keys=False)
    return load_text(text, ProxyFile, source=f"{path} with flags" if path else "flags")


def _serve(config: ProxyFile, *, folder: RunFolder) -> int:
    folder.create()
    write_json(config_file(folder, "proxy"), config.of_proxy())
    with Interruption() as interruption, Stage(folder.logs) as stage:
        command = [sys.executable, "-m", "shadow_proxy", str(config_file(folder, "proxy"))]
        child = stage.start("proxy", command, speaks=True, grace_s=config.deadlines.drain_s + 5)
        ready = stage.spoken["proxy"].wait_for("ready", child=child, timeout_s=START_TIMEOUT_S)
        if ready is None:
            return _not_started(child)
        _announce(ready)
        if config.record is not None:
            _start_recorder(stage, config, folder)
        code = _stay(stage, child, config=config, folder=folder, interruption=interruption)
        _finish_recording(stage)
    return code


def _announce(ready: dict[str, Any]) -> None:  # Any: JSON
    print(f"listening on {', '.join(ready['listen'])}", flush=True)
    if ready.get("admin"):
        print(f"admin on {ready['admin']}", flush=True)


def _not_started(child: Child) -> int:
    print(child.tail(), file=sys.stderr)
    code = child.exit_code()
    return int(ExitCode.INTERNAL_ERROR) if code is None else code


def _start_recorder(stage: Stage, config: ProxyFile, folder: RunFolder) -> None:
    write_json(config_file(folder, "recorder"), config.of_recorder(folder))
    command = [sys.executable, "-m", "sparring.recorder", str(config_file(folder, "recorder"))]
    child = stage.start("recorder", command, speaks=True)
    ready = stage.spoken["recorder"].wait_for("ready", child=child, timeout_s=START_TIMEOUT_S)
    where = f"metrics on {ready['listen']}/metrics" if ready else "not started; see its log"
    print(f"recorder: {where}", flush=True)


def _stay(
    stage: Stage, child: Child, *, config: ProxyFile, folder: RunFolder, interruption: Interruption
) -> int:
    """Until the proxy ends or the user ends it; the proxy's exit code."""
    told = False
    while child.exit_code() is None:
        if interruption.happened and not told:
            told = True
            child.process.terminate()
        if "recorder" in stage.ended():
            stage.stop("recorder")
            print("recorder: ended; starting it again", file=sys.stderr, flush=True)
            _start_recorder(stage, config, folder)
        wait_until(lambda: child.exit_code() is not None, timeout_s=LOOK_EVERY_S)
    return child.exit_code() or 0


def _finish_recording(stage: Stage) -> None:
    recorder = stage.children.get("recorder")
    if recorder is not None:
        recorder.process.terminate()
        wait_until(lambda: recorder.exit_code() is not None, timeout_s=START_TIMEOUT_S)
