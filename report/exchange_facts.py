"""What the exchange rows say: who was there, how exchanges ended, how long they took, second by second.

Knows the columns of exchange rows and the definitions of latency, service time and lag; refuses to know
drawing and words. All sums are made in SQL over Parquet; what comes back is a row a target, an outcome or a
time bucket. Called by `facts.py` for the exchanges and, with the same questions, for the client's own rows.

Definitions. Latency is done minus due (minus sent where nothing was due); service time is done minus sent;
lag is sent minus due. Times are taken of exchanges that were answered or waited for in vain (`ok`,
`http_error`, `timeout`): a connection that is refused at once is not a fast answer, it is counted among the
outcomes. Percentiles are nearest-rank values that really occurred.
"""

from dataclasses import dataclass

from report.safe_text import printable
from report.tables import Row, Tables

MAX_BUCKETS = 120
_STEPS_NS = tuple(
    step * scale
    for scale in (10**7, 10**8, 10**9, 10**10, 10**11, 10**12, 10**13, 10**14)
    for step in (1, 2, 5)
)
_QUANTILES = "[0.5, 0.9, 0.99]"
_TIMED = """
    SELECT target, role, outcome, len(faults) > 0 AS faulted, ttft_ns,
        coalesce(nullif(due_ns, -1), nullif(sent_ns, -1)) AS start_ns,
        nullif(done_ns, -1) AS done_ns,
        CASE WHEN outcome = 'ok' THEN 'ok'
             WHEN starts_with(outcome, 'dropped:') THEN 'dropped' ELSE 'failed' END AS ending,
        CASE WHEN outcome IN ('ok', 'http_error', 'timeout') THEN nullif(done_ns, -1) END AS answered_ns,
        nullif(sent_ns, -1) AS sent_ns,
        CASE WHEN due_ns <> -1 THEN nullif(sent_ns, -1) - due_ns END AS lag_ns
    FROM {view}
"""
_ROLES = {"baseline": 0, "candidate": 1, "reference": 2, "client": 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A model endpoint (or the client) that has rows."""

    name: str
    role: str
    requests: int
    ok: int
    failed: int
    dropped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How many of a target's exchanges ended in one way, without and under faults."""

    target: str
    outcome: str
    clean: int
    faulted: int

    @property
    def count(self) -> int:
        """Both together."""
        return self.clean + self.faulted


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantiles:
    """The 50th, 90th and 99th percentile in nanoseconds; None where nothing was timed."""

    p50_ns: int | None
    p90_ns: int | None
    p99_ns: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long one target took, either without or under injected faults."""

    target: str
    role: str
    faulted: bool
    timed: int
    latency: Quantiles
    longest_ns: int | None
    service: Quantiles
    first_token: Quantiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """The run's time cut into buckets of equal length; `first_ns` and `last_ns` are its exact ends."""

    first_ns: int
    last_ns: int
    start_ns: int
    bucket_ns: int
    buckets: int

    @property
    def end_ns(self) -> int:
        """Where the last bucket ends."""
        return self.start_ns + self.bucket_ns * self.buckets


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """What one target did with the requests that were due in one bucket."""

    index: int
    requests: int
    ok: int
    failed: int
    dropped: int
    latency: Quantiles
    lag: Quantiles


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One target's buckets, in order of time; a bucket without requests is absent."""

    target: str
    role: str
    buckets: tuple[Bucket, ...]


def targets_of(tables: Tables, *, view: str) -> tuple[Target, ...]:
    """Baseline first, then candidate, references and the client."""
    rows = _ask(
        tables,
        """SELECT target, role, count(*), count_if(ending = 'ok'), count_if(ending = 'failed'),
                  count_if(ending = 'dropped')
           FROM timed GROUP BY ALL ORDER BY ALL""",
        view=view,
    )
    found = (
        Target(
            name=_name(row[0]),
            role=_name(row[1]),
            requests=_count(row[2]),
            ok=_count(row[3]),
            failed=_count(row[4]),
            dropped=_count(row[5]),
        )
        for row in rows
    )
    return tuple(sorted(found, key=lambda target: (_ROLES.get(target.role, len(_ROLES)), target.name)))


def endings_of(tables: Tables, *, view: str) -> tuple[Ending, ...]:
    """Counts by target and outcome, `ok` first, then the most frequent."""
    rows = _ask(
        tables,
        """SELECT target, outcome, count_if(NOT faulted), count_if(faulted) FROM timed
           GROUP BY target, outcome
           ORDER BY outcome <> 'ok', starts_with(outcome, 'dropped:'), outcome, target""",
        view=view,
    )
    return tuple(
        Ending(target=_name(row[0]), outcome=_name(row[1]), clean=_count(row[2]), faulted=_count(row[3]))
        for row in rows
    )


def timings_of(tables: Tables, *, view: str) -> tuple[Timing, ...]:
    """Percentiles over the whole run by target, apart without and under faults, baseline first."""
    rows = _ask(
        tables,
        f"""SELECT target, role, faulted, count(answered_ns),
                   quantile_disc(answered_ns - start_ns, {_QUANTILES}), max(answered_ns - start_ns),
                   quantile_disc(answered_ns - sent_ns, {_QUANTILES}), quantile_disc(ttft_ns, {_QUANTILES})
            FROM timed GROUP BY ALL ORDER BY target, role, faulted""",
        view=view,
    )
    found = (
        Timing(
            target=_name(row[0]),
            role=_name(row[1]),
            faulted=bool(row[2]),
            timed=_count(row[3]),
            latency=_quantiles(row[4]),
            longest_ns=_maybe_count(row[5]),
            service=_quantiles(row[6]),
            first_token=_quantiles(row[7]),
        )
        for row in rows
    )
    return tuple(
        sorted(
            found, key=lambda timing: (_ROLES.get(timing.role, len(_ROLES)), timing.target, timing.faulted)
        )
    )


def timeline_of(tables: Tables) -> Timeline | None:
    """Buckets over everything that happened, none if nothing did; at most `MAX_BUCKETS` of them."""
    spans = [
        row
        for view in ("exchanges", "client")
        for row in _ask(
            tables,
            "SELECT min(start_ns), max(greatest(start_ns, coalesce(done_ns, start_ns))) FROM timed",
            view=view,
        )
        if row[0] is not None
    ]
    if not spans:
        return None
    start, end = min(_count(row[0]) for row in spans), max(_count(row[1]) for row in spans)
    bucket = next((step for step in _STEPS_NS if end - start < step * (MAX_BUCKETS - 1)), _STEPS_NS[-1])
    first = start // bucket * bucket
    return Timeline(
        first_ns=start,
        last_ns=end,
        start_ns=first,
        bucket_ns=bucket,
        buckets=(end - first) // bucket + 1,
    )


def series_of(tables: Tables, *, view: str, timeline: Timeline) -> tuple[Series, ...]:
    """Every target's buckets; a request belongs to the bucket in which it was due."""
    rows = _ask(
        tables,
        f"""SELECT target, role, (start_ns - $1) // $2 AS bucket, count(*), count_if(ending = 'ok'),
                   count_if(ending = 'failed'), count_if(ending = 'dropped'),
                   quantile_disc(answered_ns - start_ns, {_QUANTILES}), quantile_disc(lag_ns, {_QUANTILES})
            FROM timed WHERE start_ns IS NOT NULL GROUP BY ALL ORDER BY target, role, bucket""",
        timeline.start_ns,
        timeline.bucket_ns,
        view=view,
    )
    grouped: dict[tuple[str, str], list[Bucket]] = {}
    for row in rows:
        grouped.setdefault((_name(row[1]), _name(row[0])), []).append(_bucket(row))
    in_order = sorted(grouped, key=lambda key: (_ROLES.get(key[0], len(_ROLES)), key[1]))
    return tuple(Series(target=key[1], role=key[0], buckets=tuple(grouped[key])) for key in in_order)


def _bucket(row: Row) -> Bucket:
    return Bucket(
        index=_count(row[2]),
        requests=_count(row[3]),
        ok=_count(row[4]),
        failed=_count(row[5]),
        dropped=_count(row[6]),
        latency=_quantiles(row[7]),
        lag=_quantiles(row[8]),
    )


def _ask(tables: Tables, query: str, *values: object, view: str) -> list[Row]:
    if not tables.has(view):
        return []
    return tables.rows(f"WITH timed AS ({_TIMED.format(view=view)}) {query}", *values)


def _quantiles(value: object) -> Quantiles:
    p50, p90, p99 = map(_maybe_count, value) if isinstance(value, list) else (None, None, None)
    return Quantiles(p50_ns=p50, p90_ns=p90, p99_ns=p99)


def _count(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"a count or an instant came back from SQL as {value!r}")
    return value


def _maybe_count(value: object) -> int | None:
    return None if value is None else _count(value)


def _name(value: object) -> str:
    return printable(str(value))
