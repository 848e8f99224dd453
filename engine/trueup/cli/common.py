"""What all commands have in common: `--project DIR`, `--json`, `--no-color`, `-v`.

A command imports its operation, and what renders the result, when it runs: help and completion need
its options only.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING

import click

from trueup import operating_system
from trueup.cli.terminal import columns, style
from trueup.render.style import Style

if TYPE_CHECKING:
    from trueup.model.project import Project

Run = Callable[..., int]


@dataclass(frozen=True, slots=True)
class CommandContext:
    """Where a command works, and how it shows results."""

    folder: Path
    json: bool
    verbose: bool
    style: Style

    def project(self) -> "Project":
        """The project, checked. Raises ConfigError."""
        from trueup.operations.project import load_project

        return load_project(self.folder)

    def command(self, *arguments: object) -> str:
        """A command line for this project, as it is typed in a shell from the current folder."""
        project = () if self.folder == Path() else ("--project", self.folder)
        return operating_system.shell_quoted("trueup", *arguments, *project)


def common(command: Run) -> Run:
    """Gives a command the common options; its first argument is a `CommandContext`."""

    @click.option(
        "--project",
        "project",
        metavar="DIR",
        type=click.Path(path_type=Path, file_okay=False),
        help="The project's folder; by default the current one, or the nearest one above it.",
    )
    @click.option("--json", "as_json", is_flag=True, help="Write JSON, for programs.")
    @click.option(
        "--no-color", is_flag=True, help="No colours, not even on a terminal (as NO_COLOR does)."
    )
    @click.option("-v", "--verbose", is_flag=True, help="Show everything in full.")
    @wraps(command)
    def run(
        *, project: Path | None, as_json: bool, no_color: bool, verbose: bool, **rest: object
    ) -> int:
        from trueup.operations.project_folder import find_project

        context = CommandContext(
            project or find_project(),
            as_json,
            verbose,
            replace(style(no_color=no_color or as_json), columns=columns()),
        )
        return command(context, **rest)

    return run
