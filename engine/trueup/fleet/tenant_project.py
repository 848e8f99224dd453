"""The project of a tenant: its folder, with what fleet.yaml lays over trueup.yaml."""

import os
from collections.abc import Mapping

from trueup.model.fleet import Fleet, Tenant
from trueup.model.project import Project


def load_tenant_project(
    fleet: Fleet, tenant: Tenant, env: Mapping[str, str] = os.environ, *, database: str = ""
) -> Project:
    """The tenant's project, ready to be run: with its secrets, and its state in the database.

    `database` is the URL of the fleet's database where that is not in fleet.yaml (embedded). What
    the project writes is below `tenant.folder`. Raises ConfigError for the findings about the
    project's files and for secrets that cannot be read, with the tenant's name and without values.
    """
    raise NotImplementedError
