"""Every benchmark, one after the other: `make bench`. Each also runs alone and says what it needs.

Speed is stated as ratios against a peer in the same run, medians over rounds; absolute figures are this
machine's.
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main() -> int:
    """Run `bench_*.py` of every folder; the number of those that failed."""
    failed = 0
    for path in sorted(HERE.glob("*/bench_*.py")):
        print(f"\n== {path.relative_to(HERE)}", flush=True)
        failed += subprocess.run([sys.executable, str(path)], check=False).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
