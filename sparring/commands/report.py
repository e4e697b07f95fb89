"""`sparring report RUN`: the page, the text, JSON and JUnit of a judged run."""

from pathlib import Path
from typing import Annotated

import typer

from recording.errors import InputError
from recording.run_folder import RunFolder
from report.as_json import as_json
from report.html import write_html
from report.junit import as_junit
from report.text import as_text
from sparring.recovery import recover_folder

_TEXTS = {"text": as_text, "json": as_json, "junit": as_junit}


def report(
    directory: Annotated[Path, typer.Argument(metavar="RUN", help="a run's folder, judged")],
    *,
    format_name: Annotated[str, typer.Option("--format", help="html, text, json or junit")] = "html",
) -> int:
    """Write report.html, or print the same facts in another form."""
    recover_folder(RunFolder(directory))
    if format_name == "html":
        print(f"report: {write_html(directory)}")
        return 0
    if format_name not in _TEXTS:
        raise InputError(
            f"no format {format_name!r}", place="--format", fix=f"one of html, {', '.join(_TEXTS)}"
        )
    print(_TEXTS[format_name](directory))
    return 0
