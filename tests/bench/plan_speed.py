"""Plans 10,000 and 100,000 rows, and has diffsync, the peer, compare the same rows."""

import json
import subprocess
import sys
from statistics import median

from tests.support.paths import ROOT

COUNTS = (10_000, 100_000)
RUNS = 3


def main() -> None:
    """Prints rows per second and memory, and their ratios to the peer's."""
    cases = ("plain", "shipped", "shipped-rules")
    figures = {(case, count): measure(case, count) for case in cases for count in COUNTS}
    peers = {count: measure("diffsync", count) for count in COUNTS}
    for count in COUNTS:
        show(count, figures, peers[count])
    for case in ("plain", "shipped-rules"):
        small, large = (figures[case, count]["plan"] for count in COUNTS)
        print_line(f"ten times the rows, {case}", f"{large / small:.1f} times the time", "goal: 10")
    small, large = (peers[count]["diff"] for count in COUNTS)
    print_line("ten times the rows, diffsync's diff", f"{large / small:.1f} times the time")
    for count in COUNTS:
        speed = peers[count]["diff"] / figures["shipped-rules", count]["plan"]
        title = f"plan with rules / diffsync's diff, {count:,}"
        print_line(title, f"{speed:>11.2f}", "goal: 2.5")


def show(
    count: int, figures: dict[tuple[str, int], dict[str, float]], peer: dict[str, float]
) -> None:
    """Prints the figures of one number of rows."""
    plain = figures["plain", count]
    sys.stdout.write(
        f"\n{count:,} subscriptions of 20 fields, 1 % changed, 0.5 % new, 0.5 % gone\n"
    )
    for stage in ("transform", "match", "diff", "plan"):
        print_line(stage, f"{count / plain[stage]:>11,.0f} rows/s")
    print_line("peak memory of the process", f"{plain['peak_mb']:>11,.0f} MB")

    peer_memory = f"peak {peer['peak_mb']:,.0f} MB"
    print_line("diffsync's diff", f"{count / peer['diff']:>11,.0f} rows/s", peer_memory)
    speed, memory = peer["diff"] / plain["diff"], plain["peak_mb"] / peer["peak_mb"]
    print_line("our diff / diffsync's, speed", f"{speed:>11.1f}", "goal: 10")
    print_line("our peak / diffsync's, memory", f"{memory:>11.2f}", "goal: under 0.5")

    for case, goal in (("shipped", 25_000), ("shipped-rules", 12_000)):
        rate = count / figures[case, count]["plan"]
        title = f"plan, {case.replace('-', ' mappings, with ')}"
        print_line(title, f"{rate:>11,.0f} rows/s", f"goal: {goal:,}")


def measure(case: str, count: int, runs: int = RUNS) -> dict[str, float]:
    """Runs one case so many times, each in a process of its own; returns the medians."""
    command = [sys.executable, "-m", "tests.bench.plans", case, str(count)]
    figures: list[dict[str, float]] = []
    for _ in range(runs):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        figures.append(json.loads(done.stdout.splitlines()[-1]))
    return {name: median(figure[name] for figure in figures) for name in figures[0]}


def print_line(title: str, figure: str, remark: str = "") -> None:
    """Prints a line of the table."""
    sys.stdout.write(f"  {title:<36} {figure:<24} {remark}".rstrip() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
