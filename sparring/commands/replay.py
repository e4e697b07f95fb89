"""`sparring replay TRACE --to URL`: the replay engine alone, against any endpoint."""

import json
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer

from recording.errors import InputError
from recording.exchange import Role
from recording.run_folder import RunFolder, write_json
from recording.trace import trace_facts
from replay.config import ReplayConfig
from sparring.exit_codes import ExitCode
from sparring.process_configs import config_file
from sparring.recovery import recover_folder
from sparring.screen import Screen, screen_for
from sparring.stage import Stage
from sparring.waiting import Interruption, finish_speaking


def replay(
    trace: Annotated[Path, typer.Argument(metavar="TRACE", help="a trace (.parquet)")],
    *,
    to: Annotated[str, typer.Option(metavar="URL", help="http://HOST:PORT")],
    speed: Annotated[float, typer.Option(help="the trace's own arrivals, this many times as fast")] = 1.0,
    profile: Annotated[str | None, typer.Option(help='"ramp 10/s to 200/s over 5m", or a file')] = None,
    arrival: Annotated[str | None, typer.Option(help="constant, poisson or recorded")] = None,
    max_in_flight: Annotated[int, typer.Option(help="beyond it requests are shed, and counted")] = 1024,
    seed: Annotated[int, typer.Option(help="of the arrivals")] = 0,
    out: Annotated[Path | None, typer.Option(help="keep every exchange in this folder")] = None,
    json_output: Annotated[bool, typer.Option("--json", help="print the numbers as JSON")] = False,
    progress: Annotated[bool, typer.Option(help="live numbers, on a terminal")] = True,
) -> int:
    """Replay a trace on time."""
    if out is not None and out.exists() and any(out.iterdir()):
        raise InputError("the folder is not empty", place=str(out), fix="choose another --out")
    config = {
        "trace": str(trace), "to": to, "speed": speed, "profile": _profile_text(profile), "arrival": arrival,
        "max_in_flight": max_in_flight, "seed": seed, "target": "target", "role": Role.BASELINE.value,
        "record": str(out) if out else None,
    }  # fmt: skip
    ReplayConfig.model_validate(config)
    with tempfile.TemporaryDirectory(prefix="sparring-") as scratch:
        folder = RunFolder(out or Path(scratch)).create()
        write_json(config_file(folder, "engine"), config)
        code, done = _run(folder, screen_for(progress=progress, json_output=json_output))
        recover_folder(folder)
    if done is None:
        return code or int(ExitCode.INTERNAL_ERROR)
    print(json.dumps(done, indent=2) if json_output else _text(done))
    requests = trace_facts(trace).requests
    if done.get("planned", 0) > requests:
        print(f"the trace has {requests:,} requests; later rounds were sent with ids of their own (`<id>~2`)")
    return code


def _profile_text(profile: str | None) -> str | None:
    path = Path(profile) if profile else None
    return path.read_text("utf-8") if path is not None and path.is_file() else profile


def _run(folder: RunFolder, screen: Screen) -> tuple[int, dict[str, Any] | None]:  # Any: JSON
    done: dict[str, Any] | None = None
    with Stage(folder.logs) as stage, Interruption() as interruption, screen:
        command = [sys.executable, "-m", "replay", str(config_file(folder, "engine"))]
        child = stage.start("engine", command, speaks=True)
        for line in finish_speaking(stage, "engine", interruption=interruption):
            done = line.get("done", done)
            if "progress" in line:
                screen.show(line["progress"], {})
        code = child.exit_code()
        if code not in {0, int(ExitCode.INTERRUPTED)}:
            screen.say(child.tail())
    return (int(ExitCode.INTERRUPTED) if interruption.happened else code or 0), done


def _text(done: dict[str, Any]) -> str:
    """One line a figure."""
    plain = {name: value for name, value in done.items() if not isinstance(value, dict | list)}
    return "\n".join(f"{name.replace('_', ' '):<24}{_figure(value)}" for name, value in plain.items())


def _figure(value: object) -> str:
    return (
        f"{value:,.3f}"
        if isinstance(value, float)
        else f"{value:,}"
        if isinstance(value, int)
        else str(value)
    )
