"""`make chaos`: a thousand kills and a thousand faults, and what came of them."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.chaos.dataverse import KINDS, fault, some_fault
from tests.chaos.harness import Harness, systematic
from tests.chaos.victim import Kill


def main() -> int:
    """Prints the figures; 0 when nothing is double and nothing lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--faults", type=int, default=1000)
    parser.add_argument("--source", type=int, default=100, help="faults of Work 365's Dataverse, and as many kills")
    parser.add_argument("--seed", type=int, default=1)
    said = parser.parse_args()
    files = told("Work 365 in files", said.seed, lambda harness: tell(harness, said.kills, said.faults))
    served = told("Work 365 in Dataverse", said.seed, lambda harness: tell_source(harness, said.source), served=True)
    return 0 if files and served else 1


def told(title: str, seed: int, stories: Callable[[Harness], None], *, served: bool = False) -> bool:
    """Tells the stories with a harness of their own, prints the figures; True when all is clean."""
    with TemporaryDirectory(prefix="trueup-chaos-") as folder:
        harness = Harness(Path(folder), seed, served=served)
        try:
            stories(harness)
        finally:
            harness.close()
    sys.stdout.write(f"{title}\n{harness.figures.text()}\n")
    sys.stdout.flush()
    return harness.figures.clean


def tell_source(harness: Harness, count: int) -> None:
    """A story for each kind of fault, then stories until so many of them, and so many kills, have hit."""
    figures, drawn = harness.figures, harness.random
    for kind in KINDS:
        harness.broken([fault(kind, drawn, nth) for nth in (1, 4)], source=True)
    while sum(figures.faults.values()) < count or sum(figures.kills.values()) < count:
        faults = [some_fault(drawn) for _ in range(drawn.randint(2, 8))]
        harness.broken(faults, [between(harness)], source=True)
        harness.killed([between(harness), *(harness.some_kill() for _ in range(drawn.randint(2, 8)))])
        if figures.stories % 10 == 0:
            harness.restarted(drawn.uniform(0.1, 1.0), source=True)
            show(harness)


def between(harness: Harness) -> Kill:
    """A kill between an adjustment and the archiving of its log."""
    return Kill("adjustment", harness.random.randint(1, harness.calls["adjustment"]), "after")


def tell(harness: Harness, kills: int, faults: int) -> None:
    """Stories until so many kills and faults have hit."""
    figures, places = harness.figures, systematic(harness)
    harness.random.shuffle(places)
    while sum(figures.kills.values()) < kills:
        planned, places = places[:1], places[1:]
        harness.killed([*planned, *(harness.some_kill() for _ in range(harness.random.randint(4, 14)))])
        if figures.stories % 10 == 0:
            harness.restarted(harness.random.uniform(0.1, 1.0))
            show(harness)
    while sum(figures.faults.values()) < faults:
        harness.broken([harness.some_fault() for _ in range(harness.random.randint(4, 14))])
        if figures.stories % 10 == 0:
            show(harness)


def show(harness: Harness) -> None:
    """A line of progress."""
    figures = harness.figures
    sys.stderr.write(
        f"{sum(figures.kills.values())} kills, {sum(figures.faults.values())} faults, clean: {figures.clean}\n"
    )


if __name__ == "__main__":
    sys.exit(main())
