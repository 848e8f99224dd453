"""Measures a plan and an apply of the demo from a large export: `python -m tests.bench.exports`.

The demo's tables are padded with rows that no mapping uses, to 112 MB of JSON by default; all
changes are those of the demo. The plan reads everything, and the apply only the rows of its
changes. Both are processes of their own, the sandbox of Autotask included. The same rows are
measured as CSV, and a tenth of them as workbooks, which each write-back parses and writes as a
whole.
"""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from openpyxl import Workbook

MEGABYTES = 112
_SPARE = {
    "license_change": {
        "_work365_lcl_subscription_value": str(UUID(int=1)),
        "work365_lcl_effectivedate": "2025-01-01",
        "statuscode": 2,
        "statuscode@OData.Community.Display.V1.FormattedValue": "Archived",
    },
    "contact": {
        "statecode": 1,
        "statecode@OData.Community.Display.V1.FormattedValue": "Inactive",
    },
}
"""By table, what makes a row one that no mapping uses: an archived change, a contact that left."""


@dataclass(frozen=True, slots=True)
class Used:
    """What one process has used."""

    cpu: float  # seconds
    memory: float  # MB at its peak


def main(megabytes: float = MEGABYTES) -> None:
    """Prints CPU time and peak memory of both commands for each format, and their ratios."""
    compare("json", megabytes)
    compare("csv", megabytes)
    compare("xlsx", megabytes / 10)


def compare(suffix: str, megabytes: float) -> None:
    """Prints the figures of one format; the size is that of the rows as JSON."""
    with TemporaryDirectory(prefix="trueup-bench-") as folder:
        work = Path(folder) / "work"
        _run(Path(folder), "init", "work")
        exports = work / "examples" / "work365"
        with ProcessPoolExecutor(1, get_context("spawn")) as other:
            # A child's peak is at least the memory of the process that starts it.
            rows = other.submit(prepare, exports, suffix, megabytes * 1e6).result()
        size = sum(file.stat().st_size for file in exports.iterdir())
        plan = _run(work, "plan", "--out", "plan.json")
        apply = _run(work, "apply", "plan.json", "--yes")
        changes = len(json.loads((work / "plan.json").read_text(encoding="utf-8"))["changes"])

    export = f"an export of {rows:,} rows, {size / 1e6:,.0f} MB of {suffix}"
    sys.stdout.write(f"\n{changes} changes of the demo, from {export}\n")
    for title, used in (("plan", plan), ("apply", apply)):
        line = f"  {title:<36} {used.cpu:>11.1f} s of CPU {used.memory:>7,.0f} MB"
        sys.stdout.write(f"{line}\n")
    for title, ratio, goal in (
        ("apply / plan, CPU", apply.cpu / plan.cpu, 1.5),
        ("apply / plan, memory", apply.memory / plan.memory, 1.2),
    ):
        sys.stdout.write(f"  {title:<36} {ratio:>11.2f}       goal: {goal}\n")
    sys.stdout.flush()


def prepare(exports: Path, suffix: str, size: float) -> int:
    """Pads the tables, and writes them in that format; returns the rows of those padded."""
    rows = sum(pad(exports, size))
    if suffix != "json":
        convert(exports, suffix)
    return rows


def pad(exports: Path, size: float) -> Iterator[int]:
    """Adds rows to the tables until they have that many bytes in all; yields the rows of each."""
    for table, spare in _SPARE.items():
        file = exports / f"{table}.json"
        document = json.loads(file.read_text(encoding="utf-8"))
        key = next(name for name, value in document["value"][0].items() if _is_guid(value))
        row = {**document["value"][0], **spare}
        lines = [json.dumps(one, ensure_ascii=False) for one in document["value"]]
        while len(lines[-1]) * len(lines) < size / len(_SPARE):
            number = UUID(int=(len(lines) << 64) + 1)
            lines.append(json.dumps({**row, key: str(number)}, ensure_ascii=False))
        text = json.dumps({**document, "value": []})[:-2] + "\n" + ",\n".join(lines) + "\n]}\n"
        file.write_text(text, encoding="utf-8")
        yield len(lines)


def convert(exports: Path, suffix: str) -> None:
    """Writes each table of JSON as CSV or as a workbook instead."""
    write = {"csv": _write_csv, "xlsx": _write_workbook}[suffix]
    for file in exports.glob("*.json"):
        rows = json.loads(file.read_text(encoding="utf-8"))["value"]
        names = list(dict.fromkeys(name for row in rows for name in row))
        write(file.with_suffix(f".{suffix}"), names, rows)
        file.unlink()


def _write_csv(file: Path, names: list[str], rows: list[dict[str, Any]]) -> None:
    with file.open("w", newline="", encoding="utf-8") as text:
        writer = csv.DictWriter(text, names)
        writer.writeheader()
        writer.writerows(rows)


def _write_workbook(file: Path, names: list[str], rows: list[dict[str, Any]]) -> None:
    book = Workbook(write_only=True)
    sheet = book.create_sheet(file.stem)
    for row in ({name: name for name in names}, *rows):
        sheet.append([row.get(name) for name in names])
    book.save(file)


def _is_guid(value: object) -> bool:
    return isinstance(value, str) and len(value) == len(str(UUID(int=0))) and value.count("-") == 4


def _run(folder: Path, *command: str) -> Used:
    """Runs a command of trueup; its outcome must be good."""
    with (folder / "output.txt").open("w+b") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "trueup", *command], cwd=folder, stdout=output, stderr=output
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            output.seek(0)
            raise RuntimeError(f"trueup {' '.join(command)}: {output.read().decode()}")
    return Used(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000)


if __name__ == "__main__":
    main(*[float(argument) for argument in sys.argv[1:2]])
