"""One run's folder: which file is where, and the manifest that ties them together.

Knows names and how to write the manifest so that it is never half there; refuses to know what the files say.
Every stage and every later reader finds its files through this.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from recording.errors import InputError
from recording.folders import fsync_folder

MANIFEST_VERSION = 1
_FOLDERS = ("requests", "exchanges", "client", "journal")


class RunFolder:
    """The paths of a run. Nothing is made by asking; `create` makes the folders."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.requests = path / "requests"
        self.exchanges = path / "exchanges"
        self.client = path / "client"
        self.journal = path / "journal"
        self.manifest = path / "manifest.json"
        self.run_file = path / "run.yaml"
        self.criteria_file = path / "criteria.yaml"
        self.verdict = path / "verdict.json"
        self.report_html = path / "report.html"
        self.resources = path / "resources.parquet"
        self.faults = path / "faults.parquet"
        self.clock = path / "clock"
        self.accounting = path / "accounting.json"
        self.logs = path / "logs"

    def create(self) -> "RunFolder":
        """Make the folder and those that processes write into."""
        for name in (*_FOLDERS, "logs"):
            (self.path / name).mkdir(parents=True, exist_ok=True)
        return self

    def exchange_files(self, kind: str = "exchanges") -> list[Path]:
        """The finished Parquet files of one kind (`exchanges`, `client`, `requests`), by name."""
        return sorted((self.path / kind).glob("*.parquet"))

    def journals(self) -> Iterator[Path]:
        """The folders of all journal writers, in order of their names."""
        yield from sorted(path for path in self.journal.glob("*") if path.is_dir())

    def read_manifest(self) -> dict[str, Any]:  # Any: JSON
        """The manifest, or an empty one if the run has none yet."""
        if not self.manifest.exists():
            return {}
        try:
            manifest = json.loads(self.manifest.read_text("utf-8"))
        except ValueError as error:
            raise InputError(f"is not JSON: {error}", place=str(self.manifest)) from None
        if not isinstance(manifest, dict):
            raise InputError("is not a JSON object", place=str(self.manifest))
        return manifest

    def update_manifest(self, **keys: object) -> None:
        """Add or replace keys; a reader sees the old manifest or the new one, never a part."""
        write_json(self.manifest, {"version": MANIFEST_VERSION, **self.read_manifest(), **keys})


def write_json(path: Path, document: object) -> None:
    """Write JSON so that it is whole or not there: temporary name, fsync, rename, fsync of the folder."""
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("w", encoding="utf-8") as file:
        json.dump(document, file, indent=2, ensure_ascii=False)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    partial.rename(path)
    fsync_folder(path.parent)
