"""What a run was made of: versions, digests, seeds, machine. Enough to repeat it, and to see that it was.

Knows where such facts are found; refuses to judge them. Written into manifest.json at the start of a run.
"""

import hashlib
import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import distributions
from pathlib import Path

import psutil

from recording.trace import trace_facts
from sparring import __version__
from sparring.run_config import RunConfig


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"


def environment_digest() -> str:
    """SHA-256 over the names and versions of everything installed: two equal ones ran the same code."""
    installed = sorted({f"{d.name}=={d.version}" for d in distributions()})
    return f"sha256:{hashlib.sha256(chr(10).join(installed).encode()).hexdigest()}"


def machine() -> dict[str, object]:
    """The host, as far as it bears on speed."""
    return {
        "system": platform.system(),
        "kernel": platform.release(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_bytes": psutil.virtual_memory().total,
        "python": sys.version.split()[0],
    }


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text("utf-8", "replace").splitlines() if path.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")


def manifest(config: RunConfig, run_text: str) -> dict[str, object]:
    """The facts of a run at its start."""
    trace = trace_facts(config.traffic.trace)
    return {
        "name": config.name,
        "notes": config.notes,
        "started": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "sparring": __version__,
        "environment_digest": environment_digest(),
        "run_digest": f"sha256:{hashlib.sha256(run_text.encode()).hexdigest()}",
        "criteria_digest": file_digest(config.criteria),
        "scenario_digest": file_digest(config.scenario) if config.scenario else None,
        "trace": {
            "file": str(config.traffic.trace),
            "requests": trace.requests,
            "labelled": trace.labelled,
            "digest": trace.digest,
            "origin": trace.origin,
            "changed": trace.changed,
        },
        "seed": config.seed,
        "targets": {
            name: {"url": target.url, "role": config.role_of(name).value, "command": target.command}
            for name, target in config.targets.items()
        },
        "profile": config.traffic.profile or f"recorded at {config.traffic.speed:g}x",
        "machine": machine(),
    }
