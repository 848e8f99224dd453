"""`make chaos`: a thousand kills and a thousand faults, and their results."""

import argparse
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.chaos.faults import SOURCE_KINDS, random_source_fault, source_fault, target_fault
from tests.chaos.harness import Harness, all_kills
from tests.chaos.mishaps import MishapHarness
from tests.chaos.planted import PLANTED, notices_absence
from tests.chaos.two_hosts import TwoHosts
from tests.chaos.victim import Kill
from tests.support.postgres import running


def main() -> int:
    """Prints the figures; returns 0 if nothing is duplicated and nothing lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--faults", type=int, default=2000)
    parser.add_argument(
        "--source", type=int, default=100, help="faults of Work 365's Dataverse, and as many kills"
    )
    parser.add_argument("--planted", type=int, default=5, help="runs of each planted fault")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--state", choices=["sqlite", "postgres"], default="sqlite")
    options = parser.parse_args()

    if options.state == "postgres":
        return 0 if disturb_hosts(options.seed, options.kills) else 1

    files = run(
        "Work 365 in files",
        options.seed,
        lambda harness: disturb_target(harness, options.kills, options.faults),
    )
    dataverse = run(
        "Work 365 in Dataverse",
        options.seed,
        lambda harness: disturb_source(harness, options.source),
        served=True,
    )
    planted = [
        run(
            f"Planted faults, Work 365 in {'Dataverse' if served else 'files'}",
            options.seed,
            partial(plant, times=options.planted, served=served),
            served=served,
        )
        for served in (False, True)
    ]
    return 0 if files and dataverse and all(planted) else 1


FREEZES = (
    Kill("journal", 1, "before"),
    Kill("journal", 1, "after"),
    Kill("announced", 1, "before"),
    Kill("announced", 1, "after"),
    Kill("end", 1, "before"),
)
"""Where a host freezes that still has something to write, and no request about to be sent."""


def disturb_hosts(seed: int, kills: int) -> bool:
    """Runs scenarios of two hosts with one state on PostgreSQL until so many kills have hit."""

    def scenarios(harness: TwoHosts) -> None:
        random, figures = harness.random, harness.figures
        systematic = all_kills(harness)
        random.shuffle(systematic)
        rounds = 0
        while figures.kills.total() < kills:
            first, systematic = systematic[:1], systematic[1:]
            more = [harness.random_kill() for _ in range(random.randint(2, 6))]
            harness.run_on_both([*first, *more])
            rounds += 1
            if rounds % 3 == 0:
                harness.run_with_cuts(random.randint(1, 6))
                harness.run_with_freeze(random.choice(FREEZES))
                print_progress(harness)

    with running() as server, server.database() as address:
        return run(
            "Two hosts with one state on PostgreSQL",
            seed,
            scenarios,
            opened=lambda folder: TwoHosts(folder, seed, address),
        )


def run(
    title: str,
    seed: int,
    scenarios: Callable[[Any], None],
    *,
    served: bool = False,
    opened: Callable[[Path], Harness] | None = None,
) -> bool:
    """Runs scenarios with a harness of their own and prints the figures; True if all are clean."""
    with TemporaryDirectory(prefix="trueup-chaos-") as name:
        folder = Path(name)
        harness = opened(folder) if opened else MishapHarness(folder, seed, served=served)
        try:
            scenarios(harness)
        finally:
            harness.close()
    sys.stdout.write(f"{title}\n{harness.figures.text()}\n")
    sys.stdout.flush()
    return harness.figures.clean


def disturb_target(harness: Harness, kills: int, faults: int) -> None:
    """Runs scenarios until so many kills and faults of the target have hit."""
    figures, random = harness.figures, harness.random
    systematic = all_kills(harness)
    random.shuffle(systematic)
    while figures.kills.total() < kills:
        first, systematic = systematic[:1], systematic[1:]
        more = [harness.random_kill() for _ in range(random.randint(4, 14))]
        harness.run_with_kills([*first, *more])
        if figures.scenarios % 10 == 0:
            harness.run_with_restart(random.uniform(0.1, 1.0))
            print_progress(harness)
    while figures.faults.total() < faults:
        harness.run_with_faults([target_fault(random) for _ in range(random.randint(4, 14))])
        if figures.scenarios % 10 == 0:
            print_progress(harness)


def disturb_source(harness: Harness, count: int) -> None:
    """Runs a scenario for each kind of fault, then more until so many faults and kills have hit."""
    figures, random = harness.figures, harness.random
    for kind in SOURCE_KINDS:
        faults = [source_fault(kind, random, nth) for nth in (1, 4)]
        harness.run_with_faults(faults, source=True)
    while figures.faults.total() < count or figures.kills.total() < count:
        faults = [random_source_fault(random) for _ in range(random.randint(2, 8))]
        harness.run_with_faults(faults, [kill_before_archiving(harness)], source=True)
        more = [harness.random_kill() for _ in range(random.randint(2, 8))]
        harness.run_with_kills([kill_before_archiving(harness), *more])
        if figures.scenarios % 10 == 0:
            harness.run_with_restart(random.uniform(0.1, 1.0), source=True)
            print_progress(harness)


def plant(harness: MishapHarness, times: int, *, served: bool) -> None:
    """Runs the scenario of each planted fault so often, and once without its remedy.

    A missing remedy that is not noticed is a problem.
    """
    for name, planted in PLANTED.items():
        if planted.served is not served:
            continue
        for _ in range(times):
            planted.run(harness, "")
        if notices_absence(harness, planted):
            harness.figures.noticed += 1
        else:
            text = f"{name}: that there is no {planted.remedy} is not noticed"
            harness.figures.problems.append(text)
        print_progress(harness)


def kill_before_archiving(harness: Harness) -> Kill:
    """Draws a kill between an adjustment and the archiving of its license change."""
    return Kill("adjustment", harness.random.randint(1, harness.calls["adjustment"]), "after")


def print_progress(harness: Harness) -> None:
    """Prints a line of progress."""
    figures = harness.figures
    sys.stderr.write(
        f"{figures.kills.total()} kills, {figures.faults.total()} faults, clean: {figures.clean}\n"
    )


if __name__ == "__main__":
    sys.exit(main())
