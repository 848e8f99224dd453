"""Measures the plan of a tenant in which nothing has changed: the demo, planned after its apply.

CPU is that of the process, as a ratio to a bare interpreter and to the first plan. The sandbox of
the demo runs in the same process, so that its CPU is in the figures. Processes take turns.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

from trueup import wiring
from trueup.operations.plan import plan_in
from trueup.operations.project import load_project
from trueup.ports.target import CachePolicy

from tests.bench.start import BARE, TRUEUP, cpu, print_line

FIRST, FULL, CHANGED = "first plan", "second plan, full reads", "second plan, by increments"
RUNS = 7


def main(runs: int = RUNS) -> None:
    """Prints CPU and calls of the first plan, and of plans with nothing to change."""
    with tempfile.TemporaryDirectory() as folder:
        new, applied, changed = prepare(Path(folder))
        again = Path(folder) / "again"

        def plan_anew() -> float:
            shutil.rmtree(again, ignore_errors=True)
            return cpu([*TRUEUP, "plan"], shutil.copytree(new, again))

        cases: dict[str, Callable[[], float]] = {
            "bare": lambda: cpu(BARE, new),
            FIRST: plan_anew,
            FULL: lambda: cpu([*TRUEUP, "plan"], applied),
            CHANGED: lambda: cpu([*TRUEUP, "plan"], changed),
        }
        seconds: dict[str, list[float]] = {title: [] for title in cases}
        for _ in range(runs):
            for title, measure in cases.items():
                seconds[title].append(measure())
        cost = {title: median(taken) for title, taken in seconds.items()}
        calls = {
            FIRST: calls_of(new, CachePolicy.RENEWED),
            FULL: calls_of(applied, CachePolicy.USED),
            CHANGED: calls_of(changed, CachePolicy.USED),
        }
    sys.stdout.write("\nAn unchanged tenant: CPU / that of a bare interpreter, calls\n")
    for title, sent in calls.items():
        of_first = f"{cost[title] / cost[FIRST]:.2f} of the first plan's CPU"
        figures = f"{cost[title] / cost['bare']:>11.1f} {sent:>7} calls"
        remark = "" if title == FIRST else f"{of_first}, {sent / calls[FIRST]:.2f} of its calls"
        print_line(title, figures, remark)


def prepare(folder: Path) -> tuple[Path, Path, Path]:
    """Returns new projects of the demo: as it begins, applied, and applied and read by changes."""
    run(folder, "init", "new")
    new, applied, changed = (folder / name for name in ("new", "applied", "changed"))
    shutil.copytree(new, applied)
    run(applied, "plan", "--out", "plan.json")
    run(applied, "apply", "plan.json", "--yes")
    shutil.copytree(applied, changed)
    project = changed / "trueup.yaml"
    text = project.read_text(encoding="utf-8")
    project.write_text(text.replace("\ntarget:\n", "\ntarget:\n  read: changed\n", 1), "utf-8")
    run(applied, "plan")  # what plans keep is there from now on
    run(changed, "plan")
    return new, applied, changed


def run(folder: Path, *arguments: str) -> None:
    """Runs a command line."""
    subprocess.run([*TRUEUP, *arguments], cwd=folder, capture_output=True, check=True)


def calls_of(folder: Path, kept: CachePolicy) -> int:
    """Returns the requests that one plan of a project sends."""
    project = load_project(folder)
    with wiring.open_world(project, metadata=kept, records=kept) as world:
        plan_in(world, project)
        return world.target.calls


if __name__ == "__main__":
    main()
