"""Loads a project from its folder, and checks its files."""

from pathlib import Path

from trueup.config import loader
from trueup.model.arguments import require
from trueup.model.finding import Finding
from trueup.model.overlay import Overlay
from trueup.model.project import Project
from trueup.operations.arguments import path_text
from trueup.operations.project_folder import shipped_schemas


def load_project(folder: Path | str = ".", *, overlay: Overlay | None = None) -> Project:
    """Returns the checked project in a folder.

    Raises ConfigError with all findings about its files. `overlay` has the values of a fleet's
    tenant; its secrets and its state are not included.
    """
    if overlay is not None:
        require("overlay", overlay, Overlay)
    return loader.load(_path(folder), shipped=shipped_schemas(), overlay=overlay)


def load_connections(folder: Path | str = ".") -> Project:
    """As `load_project`, without mappings and rules, which may have errors.

    Raises ConfigError.
    """
    return loader.load_connections(_path(folder), shipped=shipped_schemas())


def check_project(
    folder: Path | str = ".",
    *,
    decisions: bytes | None = None,
    project: bytes | None = None,
    overlay: Overlay | None = None,
) -> tuple[Project | None, list[Finding]]:
    """Returns the project, or None if it has errors, and all findings about its files.

    `decisions` is read in place of mappings/decisions.yaml, and `project` in place of trueup.yaml,
    to check it before it is written. `overlay` has the values of a fleet's tenant.
    """
    given = (
        ("decisions", decisions, bytes),
        ("project", project, bytes),
        ("overlay", overlay, Overlay),
    )
    for name, value, kind in given:
        if value is not None:
            require(name, value, kind)
    return loader.check(
        _path(folder),
        shipped=shipped_schemas(),
        decisions=decisions,
        project=project,
        overlay=overlay,
    )


def _path(folder: Path | str) -> Path:
    return Path(path_text("folder", folder))
