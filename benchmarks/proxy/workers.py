"""One worker and two, on both cores together with the load and the targets.

Two cores cannot show what a second worker is worth where nothing else runs: here the load takes what the
workers want. What can be seen is whether the cost of a request stays the same when there are two of them.
"""

from pathlib import Path

from benchmarks.proxy.bench import bench
from benchmarks.proxy.load import Load, write_script
from benchmarks.proxy.nginx import Shape
from benchmarks.proxy.processes import BOTH_CORES
from benchmarks.proxy.rounds import Row, cost_ratio, measure, rate_ratio, table
from benchmarks.proxy.sparring_proxy import plain_targets

COUNTS = (1, 2)


def run(folder: Path, windows: int, seconds: int) -> None:
    """Measure and print."""
    script = write_script(folder)
    with bench(folder) as on:
        target, shadow = (on.stub(name, cores=BOTH_CORES) for name in ("baseline", "candidate"))
        targets = plain_targets(baseline=target, candidate=shadow)
        rows = []
        for count in COUNTS:
            ours = on.ours(f"ours-{count}", targets, cores=BOTH_CORES, more={"workers": count})
            mirror = on.nginx_mirror(
                f"mirror-{count}", target=target, shadow=shadow, shape=Shape(workers=count), cores=BOTH_CORES
            )
            for name, started in (("sparring", ours), ("nginx mirror", mirror)):
                load = Load(port=started.port, script=script, connections=64, threads=2, cores=BOTH_CORES)
                rows.append(Row(name=f"{name}, workers: {count}", load=load, pid=started.pid))
        measure(rows, rounds=windows, seconds=seconds, between=on.forget_old_segments)
    print(table(rows, title="64 connections, all on both cores"))
    for one, two in ((rows[0], rows[2]), (rows[1], rows[3])):
        print(
            f"{two.name}: {rate_ratio(two, one):.2f} x the rate of one, {cost_ratio(two, one):.2f} x its CPU"
        )
