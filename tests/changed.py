"""Prints the tests of what changed, for `make quick`.

Tests mirror the code: those of `engine/trueup/planning/ledger/moves.py` are
`tests/planning/ledger/test_moves.py` if that exists, otherwise the nearest folder. What changed is
what git has not committed, or else the last commit.
"""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).parents[1]
ENGINE = PurePosixPath("engine/trueup")
OTHERS = {
    "mappings": "tests/rules",
    "rules": "tests/rules",
    "schemas": "tests/config",
    "examples": "tests/examples",
    "trueup.yaml": "tests/config",
}
"""Tests of what is not code, by its first folder."""

ALWAYS = "tests/model"
"""What is run when nothing else is found."""


def find_tests(path: str, root: Path = ROOT) -> str | None:
    """Returns the tests of a file, relative to the root; None if there are none."""
    file = PurePosixPath(path)
    if file.parts[0] == "tests":
        return path if file.name.startswith("test_") and (root / path).is_file() else None
    if not file.is_relative_to(ENGINE):
        return OTHERS.get(file.parts[0])
    if file.suffix != ".py":
        return None

    inside = file.relative_to(ENGINE)
    folder = PurePosixPath("tests") / inside.parent
    candidates = [folder / f"test_{inside.name}", folder / inside.stem, folder]
    while folder != PurePosixPath("tests"):
        folder = folder.parent
        candidates.append(folder)
    for candidate in candidates:
        if candidate != PurePosixPath("tests") and (root / candidate).exists():
            return candidate.as_posix()
    return None


def selected(paths: Iterable[str], root: Path = ROOT) -> list[str]:
    """Returns the tests of all files; none of them lies in another one."""
    found = {tests for path in paths if (tests := find_tests(path, root))}
    outermost = [
        one for one in found if not any(PurePosixPath(one).is_relative_to(f) for f in found - {one})
    ]
    return sorted(outermost) or [ALWAYS]


def _git(*arguments: str) -> list[str]:
    done = subprocess.run(
        ["git", "-c", "core.quotepath=off", *arguments],
        cwd=ROOT,
        check=True,
        capture_output=True,
        encoding="utf-8",
    )
    return done.stdout.splitlines()


def changed() -> list[str]:
    """Returns the files that differ from the last commit, or that the last commit changed."""
    uncommitted = _git("diff", "--name-only", "HEAD")
    uncommitted += _git("ls-files", "--others", "--exclude-standard")
    return uncommitted or _git("diff-tree", "--no-commit-id", "--name-only", "-r", "HEAD")


if __name__ == "__main__":
    sys.stdout.write(" ".join(selected(changed())) + "\n")
