"""Request bodies of 1 KB, 100 KB and 10 MB, mirrored.

The targets read the whole body before they answer (`targets.py`: nginx's stub would answer too early). So
that nothing is dropped for its size, our limit for a copy is raised to 16 MiB (8 is the default) and nginx
gets a body buffer of that size instead of a file. Ours journals bodies up to the default limit of 1 MiB, with
length and digest of the rest; nginx keeps nothing.
"""

from pathlib import Path
from typing import Final

from benchmarks.proxy.bench import bench
from benchmarks.proxy.load import Load, write_one_body
from benchmarks.proxy.nginx import Shape
from benchmarks.proxy.rounds import Row, cost_ratio, measure, rate_ratio, table
from benchmarks.proxy.sparring_proxy import account_line, plain_targets

CONNECTIONS: Final = {1_000: 32, 100_000: 16, 10_000_000: 4}
LIMITS: Final = {"copy_bytes": 16 << 20}
NAMES: Final = {1_000: "1 KB", 100_000: "100 KB", 10_000_000: "10 MB"}


def run(folder: Path, windows: int, seconds: int) -> None:
    """Measure and print."""
    with bench(folder) as on:
        target, shadow = (on.target("answer", name).port for name in ("baseline", "candidate"))
        ours = on.ours("ours", plain_targets(baseline=target, candidate=shadow), more={"limits": LIMITS})
        mirror = on.nginx_mirror("mirror", target=target, shadow=shadow, shape=Shape(body_buffer="16m"))
        rows = []
        for size_bytes, connections in CONNECTIONS.items():
            script = write_one_body(folder, size_bytes=size_bytes)
            for name, started in (("sparring", ours), ("nginx mirror", mirror)):
                load = Load(port=started.port, script=script, connections=connections)
                rows.append(Row(name=f"{name}, {NAMES[size_bytes]}", load=load, pid=started.pid))
        measure(rows, rounds=windows, seconds=seconds, between=on.forget_old_segments)
        print(table(rows, title="bodies"))
        print(f"sparring: {account_line(ours.config)}")
    for size_bytes, own, other in zip(CONNECTIONS, rows[::2], rows[1::2], strict=True):
        own_mb, other_mb = (row.rate_per_s * size_bytes / 1e6 for row in (own, other))
        ratios = f"{rate_ratio(own, other):.2f} x its requests/s, {cost_ratio(own, other):.2f} x its CPU"
        print(f"{own.name}: {own_mb:,.0f} MB/s, nginx mirror {other_mb:,.0f} MB/s; {ratios}")
