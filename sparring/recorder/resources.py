"""What each target uses: CPU, memory, open files, threads, by process tree or from the target's own metrics
page.

Knows psutil and the names of the standard process metrics; refuses to know rows of exchanges. One sample a
target and interval. A target that is given neither by process id nor by metrics page has no samples, and the
report says so.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from prometheus_client.parser import text_string_to_metric_families

from recording.documents import Model
from recording.parquet import DurableParquet
from recording.schema import RESOURCES_SCHEMA


class Watched(Model):
    """One target to sample: a process id of this host, or the URL of its Prometheus page, or neither."""

    name: str
    role: str
    pid: int | None = None
    metrics: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """One sample; CPU seconds count from the process's start; None where the source does not say."""

    cpu_s: float | None = None
    rss_bytes: int | None = None
    open_files: int | None = None
    threads: int | None = None


def usage_of_tree(pid: int) -> Usage | None:
    """The sum over a process and its living descendants; None if it is gone."""
    try:
        root = psutil.Process(pid)
        family = [root, *root.children(recursive=True)]
    except psutil.NoSuchProcess:
        return None
    parts = [usage for process in family if (usage := _usage_of(process)) is not None]
    if not parts:
        return None
    return Usage(
        cpu_s=sum(part.cpu_s or 0.0 for part in parts),
        rss_bytes=sum(part.rss_bytes or 0 for part in parts),
        open_files=sum(part.open_files or 0 for part in parts),
        threads=sum(part.threads or 0 for part in parts),
    )


def _usage_of(process: psutil.Process) -> Usage | None:
    with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied), process.oneshot():
        cpu = process.cpu_times()
        return Usage(
            cpu_s=cpu.user + cpu.system,
            rss_bytes=process.memory_info().rss,
            open_files=process.num_fds(),
            threads=process.num_threads(),
        )
    return None  # it ended between being listed and being looked at


_METRICS = {
    "process_cpu_seconds": "cpu_s",
    "process_resident_memory_bytes": "rss_bytes",
    "process_open_fds": "open_files",
}


def usage_from_metrics(text: str) -> Usage | None:
    """The standard `process_*` series of a metrics page; None if it has none of them.

    >>> usage_from_metrics("process_open_fds 12\\n").open_files
    12
    """
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        name = _METRICS.get(family.name)
        if name is not None:
            found[name] = sum(
                sample.value for sample in family.samples if not sample.name.endswith("_created")
            )
    if not found:
        return None
    whole = {name: int(found[name]) for name in ("rss_bytes", "open_files") if name in found}
    return Usage(cpu_s=found.get("cpu_s"), **whole)


@dataclass(slots=True, kw_only=True)
class ResourceLog:
    """All samples of a run; `save` rewrites the file whole, so that it is there even if the end never
    comes."""

    path: Path
    rows: list[dict[str, object]] = field(default_factory=list)
    latest: dict[str, Usage] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.path.exists():
            self.rows = pq.read_table(self.path).to_pylist()

    def add(self, watched: Watched, usage: Usage, *, at_ns: int) -> None:
        """One more sample."""
        self.latest[watched.name] = usage
        self.rows.append(
            {
                "at_ns": at_ns,
                "target": watched.name,
                "role": watched.role,
                **{name: getattr(usage, name) for name in Usage.__dataclass_fields__},
            }
        )

    def save(self) -> None:
        """Write all samples durably; nothing if there are none."""
        if self.rows:
            with DurableParquet(self.path, RESOURCES_SCHEMA) as file:
                file.write(pa.Table.from_pylist(self.rows, schema=RESOURCES_SCHEMA))


def sample(watched: Watched, fetch: Callable[[str], str | None]) -> Usage | None:
    """One target's usage now; `fetch` gets a URL's text, or None if it cannot be had."""
    if watched.pid is not None:
        return usage_of_tree(watched.pid)
    if watched.metrics is not None:
        text = fetch(watched.metrics)
        return usage_from_metrics(text) if text is not None else None
    return None
