"""A project: load it from its folder, check its files."""

from pathlib import Path

from trueup.config import loader
from trueup.model.finding import Finding
from trueup.model.overlay import Overlay
from trueup.model.project import Project
from trueup.operations.project_folder import shipped_folder


def load_project(folder: Path | str = ".", *, overlay: Overlay | None = None) -> Project:
    """The checked project in a folder. Raises ConfigError with all that is wrong with its files.

    `overlay` is what a tenant of a fleet has of its own; its secrets and its state are not there.
    """
    return loader.load(Path(folder), shipped=shipped_folder() / "schemas", overlay=overlay)


def load_connections(folder: Path | str = ".") -> Project:
    """The project without its mappings and rules, which may have errors. Raises ConfigError."""
    return loader.load_connections(Path(folder), shipped=shipped_folder() / "schemas")


def check_project(
    folder: Path | str = ".",
    *,
    decisions: bytes | None = None,
    project: bytes | None = None,
    overlay: Overlay | None = None,
) -> tuple[Project | None, list[Finding]]:
    """The project, or None if it cannot be used, and all findings about its files.

    `decisions` is read in place of mappings/decisions.yaml, and `project` in place of trueup.yaml,
    to check it before it is written. `overlay` is what a tenant of a fleet has of its own.
    """
    return loader.check(
        Path(folder),
        shipped=shipped_folder() / "schemas",
        decisions=decisions,
        project=project,
        overlay=overlay,
    )
