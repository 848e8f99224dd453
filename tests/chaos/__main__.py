"""`make chaos`: a thousand kills and a thousand faults, and what came of them."""

import argparse
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.chaos.harness import Harness, systematic


def main() -> int:
    """Prints the figures; 0 when nothing is double and nothing lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--faults", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    said = parser.parse_args()
    with TemporaryDirectory(prefix="trueup-chaos-") as folder:
        harness = Harness(Path(folder), said.seed)
        try:
            tell(harness, said.kills, said.faults)
        finally:
            harness.close()
    sys.stdout.write(harness.figures.text() + "\n")
    return 0 if harness.figures.clean else 1


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
