"""What end-to-end tests share: a trace of numbers with their parities, free ports, and run files of stub
models."""

import contextlib
import io
import json
import os
import socket
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from recording.exchange import Request
from recording.trace import TraceWriter
from sparring.main import main

STUB = Path(__file__).with_name("stub_model.py")
CRITERIA: dict[str, Any] = {
    "version": 1,
    "min_pairs": 100,
    "fidelity": {
        "max_lag_p99_ms": 2000,
        "min_achieved_share": 0.1,
    },  # how fast this machine is, is not asked here
    "criteria": [
        {"id": "accuracy", "metric": "accuracy", "role": "primary", "margin": {"absolute": 0.05}},
        {"id": "errors", "metric": "error_rate", "margin": {"absolute": 0.02}},
    ],
}


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def write_numbers(path: Path, *, count: int, labelled: bool = True) -> Path:
    """A trace of `count` requests {"x": i}, a millisecond apart."""
    with TraceWriter(path, origin="numbers") as writer:
        for number in range(count):
            writer.append(
                Request(
                    id=f"n{number}",
                    at_ns=number * 1_000_000,
                    method="POST",
                    path="/predict",
                    headers=(("Content-Type", "application/json"),),
                    body=json.dumps({"x": number}).encode(),
                    label=str(number % 2) if labelled else None,
                    slices={"size": "small" if number < count / 2 else "large"},
                )
            )
    return path


@dataclass(kw_only=True)
class Bench:
    """Builds run files in a folder and runs the command on them."""

    folder: Path
    ports: dict[str, int] = field(default_factory=dict)

    def target(self, name: str, *options: str) -> dict[str, Any]:
        """A stub model as a target."""
        self.ports[name] = free_port()
        return {
            "url": f"http://127.0.0.1:{self.ports[name]}",
            "command": [sys.executable, str(STUB), str(self.ports[name]), *options],
            "ready": {"path": "/healthz", "timeout_s": 30},
        }

    def write(
        self, *, candidate: dict[str, Any], count: int = 400, criteria: Any = CRITERIA, **more: Any
    ) -> Path:
        """The run file; criteria, trace and targets beside it."""
        trace = write_numbers(self.folder / "trace.parquet", count=count, labelled=more.pop("labelled", True))
        (self.folder / "criteria.yaml").write_text(yaml.safe_dump(criteria))
        document = {
            "version": 1,
            "name": "numbers",
            "targets": {"baseline": self.target("baseline", "--wrong", "0.05"), "candidate": candidate},
            "traffic": {"trace": trace.name, "speed": 2.0},
            "criteria": "criteria.yaml",
            **more,
        }
        path = self.folder / "run.yaml"
        path.write_text(yaml.safe_dump(document, sort_keys=False))
        return path

    def sparring(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run the command to its end."""
        return subprocess.run(
            [sys.executable, "-m", "sparring", *map(str, arguments)],
            capture_output=True, text=True, check=False, cwd=self.folder, timeout=100, env=_environment(),
        )  # fmt: skip

    def in_process(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """The command's own door without a new interpreter: for what is refused before anything starts."""
        words = [str(argument) for argument in arguments]
        out, err = io.StringIO(), io.StringIO()
        with contextlib.chdir(self.folder), redirect_stdout(out), redirect_stderr(err):
            code = main(words)
        return subprocess.CompletedProcess(words, code, stdout=out.getvalue(), stderr=err.getvalue())

    def start(self, *arguments: str | Path) -> subprocess.Popen[str]:
        """Start the command; the caller ends it."""
        return subprocess.Popen(
            [sys.executable, "-m", "sparring", *map(str, arguments)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=self.folder, env=_environment(),
        )  # fmt: skip

    @property
    def out(self) -> Path:
        """Where runs go."""
        return self.folder / "out"

    def verdict(self) -> dict[str, Any]:
        """The verdict of the run in `out`."""
        return dict(json.loads((self.out / "verdict.json").read_text()))

    def manifest(self) -> dict[str, Any]:
        """The manifest of the run in `out`."""
        return dict(json.loads((self.out / "manifest.json").read_text()))


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONUNBUFFERED": "1"}
