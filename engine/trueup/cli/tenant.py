"""`--tenant NAME`: the project of one tenant, for a command that works on a project."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from trueup.cli.open_fleets import find_fleet, needing_fleet, opened_fleet
from trueup.config.file_names import FLEET
from trueup.errors import EngineError
from trueup.model.suggestions import hint

if TYPE_CHECKING:
    from trueup.fleet.open_fleet import OpenFleet
    from trueup.model.fleet import Fleet, Tenant
    from trueup.model.project import Project

OPTION = "--tenant"

_OPENED = "trueup.fleet"
"""The key of the opened fleet in a command's context."""


def fleet_folder(folder: Path) -> Path:
    """Returns the folder of fleet.yaml: this one or a parent. Raises EngineError if none is."""
    found = find_fleet(folder)
    if found is None:
        where = "the current folder" if folder == Path() else str(folder)
        raise EngineError(
            f"there is no {FLEET} in {where} or above it: name the fleet's folder with --project, "
            f"or leave {OPTION} out for a project without a fleet"
        )
    return found


def tenant_project(folder: Path, name: str) -> "Project":
    """Returns the tenant's project, with its secrets, and its state in the fleet's database.

    The database can be used until the command ends. Raises ConfigError for findings about
    fleet.yaml or the project, EngineError for an unknown tenant.
    """
    opened, tenant = _tenant(folder, name)
    from trueup.fleet.tenant_project import load_tenant_project

    return load_tenant_project(opened.fleet, tenant, database=opened.url)


def tenant_connections(folder: Path, name: str) -> "Project":
    """As `tenant_project`, without mappings and rules, which may have errors."""
    opened, tenant = _tenant(folder, name)
    from trueup.fleet.tenant_project import load_tenant_connections

    return load_tenant_connections(opened.fleet, tenant, database=opened.url)


def _tenant(folder: Path, name: str) -> "tuple[OpenFleet, Tenant]":
    """Returns the fleet, opened once for a command, and one of its tenants."""
    command = click.get_current_context()
    opened: OpenFleet | None = command.meta.get(_OPENED)
    if opened is None:
        fleet = read_fleet(folder)
        tenant = _require(fleet, name)  # before a database is started
        opened = command.with_resource(opened_fleet(folder, OPTION, fleet))
        command.meta[_OPENED] = opened
        return opened, tenant
    return opened, opened.fleet.tenants[name]


def read_fleet(folder: Path) -> "Fleet":
    """Returns the fleet in a folder, from memory if it is open. Raises ConfigError."""
    opened: OpenFleet | None = click.get_current_context().meta.get(_OPENED)
    if opened is not None and opened.fleet.root.samefile(folder):
        return opened.fleet
    with needing_fleet(OPTION):
        from trueup.fleet.fleet_file import load_fleet
    return load_fleet(folder)


def _require(fleet: "Fleet", name: str) -> "Tenant":
    tenant = fleet.tenants.get(name)
    if tenant is None:
        raise EngineError(f"{FLEET} has no tenant {name!r}: {hint(name, fleet.tenants)}")
    return tenant
