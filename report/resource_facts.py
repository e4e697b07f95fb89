"""What each target used: CPU and memory over time.

Knows that CPU seconds only grow while a process lives, so that a fall means a new process, and that samples
from before the run's start do not count; refuses to know where samples come from. Called by `facts.py`.
"""

from dataclasses import dataclass

from report.exchange_facts import Timeline
from report.safe_text import printable
from report.tables import Tables

_QUERY = """
    WITH steps AS (
        SELECT target, role, at_ns, cpu_s, rss_bytes, open_files, threads,
            cpu_s - lag(cpu_s) OVER run AS used_s, at_ns - lag(at_ns) OVER run AS passed_ns
        FROM resources WHERE at_ns >= $1 AND at_ns < $3
        WINDOW run AS (PARTITION BY target, role ORDER BY at_ns)
    )
    SELECT target, role, (at_ns - $1) // $2 AS bucket, count(*),
        sum(used_s) FILTER (used_s >= 0 AND passed_ns > 0)
            / nullif(sum(passed_ns) FILTER (used_s >= 0 AND passed_ns > 0), 0) * 1e9,
        max(rss_bytes), max(open_files), max(threads)
    FROM steps GROUP BY ALL ORDER BY role, target, bucket
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """One bucket: mean cores busy, highest memory, files and threads; None where the source does not say."""

    index: int
    samples: int
    cores: float | None
    rss_bytes: int | None
    open_files: int | None
    threads: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetUse:
    """One target's use over the run's buckets."""

    target: str
    role: str
    buckets: tuple[Use, ...]


def resources_of(tables: Tables, *, timeline: Timeline) -> tuple[TargetUse, ...]:
    """Each target's use over the time in which there were requests."""
    if not tables.has("resources"):
        return ()
    grouped: dict[tuple[str, str], list[Use]] = {}
    for row in tables.rows(_QUERY, timeline.start_ns, timeline.bucket_ns, timeline.end_ns):
        use = Use(
            index=_whole(row[2]) or 0,
            samples=_whole(row[3]) or 0,
            cores=row[4] if isinstance(row[4], float) else None,
            rss_bytes=_whole(row[5]),
            open_files=_whole(row[6]),
            threads=_whole(row[7]),
        )
        grouped.setdefault((printable(str(row[1])), printable(str(row[0]))), []).append(use)
    return tuple(
        TargetUse(target=target, role=role, buckets=tuple(uses)) for (role, target), uses in grouped.items()
    )


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None
