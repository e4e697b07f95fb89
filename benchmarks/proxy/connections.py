"""10, 1,000 and 10,000 clients that all ask again as soon as they have their answer.

A closed loop of 10,000 connections has 10,000 requests in flight, so our bounds are raised from their
defaults: clients to 16,384, and as many requests and copies may wait for a connection (of which there are the
default numbers). nginx opens a connection to each target for each request in flight, which at 10,000 is more
than a process may have open where the limit is below 30,000: its errors are printed then.
"""

from pathlib import Path
from typing import Final

from benchmarks.proxy.bench import bench
from benchmarks.proxy.load import Load, write_script
from benchmarks.proxy.nginx import Shape
from benchmarks.proxy.processes import raise_open_files
from benchmarks.proxy.rounds import Row, measure, table
from benchmarks.proxy.sparring_proxy import account_line, plain_targets

COUNTS: Final = (10, 1_000)
MANY: Final = 10_000
MANY_SECONDS: Final = 4
MANY_ROUNDS: Final = 2
BOUND: Final = 16_384
LIMITS: Final = {"client_connections": BOUND, "queued_requests": BOUND, "queued_copies": BOUND}


def run(folder: Path, windows: int, seconds: int) -> None:
    """Measure and print."""
    script, shape = write_script(folder), Shape(files=raise_open_files() - 100)
    with bench(folder) as on:
        target, shadow = (on.stub(name, shape=shape) for name in ("baseline", "candidate"))
        proxies = {
            "sparring": on.ours(
                "ours", plain_targets(baseline=target, candidate=shadow), more={"limits": LIMITS}
            ),
            "nginx mirror": on.nginx_mirror("mirror", target=target, shadow=shadow, shape=shape),
            "nginx plain": on.nginx_plain("plain", target=target, shape=shape),
        }
        rows = {
            count: [
                Row(
                    name=f"{name}, {count:,}",
                    load=Load(port=started.port, script=script, connections=count),
                    pid=started.pid,
                )
                for name, started in proxies.items()
            ]
            for count in (*COUNTS, MANY)
        }
        for count in COUNTS:
            measure(rows[count], rounds=windows, seconds=seconds, between=on.forget_old_segments)
            print(table(rows[count], title=f"{count:,} connections"), flush=True)
        measure(
            rows[MANY],
            rounds=min(windows, MANY_ROUNDS),
            seconds=MANY_SECONDS,
            between=on.forget_old_segments,
        )
        print(table(rows[MANY], title=f"{MANY:,} connections"))
        print(f"sparring: {account_line(proxies['sparring'].config)}")
