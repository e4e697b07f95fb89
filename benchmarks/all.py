"""Every benchmark, one after the other: `make bench`. Each also runs alone and says what it needs.

Speed is stated as ratios against a peer in the same run, medians over rounds; absolute figures are this
machine's.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
COMMANDS = (
    ("-m", "benchmarks.proxy.compare", "--no-record"),
    ("-m", "benchmarks.proxy.scaling"),
    ("-m", "benchmarks.proxy.latency"),
    ("-m", "benchmarks.proxy.bystander"),
    ("-m", "benchmarks.proxy.profile"),
    ("benchmarks/engine/bench_engine.py",),
    ("benchmarks/recording/bench_recording.py",),
    ("-m", "benchmarks.judge.speed", "1000000", "10000000"),
)


def main() -> int:
    """Run every command; the number of those that failed or missed an aim."""
    failed = 0
    for command in COMMANDS:
        print(f"\n== {' '.join(command)}", flush=True)
        failed += subprocess.run([sys.executable, *command], check=False, cwd=ROOT).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
