"""`sparring run RUN.yaml`: one rehearsal, from a run file to a verdict."""

import json
from pathlib import Path
from typing import Annotated

import typer

from sparring.screen import screen_for


def run(
    run_file: Annotated[Path, typer.Argument(metavar="RUN.yaml", help="targets, traffic, profile, criteria")],
    *,
    out: Annotated[Path | None, typer.Option(help="the run's folder (default: runs/NAME-TIME)")] = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="a.b=c", help="change a value")
    ] = None,
    json_output: Annotated[
        bool, typer.Option("--json", help="print the verdict as JSON, nothing else")
    ] = False,
    progress: Annotated[bool, typer.Option(help="a live table, on a terminal")] = True,
) -> int:
    """Rehearse a candidate: targets, traffic, profile, scenario, criteria -> verdict."""
    from report.html import write_html
    from report.text import as_text
    from sparring.rehearsal import Rehearsal, new_run_folder
    from sparring.run_config import load_run

    config, text = load_run(run_file, changes=changes)
    folder = new_run_folder(config.name, out=out)
    screen = screen_for(progress=progress, json_output=json_output)
    rehearsal = Rehearsal(config=config, run_text=text, folder=folder, screen=screen)
    verdict = rehearsal.run()
    page = write_html(folder.path)
    if json_output:
        print(json.dumps({**verdict.to_json(), "folder": str(folder.path)}, indent=2, ensure_ascii=False))
    else:
        print(as_text(folder.path))
        print(f"report: {page}")
    return rehearsal.exit_code(verdict)
