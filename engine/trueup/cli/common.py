"""The common options of all commands: `--project DIR`, `--json`, `--no-color`, `-v`.

Commands for one project have `--tenant NAME` as well. A command imports its operation, and what
renders the result, when it runs: help and completion need its options only.
"""

import os
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING

import click
from msgspec import Struct
from msgspec.structs import replace

from trueup import operating_system
from trueup.cli.open_fleets import find_fleet, names_tenants
from trueup.cli.output_files import (
    given_outputs,
    require_no_input,
    require_no_input_of_fleet,
)
from trueup.cli.terminal import columns, style
from trueup.config.file_names import FLEET, PROJECT
from trueup.local_files import is_absent
from trueup.render.style import Style

if TYPE_CHECKING:
    from trueup.model.project import Project

Run = Callable[..., int]


class CommandContext(Struct, frozen=True):
    """The project of a command, and how the command shows results."""

    folder: Path  # of the project; with `tenant` that of fleet.yaml
    json: bool
    verbose: bool
    style: Style
    tenant: str = ""  # the tenant of the project; "" without a fleet
    outputs: tuple[Path, ...] = ()  # files that the command writes: none may be of a project

    def project(self) -> "Project":
        """Returns the checked project. Raises ConfigError.

        The project of a tenant has its secrets, and its state in the fleet's database, which is
        available until the command ends. Raises EngineError for a tenant that fleet.yaml does not
        have, and UsageError if the command would write a file that belongs to the project, or to
        a tenant of a fleet: the command's own, or one whose folder the file is in.
        """
        return self._checked(self._project())

    def connections(self) -> "Project":
        """As `project`, without mappings and rules, which may have errors."""
        return self._checked(self._connections())

    def _project(self) -> "Project":
        if self.tenant:
            from trueup.cli.tenant import tenant_project

            return tenant_project(self.folder, self.tenant)
        from trueup.operations.project import load_project

        return load_project(self.folder)

    def _connections(self) -> "Project":
        if self.tenant:
            from trueup.cli.tenant import tenant_connections

            return tenant_connections(self.folder, self.tenant)
        from trueup.operations.project import load_connections

        return load_connections(self.folder)

    def require_outputs(self) -> None:
        """Raises UsageError if the command would write a file that belongs to a project.

        It is for commands that need no project: there may be none, or a fleet. Raises ConfigError
        for one that cannot be read: the names of its files are then unknown.
        """
        if not self.outputs:
            return
        if not self.tenant and not is_absent(self.folder / PROJECT):
            self.connections()
        else:
            self._require_outside_fleets()

    def _checked(self, project: "Project") -> "Project":
        for file in self.outputs:
            require_no_input(file, project)
        self._require_outside_fleets()
        return project

    def _require_outside_fleets(self) -> None:
        if not self.outputs:
            return
        from trueup.cli.tenant import read_fleet

        own = self.folder if self.tenant or not is_absent(self.folder / FLEET) else None
        for file in self.outputs:
            above = find_fleet(Path(os.path.realpath(file)).parent)
            above = above if above and names_tenants(above) else None
            for folder in {os.path.realpath(one) for one in (own, above) if one}:
                require_no_input_of_fleet(file, read_fleet(Path(folder)))

    def command(self, *arguments: object) -> str:
        """Returns a command line for this project, to be typed in the current folder."""
        project = () if self.folder == Path() else ("--project", self.folder)
        tenant = ("--tenant", self.tenant) if self.tenant else ()
        return operating_system.shell_quoted("trueup", *arguments, *project, *tenant)

    def own_file(self, project: "Project", file: str) -> str:
        """Returns the path of a file in the project's own folder, for messages.

        It is relative to the project's folder, or to that of fleet.yaml.
        """
        if not self.tenant:
            return file
        path, fleet = (project.own / file).absolute(), self.folder.absolute()
        return path.relative_to(fleet).as_posix() if path.is_relative_to(fleet) else str(path)


def common(command: Run) -> Run:
    """Adds the common options to a command; its first argument is a `CommandContext`."""

    @_common_options
    @wraps(command)
    def run(
        *, project: Path | None, as_json: bool, no_color: bool, verbose: bool, **rest: object
    ) -> int:
        from trueup.operations.project_folder import find_project

        context = CommandContext(
            project or find_project(),
            as_json,
            verbose,
            _style(no_color=no_color or as_json),
            outputs=given_outputs(rest),
        )
        return command(context, **rest)

    return run


def common_with_tenant(command: Run) -> Run:
    """As `common`, for a command that also works on one tenant of a fleet."""

    @click.option(
        "--tenant",
        metavar="NAME",
        help="Work on this tenant of a fleet; --project is then the folder with fleet.yaml.",
    )
    @common
    @wraps(command)
    def run(context: CommandContext, *, tenant: str | None, **rest: object) -> int:
        if tenant:
            from trueup.cli.tenant import fleet_folder

            context = replace(context, folder=fleet_folder(context.folder), tenant=tenant)
        return command(context, **rest)

    return run


def _common_options(command: Run) -> Run:
    options = (
        click.option(
            "--project",
            "project",
            metavar="DIR",
            type=click.Path(path_type=Path, file_okay=False),
            help="The project's folder; by default the current one, or the nearest one above it.",
        ),
        click.option("--json", "as_json", is_flag=True, help="Write JSON, for programs."),
        click.option(
            "--no-color",
            is_flag=True,
            help="No colours, not even on a terminal (as NO_COLOR does).",
        ),
        click.option("-v", "--verbose", is_flag=True, help="Show everything in full."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _style(*, no_color: bool) -> Style:
    return replace(style(no_color=no_color), columns=columns())
