"""Where a request's CPU time goes: by library and by function, ours beside the floor.

    python -m benchmarks.proxy.profile [--seconds 6] [--functions 15] [--python]

Samples our worker, then `floor_proxy.py`, with perf while wrk keeps it busy, and multiplies the shares by
the CPU time per request of the same window. The kernel's part of the floor is what three receives and three
sends cost whoever makes them; what ours has above the floor is HTTP, limits, accounting and the journal.
Without perf it says so and exits 0.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.proxy.bench import Bench, Started, bench
from benchmarks.proxy.load import Load, window, write_script
from benchmarks.proxy.preparing import prepared
from benchmarks.proxy.processes import family
from benchmarks.proxy.rounds import Row
from benchmarks.proxy.sparring_proxy import plain_targets

NEEDED: Final = ("nginx", "wrk", "taskset")
SAMPLES_PER_S: Final = 1999
LEAST_SHOWN: Final = 1.0
PARTS: Final = (
    ("kernel", re.compile(r"^\[(kernel|guest|unknown|vdso)")),
    ("our modules, compiled", re.compile(r"__mypyc|sparring/compiled")),
    ("uvloop", re.compile(r"^loop\.cpython|uvloop")),
    ("zlib", re.compile(r"^(libz|zlib)")),
    ("hashes", re.compile(r"^(libcrypto|_hashlib|_sha|_blake)")),
    ("C library", re.compile(r"^(libc[.-]|ld-|libpthread|libm[.-])")),
    ("interpreter", re.compile(r"^(libpython|python)")),
)
_SHARE: Final = re.compile(r"^[ \t]*([\d.]+)%[ \t]+(\S+)[ \t]*(?:\[.\][ \t]+(\S+))?", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What one process did under load."""

    cpu_us: float
    parts: dict[str, float]
    functions: list[tuple[float, str, str]]


def part_of(library: str) -> str:
    """The part that a library, as perf names it, belongs to."""
    return next((name for name, pattern in PARTS if pattern.search(library)), f"other: {library}")


def profiled(row: Row, *, seconds: int, pid: int, folder: Path) -> Profile:
    """Load and perf at the same time."""
    window(row.load, seconds=1)
    samples = folder / f"{row.name}.perf"
    with sampling(pid, samples=samples, seconds=seconds):
        row.measure(seconds=seconds)
    parts: dict[str, float] = defaultdict(float)
    for share, library, _ in shares(samples, by="dso"):
        parts[part_of(library)] += share
    return Profile(cpu_us=row.cpu_us[-1], parts=parts, functions=shares(samples, by="dso,symbol"))


@contextmanager
def sampling(pid: int, *, samples: Path, seconds: int) -> Iterator[None]:
    """Sample a process while the block runs, for at most so long."""
    command = ["perf", "record", "-q", "-F", str(SAMPLES_PER_S), "-p", str(pid), "-o", str(samples)]
    process = subprocess.Popen(
        [*command, "--", "sleep", str(seconds)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.wait(timeout=30)


def shares(samples: Path, *, by: str) -> list[tuple[float, str, str]]:
    """Percent, library and function, the largest first."""
    command = ["perf", "report", "-i", str(samples), "--stdio", "--no-children", "-g", "none", "--sort", by]
    report = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [(float(share), library, function) for share, library, function in _SHARE.findall(report)]


def print_parts(profiles: dict[str, Profile]) -> None:
    """Microseconds and percent of each part."""
    names = list({part for one in profiles.values() for part in one.parts})
    names.sort(key=lambda part: -max(one.parts[part] for one in profiles.values()))
    print(f"{'CPU us/request':<30}" + "".join(f"{name:>20}" for name in profiles))
    print(f"{'all':<30}" + "".join(f"{one.cpu_us:>13.1f}       " for one in profiles.values()))
    for part in names:
        cells = [(one.cpu_us * one.parts[part] / 100, one.parts[part]) for one in profiles.values()]
        if max(share for _, share in cells) >= LEAST_SHOWN:
            print(f"{part[:30]:<30}" + "".join(f"{us:>13.1f} ({share:>3.0f}%)" for us, share in cells))


def print_functions(profile: Profile, *, count: int) -> None:
    """The costliest functions."""
    for share, library, function in profile.functions[:count]:
        print(f"  {share:>5.1f}%  {part_of(library):<24}{function[:70]}")


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=6)
    parser.add_argument("--functions", type=int, default=15)
    parser.add_argument("--python", action="store_true", help="do not compile the proxy's hot path first")
    given = parser.parse_args()
    if shutil.which("perf") is None:
        print("no profile: perf is missing (apt-get install linux-perf)")
        return 0
    if not prepared(NEEDED, as_python=given.python):
        return 2
    with tempfile.TemporaryDirectory(prefix="sparring-bench-") as scratch, bench(Path(scratch)) as on:
        profiles = both(on, Path(scratch), seconds=given.seconds)
    print_parts(profiles)
    ours, floor = profiles["sparring"], profiles["floor"]
    print(f"sparring costs {ours.cpu_us / floor.cpu_us:.2f} x the floor; its largest functions:")
    print_functions(ours, count=given.functions)
    return 0


def both(on: Bench, folder: Path, *, seconds: int) -> dict[str, Profile]:
    """Ours and the floor, one after the other."""
    script = write_script(folder)
    target, shadow = (on.stub(name) for name in ("baseline", "candidate"))
    ours = on.ours("sparring", plain_targets(baseline=target, candidate=shadow))
    floor = on.floor("floor", target=target, shadow=shadow)

    def profile(name: str, started: Started) -> Profile:
        row = Row(name=name, load=Load(port=started.port, script=script), pid=started.pid)
        return profiled(row, seconds=seconds, pid=family(started.pid)[-1], folder=folder)

    return {name: profile(name, started) for name, started in (("sparring", ours), ("floor", floor))}


if __name__ == "__main__":
    sys.exit(main())
