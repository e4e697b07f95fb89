"""`sparring import FILE…`: other formats into one trace, with a word on everything that was changed."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from recording.importers.table import Imported


def import_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help=".gor, .jsonl, also .gz")],
    *,
    out: Annotated[Path, typer.Option(help="the trace to write", metavar="TRACE.parquet")],
    format_name: Annotated[
        str, typer.Option("--format", help="the format's name, if it is not recognised")
    ] = "auto",
    strict: Annotated[bool, typer.Option(help="refuse a file with anything to repair or drop")] = False,
    json_output: Annotated[bool, typer.Option("--json", help="print what was done as JSON")] = False,
) -> int:
    """Import recorded traffic as a trace: GoReplay captures and JSON lines, gzipped or not."""
    from recording.importers.table import import_files

    imported = import_files(files, out=out, format_name=format_name, strict=strict)
    if json_output:
        print(json.dumps({**asdict(imported.facts), "notes": imported.notes, "out": str(out)}, indent=2))
    else:
        _print(imported, out)
    return 0


def _print(imported: "Imported", out: Path) -> None:
    facts = imported.facts
    print(f"{facts.requests:,} requests over {facts.duration_ns / 1e9:,.3f} s ({facts.importer}) -> {out}")
    for kind, count in sorted(facts.changed.items()):
        print(f"  {kind.replace('_', ' ')}: {count:,}")
    for note in imported.notes:
        print(f"  {note}")
