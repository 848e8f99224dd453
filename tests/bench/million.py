"""Plans many subscriptions that are read from files: `python -m tests.bench.million [COUNT…]`.

By default 10,000, then 100,000, then 1,000,000; then the most of them with a license change for
each. Each plan runs in a process of its own. The rows are CSV files with 20 columns for each
subscription, of which the shipped mappings read 15; the rules on subscriptions are the shipped
ones, without the one that adds up license changes where there are none. The records of Autotask are
read from items as answers have them, so that they take as much memory as those of a tenant. The
links are in memory.
"""

import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from trueup.model.document import write
from trueup.model.project import Project
from trueup.pipeline import plan
from trueup.ports.target import Condition, Record
from trueup.ports.world import World
from trueup.source.files.source import FileSource
from trueup.target.autotask.wire import record_reader

from tests.bench.adapters import LoadedState, LoadedTarget, loaded_world
from tests.bench.plans import shipped_project, with_reference_data
from tests.bench.subscriptions import contract_service, contracts_of, many_rows, surroundings
from tests.support.paths import ROOT

COUNTS = (10_000, 100_000, 1_000_000)
GOAL_MB = 2_000
_ADDS_UP_CHANGES = "subscription-logs-give-its-quantity"
_LEFT_OUT = ("parent", "psa_auto_sync", "commitment_end")
_MORE = {"selling_price": Decimal("12.34"), "cost_price": Decimal("9.87"), "linked": ""}


def main(counts: Sequence[int] = COUNTS) -> None:
    """Prints time and memory for each number of rows, and their ratios to the first."""
    sys.stdout.write("\nSubscriptions of 20 columns read from files, planned and saved\n")
    first: dict[str, float] = {}
    for count in counts:
        figures = measure(count)
        first = first or figures
        _print_line(f"{count:,} rows", figures, first)
    count = max(counts)
    _print_line(f"{count:,}, each with a change", measure(count, changes=True), first)


def _print_line(title: str, figures: dict[str, float], first: dict[str, float]) -> None:
    memory = f"peak {figures['peak_mb']:,.0f} MB"
    if figures["count"] >= max(COUNTS):
        memory += f", {figures['peak_mb'] / GOAL_MB:.2f} of the goal"
    ratio = _per_row(figures) / _per_row(first)
    remark = f"time per row / that of {first['count']:,} rows: {ratio:.2f} (goal: 1)"
    per_row = f"{_per_row(figures) * 1e6:>11,.0f} µs/row"
    sys.stdout.write(f"  {title:<36} {per_row:<24} {memory}; {remark}\n")
    sys.stdout.flush()


def _per_row(figures: dict[str, float]) -> float:
    return figures["seconds"] / figures["count"]


def measure(count: int, *, changes: bool = False) -> dict[str, float]:
    """Plans so many rows in a process of its own; returns seconds of CPU and the peak in MB.

    With `changes`, each row has a license change.
    """
    with tempfile.TemporaryDirectory(prefix="trueup-bench-") as folder:
        write_files(Path(folder), count, changes=changes)
        command = [sys.executable, "-m", "tests.bench.million", "--plan", folder, str(count)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout
            figures: dict[str, float] = json.loads(process.stdout.read())
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
    return {**figures, "count": count, "peak_mb": usage.ru_maxrss / 1000}


def write_files(folder: Path, count: int, *, changes: bool = True) -> None:
    """Writes the tables as CSV files, row by row; that of license changes may be empty."""
    tables: dict[str, Iterable[dict[str, Any]]] = {**surroundings(count).tables, **many_rows(count)}
    catalogue = shipped_project(rules=True).catalogue.tables
    for name, rows in tables.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            columns = [*catalogue[name].columns]
            if name == "license_change" and not changes:
                rows = ()  # noqa: PLW2901 -- none
            if name == "subscription":
                columns = [column for column in columns if column not in _LEFT_OUT]
                rows = (_MORE | row for row in rows)  # noqa: PLW2901 -- the same rows, complete
            writer = csv.DictWriter(file, columns, restval="")
            writer.writeheader()
            writer.writerows(rows)


class MadeTarget(LoadedTarget):
    """Records in memory; contract services are made and read as those of an answer are."""

    count = 0

    def read(self, entity: str, where: Sequence[Condition], fields: Sequence[str]) -> list[Record]:
        if entity != "ContractServices" or any(condition.field == "id" for condition in where):
            return super().read(entity, where, fields)
        contracts, empty = contracts_of(self.count), dict.fromkeys(fields)
        read = record_reader(self.entity(entity), fields)
        items = (contract_service(number, contracts) for number in range(self.count))
        return [read(empty | item) for item in items]


def opened(folder: Path, count: int) -> tuple[Project, World]:
    """Returns the shipped project, and the world of these files with a record for each row."""
    project, data = shipped_project(rules=True), surroundings(count)
    with (folder / "license_change.csv").open(encoding="utf-8") as file:
        if len([*islice(file, 2)]) == 1:  # the headings alone
            rules = tuple(rule for rule in project.rules if rule.name != _ADDS_UP_CHANGES)
            project = replace(project, rules=rules)
    target = MadeTarget(with_reference_data(project, data.records), data.records)
    target.count = count
    source = FileSource(folder, project.catalogue.tables, "rows")
    return project, loaded_world(source, target, LoadedState(data.links))


def plan_files(folder: Path, count: int) -> dict[str, float]:
    """Plans the files of a folder, and saves the plan beside them."""
    project, world = opened(folder, count)
    start = time.process_time()
    made = plan(project, world)
    with (folder / "plan.json").open("wb+") as file:
        write(made, file)
    figures = {"seconds": time.process_time() - start, "changes": len(made.changes)}
    unsound = [blocked for blocked in made.blocked if not blocked.because]
    if unsound:
        raise SystemExit(f"a subscription of the benchmark is not sound: {unsound[0]}")
    return figures


if __name__ == "__main__":
    if sys.argv[1:2] == ["--plan"]:
        sys.stdout.write(json.dumps(plan_files(Path(sys.argv[2]), int(sys.argv[3]))) + "\n")
    else:
        main([int(argument) for argument in sys.argv[1:]] or COUNTS)
