"""What all commands have in common: `--project DIR`, `--json`, `--no-color`, `-v`."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from engine import wiring
from engine.cli.terminal import style
from engine.config.reading import CODE as PROJECT
from engine.errors import ConfigError
from engine.model.finding import Finding, Severity
from engine.model.project import Project
from engine.render.style import Style

Run = Callable[..., int]


@dataclass(frozen=True, slots=True)
class Here:
    """Where a command works and how it speaks."""

    folder: Path
    json: bool
    verbose: bool
    style: Style

    def project(self) -> Project:
        """The project, checked. Raises ConfigError."""
        return wiring.load_project(self.folder)

    def checked(self) -> tuple[Project, list[Finding]]:
        """The project, and which of its files count for nothing. Raises ConfigError."""
        project, findings = wiring.check_project(self.folder)
        if project is None:
            raise ConfigError([one for one in findings if one.severity is Severity.ERROR])
        return project, [one for one in findings if one.code == PROJECT]


def common(command: Run) -> Run:
    """Gives a command the common options; it gets a `Here` as its first argument."""

    @click.option(
        "--project",
        "project_folder",
        metavar="DIR",
        default=".",
        type=click.Path(path_type=Path, file_okay=False),
        help="The project's folder; the current one if left out.",
    )
    @click.option("--json", "as_json", is_flag=True, help="Write JSON, for programs.")
    @click.option("--no-color", is_flag=True, help="No colours, not even on a terminal (as NO_COLOR does).")
    @click.option("-v", "--verbose", is_flag=True, help="Fold nothing.")
    @wraps(command)
    def run(project_folder: Path, as_json: bool, no_color: bool, verbose: bool, **rest: Any) -> int:  # noqa: ANN401, FBT001 -- click's
        here = Here(project_folder, as_json, verbose, style(no_color=no_color or as_json))
        return command(here, **rest)

    return run


def example(*lines: str) -> str:
    """An epilog that shows how the command is used, line by line as given."""
    return "\b\nExample:\n" + "\n".join(f"  {line}" for line in lines)
