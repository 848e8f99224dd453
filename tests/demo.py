"""`make demo`: Work 365 becomes Autotask on this machine, on a copy, and nothing is left behind.

Plans, applies, plans again (nothing left to do), then changes one line of a mapping and plans once more.
"""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

TRUEUP = [sys.executable, "-m", "engine"]


def main() -> int:
    """Runs the demo; 0 when each command did what it should."""
    with TemporaryDirectory(prefix="trueup-demo-") as folder:
        work = Path(folder) / "work"
        run(Path(folder), "init", "work")
        run(work, "plan", "--out", "plan.json")
        run(work, "apply", "plan.json", "--yes")
        say("Again: is anything left to do?")
        run(work, "plan", "--detailed-exitcode", only_end=True)
        say("One line of a mapping, changed: every company's name in capitals.")
        shout(work / "mappings" / "customer.yaml")
        run(work, "plan", only_end=True, expect=0)
    say("That was a copy: nothing of it is left. `trueup init work` makes one to keep.")
    return 0


def shout(mapping: Path) -> None:
    """Changes the one line by which a company gets its name."""
    lines = mapping.read_text(encoding="utf-8").splitlines(keepends=True)
    place = next(number for number, line in enumerate(lines) if line.lstrip().startswith("companyName:"))
    before = lines[place]
    lines[place] = before.replace("source.name", "source.name | upper", 1)
    if lines[place] == before:
        raise SystemExit(f"{mapping.name} has no companyName line as the demo expects it")
    mapping.write_text("".join(lines), encoding="utf-8")
    sys.stdout.write(f"- {before.strip()}\n+ {lines[place].strip()}\n")


def say(text: str) -> None:
    """A line of the demo's own."""
    sys.stdout.write(f"\n# {text}\n")
    sys.stdout.flush()


def run(folder: Path, *arguments: str, only_end: bool = False, expect: int = 0) -> None:
    """One command, shown as a user would type it; `only_end` shows its last lines."""
    sys.stdout.write(f"\n$ trueup {' '.join(arguments)}\n")
    sys.stdout.flush()
    done = subprocess.run([*TRUEUP, *arguments], cwd=folder, check=False, capture_output=only_end, text=True)
    if only_end:
        sys.stdout.write("".join(f"{line}\n" for line in done.stdout.splitlines()[-12:]) + done.stderr)
    if done.returncode != expect:
        raise SystemExit(f"exit code {done.returncode}, expected {expect}")


if __name__ == "__main__":
    sys.exit(main())
