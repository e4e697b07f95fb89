"""How long the judge takes over how many pairs, and how much memory.

    python -m benchmarks.judge.speed 1000000 10000000

Each size is generated under the system's temporary folder, judged in a fresh process with criteria on
accuracy, errors, a latency budget and the p99 ratio, and removed. Prints one line per size: seconds from
the start of the process to its end, seconds within `judge_folder`, and the peak resident memory of the
process.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.judge.generate import generate

CRITERIA = """
version: 1
criteria:
  - {id: accuracy, metric: accuracy, role: primary, margin: {absolute: 0.01}}
  - {id: errors, metric: error_rate, margin: {absolute: 0.005}, max: 0.02}
  - {id: budget, metric: latency_budget, budget_ms: 60, margin: {absolute: 0.005}}
  - {id: p99, metric: latency_quantile, quantile: 0.99, margin: {relative: 0.05}}
"""


def main() -> None:
    """Measure every size named on the command line; `--judge FOLDER` is how it calls itself."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", type=int, nargs="*", default=[1_000_000])
    parser.add_argument("--judge", type=Path)
    asked = parser.parse_args()
    if asked.judge:
        judge_once(asked.judge)
        return
    for pairs in asked.sizes:
        print(f"{pairs:>12,} pairs: {measure(pairs)}", flush=True)


def measure(pairs: int) -> str:
    """One size, from generating to removing."""
    with tempfile.TemporaryDirectory(prefix="sparring-judge-benchmark-") as folder:
        generate(Path(folder), pairs=pairs)
        start_s = time.monotonic()
        command = [sys.executable, "-m", "benchmarks.judge.speed", "--judge", folder]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        whole_s = time.monotonic() - start_s
    found = json.loads(done.stdout)
    judging = f"{found['judging_s']:.1f} s judging, {found['cpu_s']:.1f} s of CPU"
    return f"{whole_s:.1f} s ({judging}), {found['peak_mb']:.0f} MB, {found['verdict']}"


def judge_once(folder: Path) -> None:
    """Judge and print what it took, as JSON."""
    from judge.criteria import Criteria
    from judge.verdict import judge_folder
    from recording.documents import load_text

    start_s = time.monotonic()
    verdict = judge_folder(folder, load_text(CRITERIA, Criteria, source="benchmark"))
    judging_s = time.monotonic() - start_s
    cpu_s = time.process_time()
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        json.dumps({"judging_s": judging_s, "cpu_s": cpu_s, "peak_mb": peak_mb, "verdict": verdict.verdict})
    )


if __name__ == "__main__":
    main()
