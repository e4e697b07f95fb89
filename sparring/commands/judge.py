"""`sparring judge DIR`: the verdict again from files alone, bit for bit."""

import json
from pathlib import Path
from typing import Annotated

import typer

from recording.errors import InputError
from recording.run_folder import RunFolder


def judge(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="a run, or any folder with exchanges/*.parquet")
    ],
    *,
    criteria: Annotated[Path | None, typer.Option(help="(default: DIR/criteria.yaml)")] = None,
    seed: Annotated[int | None, typer.Option(help="of the bootstrap (default: the run's)")] = None,
    out: Annotated[Path | None, typer.Option(help="where verdict.json goes (default: DIR)")] = None,
    json_output: Annotated[bool, typer.Option("--json", help="print the verdict as JSON")] = False,
) -> int:
    """Judge recorded exchanges by criteria."""
    from judge.criteria import load_criteria
    from judge.verdict import judge_folder, write_verdict
    from report.text import verdict_text
    from sparring.recovery import recover_folder

    folder = RunFolder(directory)
    if not directory.is_dir():
        raise InputError("no such folder", place=str(directory), fix="name a run's folder")
    recover_folder(folder)
    chosen = criteria or folder.criteria_file
    if not chosen.exists():
        raise InputError("no criteria", place=str(chosen), fix="name a file: --criteria FILE")
    of_run = folder.read_manifest().get("seed", 0)
    verdict = judge_folder(directory, load_criteria(chosen), seed=of_run if seed is None else seed)
    write_verdict(out or directory, verdict)
    print(
        json.dumps(verdict.to_json(), indent=2, ensure_ascii=False)
        if json_output
        else verdict_text(verdict.to_json())
    )
    return verdict.exit_code
