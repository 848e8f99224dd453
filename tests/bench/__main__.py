"""`make bench`: rows per second, memory, and ratios to a peer or bound measured in the same run.

Each part runs in a process of its own. It starts from this one, which imports nothing: Linux counts
the memory of the process that starts another one in the peak of that other one.
"""

import subprocess
import sys

PARTS = (
    "start",
    "unchanged",
    "plan_speed",
    "million",
    "applies",
    "exports",
    "sandbox",
    "dataverse",
    "desk",
)


def main() -> int:
    """Runs all benchmarks, which print their figures; returns the exit code of one that failed."""
    codes = [subprocess.call([sys.executable, "-m", f"tests.bench.{part}"]) for part in PARTS]
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
