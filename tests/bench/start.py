"""Measures the start of commands: CPU as a ratio to a bare interpreter, and what imports cost."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from trueup.config.sound_files import FILE as SOUND_FILES

BARE = [sys.executable, "-c", "pass"]
CLICK = [sys.executable, "-c", "import click"]
_RUN = """import runpy, sys
sys.modules['rich'] = None
runpy.run_module('trueup', run_name='__main__', alter_sys=True)"""
TRUEUP = [sys.executable, "-c", _RUN]
"""The command line as users have it, without rich. That comes with a tool for developers, and httpx
would import it, for a command of its own."""

COMPLETION = {"_TRUEUP_COMPLETE": "bash_complete", "COMP_CWORD": "1"}
VALIDATE_CHANGED = "validate, other files than before"
RUNS = 15

COMMANDS: Mapping[str, Sequence[str]] = {
    "init": ("init", "new"),
    "validate": ("validate",),
    "plan": ("plan", "--out", "plan.json"),
    "show": ("show", "plan.json"),
    "graph": ("graph", "plan.json"),
    "rehearse": ("rehearse", "plan.json"),
    "apply": ("apply", "plan.json"),
    "link": ("link", "customer", "Alpine Dental AG", "29683"),
    "decide": ("decide", "customer", "Alpine Dental AG", "ignore", "--reason", "bench"),
    "state": ("state", "list"),
    "history": ("history",),
    "doctor": ("doctor",),
    "sandbox": ("sandbox", "reset"),
}
"""One run of each command in the project of the demo. `discover` needs a Dataverse."""

_IMPORT = re.compile(r"import time:\s+(\d+) \|\s+\d+ \|\s+([\w.]+)")
"""A line of `python -X importtime`: microseconds without nested imports, and the module."""


def main(runs: int = RUNS, commands: Mapping[str, Sequence[str]] = COMMANDS) -> None:
    """Prints the ratios to a bare interpreter, and the imports of each command."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([*TRUEUP, "init", "work"], cwd=folder, capture_output=True, check=True)
        work = Path(folder) / "work"
        sys.stdout.write("\nCPU of a process / that of a bare interpreter\n")
        bare, figures = ratios(work, runs)
        for title, (ratio, goal) in figures.items():
            print_line(title, f"{ratio:>11.1f}", goal)
        sys.stdout.write("\nOne run of each command, and the share of imports in it\n")
        for name, arguments in commands.items():
            ratio = cpu([*TRUEUP, *arguments], shutil.copytree(work, Path(folder) / name)) / bare
            share, packages = imports(work, arguments)
            largest = ", ".join(f"{package} {part:.0%}" for package, part in packages)
            print_line(name, f"{ratio:>11.1f} {share:>7.0%}", f"of these {largest}")


def ratios(work: Path, runs: int) -> tuple[float, dict[str, tuple[float, str]]]:
    """Returns the seconds of a bare interpreter, and the ratio and goal of each command line.

    The cases take turns, because the speed of a busy machine changes.
    """
    completion = {**os.environ, **COMPLETION}
    cases: dict[str, tuple[list[str], Mapping[str, str] | None, str]] = {
        "bare interpreter": (BARE, None, ""),
        "`import click` alone": (CLICK, None, "what no command line is below"),
        "--version": ([*TRUEUP, "--version"], None, "goal: 6"),
        "--help": ([*TRUEUP, "--help"], None, "goal: 6"),
        "a mistyped command": ([*TRUEUP, "pln"], None, "goal: 6"),
        "completion of a command": (TRUEUP, {**completion, "COMP_WORDS": "trueup pl"}, "goal: 10"),
        "completion of an option": (
            TRUEUP,
            {**completion, "COMP_WORDS": "trueup plan --de", "COMP_CWORD": "2"},
            "goal: 10",
        ),
        VALIDATE_CHANGED: ([*TRUEUP, "validate"], None, ""),
        "validate, files as before": ([*TRUEUP, "validate"], None, "goal: 14"),
    }
    seconds: dict[str, list[float]] = {title: [] for title in cases}
    for _ in range(runs):
        for title, (command, environment, _goal) in cases.items():
            if title == VALIDATE_CHANGED:
                (work / SOUND_FILES).unlink(missing_ok=True)
            seconds[title].append(cpu(command, work, environment))
    bare = median(seconds["bare interpreter"])
    return bare, {title: (median(seconds[title]) / bare, cases[title][2]) for title in cases}


def cpu(
    command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None
) -> float:
    """Returns the seconds of CPU that a process takes, in the kernel too.

    It keeps the bytecode of what it imports, as an installed trueup has it.
    """
    given = os.environ if environment is None else environment
    kept = {name: value for name, value in given.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with subprocess.Popen(
        command,
        cwd=folder,
        env=kept,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        _, _, usage = os.wait4(process.pid, 0)
        process.returncode = 0  # it is waited for, so `with` must not wait
    return usage.ru_utime + usage.ru_stime


def imports(work: Path, arguments: Sequence[str]) -> tuple[float, list[tuple[str, float]]]:
    """Returns the share of imports in the time of one run, and that of the largest packages."""
    command = [sys.executable, "-X", "importtime", *TRUEUP[1:], *arguments]
    start = time.perf_counter()
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=True)
    elapsed = time.perf_counter() - start
    seconds: Counter[str] = Counter()
    for micros, module in _IMPORT.findall(done.stderr):
        seconds[_package(module)] += int(micros)
    total = seconds.total()
    largest = [(name, taken / total) for name, taken in seconds.most_common(4)]
    return total / 1e6 / elapsed, largest


def _package(module: str) -> str:
    """The package that a module is counted for: its top-level one, parts of Python as one."""
    package = module.partition(".")[0]
    return "Python's own" if package.lstrip("_") in _OWN or package in _OWN else package


_OWN = {*sys.stdlib_module_names, "encodings", "zipimport", "site", "sitecustomize"}


def print_line(title: str, figure: str, remark: str) -> None:
    """Prints a line of the table."""
    sys.stdout.write(f"  {title:<36} {figure:<24} {remark}".rstrip() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
