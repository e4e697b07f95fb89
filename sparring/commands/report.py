"""`sparring report RUN`: the page, the text, JSON and JUnit of a judged run."""

from pathlib import Path
from typing import Annotated

import typer

from recording.errors import InputError
from recording.run_folder import RunFolder


def report(
    directory: Annotated[Path, typer.Argument(metavar="RUN", help="a run's folder, judged")],
    *,
    format_name: Annotated[str, typer.Option("--format", help="html, text, json or junit")] = "html",
) -> int:
    """Write report.html, or print the same facts in another form."""
    from report.as_json import as_json
    from report.html import write_html
    from report.junit import as_junit
    from report.text import as_text
    from sparring.recovery import recover_folder

    texts = {"text": as_text, "json": as_json, "junit": as_junit}
    recover_folder(RunFolder(directory))
    if format_name == "html":
        print(f"report: {write_html(directory)}")
        return 0
    if format_name not in texts:
        raise InputError(
            f"no format {format_name!r}", place="--format", fix=f"one of html, {', '.join(texts)}"
        )
    print(texts[format_name](directory))
    return 0
