"""`sparring demo`: the whole flow on embedded models and a made-up payments stream, offline."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from recording.errors import InputError
from sparring.commands.run import run


class Candidate(StrEnum):
    """How good the embedded candidate is."""

    BETTER = "better"
    SAME = "same"
    WORSE = "worse"


def demo(
    *,
    candidate: Annotated[Candidate, typer.Option(help="how good the candidate is")] = Candidate.BETTER,
    duration: Annotated[float, typer.Option(metavar="S", help="seconds of traffic")] = 90.0,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="(default: runs/demo-…)")] = None,
    seed: Annotated[int, typer.Option(help="of data, models, arrivals and faults")] = 7,
    json_output: Annotated[bool, typer.Option("--json", help="print the verdict as JSON")] = False,
    progress: Annotated[bool, typer.Option(help="a live table, on a terminal")] = True,
) -> int:
    """Rehearse an embedded candidate model: about two minutes, nothing needed from outside."""
    from sparring.rehearsal import new_run_folder

    folder = new_run_folder(f"demo-{candidate.value}", out=out).path
    if folder.exists() and any(folder.iterdir()):
        raise InputError("the folder is not empty", place=str(folder), fix="choose another --out")
    try:
        from sparring.demo.rehearsal import build_demo
    except ModuleNotFoundError as error:
        raise InputError(
            f"the demo's models need {error.name}", fix="install the extra: pip install 'sparring[demo]'"
        ) from None
    run_file = build_demo(folder / "inputs", candidate=candidate.value, duration_s=duration, seed=seed)
    return run(run_file, out=folder / "run", changes=None, json_output=json_output, progress=progress)
