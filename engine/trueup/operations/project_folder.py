"""Finds the folder of a project, or creates a new one."""

import shutil
from pathlib import Path

from trueup.config.file_names import FLEET, PROJECT
from trueup.errors import EngineError

PARTS = (PROJECT, "mappings", "rules", "schemas", "examples")
"""What a new project consists of, besides its tests."""

TESTS = "tests"
"""The folder of a project with its tests."""

_SHIPPED_TESTS = "tests/project"
"""Where the tests of the shipped project are."""


def shipped_folder() -> Path:
    """The folder with the shipped trueup.yaml, mappings, rules, schemas and examples."""
    package = Path(__file__).parents[1]
    in_wheel = package / "share"
    return in_wheel if in_wheel.is_dir() else package.parents[1]


def shipped_schemas() -> Path:
    """The folder with the shipped schemas and catalogues."""
    return shipped_folder() / "schemas"


def shipped_tests() -> Path:
    """The folder with the tests of the shipped project, and their defaults."""
    return shipped_folder() / _SHIPPED_TESTS


def find_project(folder: Path | str = ".") -> Path:
    """Returns the nearest folder with a trueup.yaml or fleet.yaml: this one or a parent.

    Returns the folder itself if there is none.
    """
    start = Path(folder)
    above = start.absolute()
    for candidate in (above, *above.parents):
        if (candidate / PROJECT).is_file() or (candidate / FLEET).is_file():
            return start if candidate == above else candidate
    return start


def create_project(folder: Path | str) -> list[str]:
    """Copies the shipped project, with example data, into a folder; returns what was created.

    Raises EngineError, with nothing written, if a part of it exists already.
    """
    shipped, new = shipped_folder(), Path(folder)
    existing = [str(new / name) for name in (*PARTS, TESTS) if (new / name).exists()]
    if existing:
        raise EngineError(
            f"{', '.join(existing)} exists already: choose another folder, or move it away"
        )
    new.mkdir(parents=True, exist_ok=True)
    ignored = shutil.ignore_patterns("__pycache__", "*.py", ".*")
    for name in PARTS:
        if (shipped / name).is_dir():
            shutil.copytree(shipped / name, new / name, ignore=ignored)
        else:
            shutil.copyfile(shipped / name, new / name)
    shutil.copytree(shipped_tests(), new / TESTS, ignore=ignored)
    return [str(new / name) for name in (*PARTS, TESTS)]
