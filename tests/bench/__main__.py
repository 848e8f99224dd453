"""`make bench`: rows per second, memory, and ratios against a peer or a bound in the same run.

Each case of the plan runs in a process of its own, so that its peak memory is its own.
"""

import json
import subprocess
import sys
from statistics import median

from tests.bench import applies
from tests.sandbox import bench_sandbox
from tests.source import bench_dataverse

COUNTS = (10_000, 100_000)
RUNS = 3


def main() -> None:
    """Prints everything."""
    plans()
    applies.main()
    bench_sandbox.main()
    bench_dataverse.main()


def plans() -> None:
    """Plans of 10,000 and 100,000 rows, and diffsync on the same rows."""
    figures = {
        (case, count): measure(case, count) for case in ("plain", "shipped", "shipped-rules") for count in COUNTS
    }
    peers = {count: measure("diffsync", count) for count in COUNTS}
    for count in COUNTS:
        show(count, figures, peers[count])
    for case in ("plain", "shipped-rules"):
        small, large = (figures[case, count]["plan"] for count in COUNTS)
        say(f"ten times the rows, {case}", f"{large / small:.1f} times the time", "to reach: 11")


def show(count: int, figures: dict[tuple[str, int], dict[str, float]], peer: dict[str, float]) -> None:
    """One size: 20 fields a row, 1 % changed, 0.5 % new, 0.5 % gone."""
    plain = figures["plain", count]
    sys.stdout.write(f"\n{count:,} subscriptions of 20 fields, 1 % changed, 0.5 % new, 0.5 % gone\n")
    for stage in ("transform", "match", "diff", "plan"):
        say(stage, f"{count / plain[stage]:>11,.0f} rows/s")
    say("peak memory of the process", f"{plain['peak_mb']:>11,.0f} MB")
    say("diffsync's diff", f"{count / peer['diff']:>11,.0f} rows/s", f"peak {peer['peak_mb']:,.0f} MB")
    say("our diff / diffsync's, speed", f"{peer['diff'] / plain['diff']:>11.1f}", "to reach: 10")
    say("our peak / diffsync's, memory", f"{plain['peak_mb'] / peer['peak_mb']:>11.2f}", "to reach: under 0.5")
    for case, wanted in (("shipped", 25_000), ("shipped-rules", 12_000)):
        rate = count / figures[case, count]["plan"]
        say(f"plan, {case.replace('-', ' mappings, with ')}", f"{rate:>11,.0f} rows/s", f"to reach: {wanted:,}")


def measure(case: str, count: int) -> dict[str, float]:
    """One case, each time in a process of its own; the median of each figure."""
    command = [sys.executable, "-m", "tests.bench.plans", case, str(count)]
    runs: list[dict[str, float]] = []
    for _ in range(RUNS):
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        runs.append(json.loads(done.stdout.splitlines()[-1]))
    return {name: median(run[name] for run in runs) for name in runs[0]}


def say(what: str, figure: str, more: str = "") -> None:
    """A line of the table."""
    sys.stdout.write(f"  {what:<36} {figure:<24} {more}".rstrip() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
