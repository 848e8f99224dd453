"""Loads and checks fleet.yaml and the projects of its tenants."""

import os
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, partial
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from trueup.config import fleet as config
from trueup.config.loader import read_shared_files
from trueup.errors import ConfigError
from trueup.fleet.secrets import is_open_to_all, resolve, why_missing
from trueup.fleet.shared_systems import find_shared
from trueup.fleet.tenant_environment import TenantEnvironment
from trueup.fleet.tenant_project import check_tenant_project, located
from trueup.model.finding import Finding, Place, Severity
from trueup.model.fleet import FileSecret, Fleet, SecretReference, Tenant
from trueup.model.project import Project
from trueup.model.suggestions import hint
from trueup.operations.project_folder import shipped_schemas
from trueup.operations.testing.files import check_tests

CODE = "secret"

_NAMED = 3
"""Tenants that one finding names; more are only counted."""

_KEPT = 8
"""Folders whose files are kept while tenants are checked: most tenants share few."""


def load_fleet(folder: Path | str = ".", env: Mapping[str, str] = os.environ) -> Fleet:
    """Returns the fleet in a folder. Raises ConfigError with all findings about fleet.yaml.

    The projects of the tenants are not read: an invalid one must not stop the others.
    """
    return config.load_fleet(Path(folder), env=env, shipped=shipped_schemas())


class CheckedFleet(Struct, frozen=True):
    """A fleet whose fleet.yaml has no errors."""

    fleet: Fleet
    projects: Mapping[Path, Project]  # by folder: the project of one tenant, without invalid ones


def _nothing_more(_: Project) -> list[Finding]:
    return []


def check_fleet(
    folder: Path | str = ".",
    env: Mapping[str, str] = os.environ,
    *,
    read_secrets: bool = False,
    check_project: Callable[[Project], list[Finding]] = _nothing_more,
) -> tuple[CheckedFleet | None, list[Finding]]:
    """Checks fleet.yaml and all projects; returns the fleet, or None, and all findings.

    The fleet is None if fleet.yaml has errors. A finding about a project names the tenants that it
    applies to. Neither system is opened. With `read_secrets`, each secret that a project needs is
    read from where fleet.yaml says; otherwise no secret is read and no program started.
    `check_project` is called with the project of each tenant; what it finds is reported too.
    """
    fleet, findings = config.check_fleet(Path(folder), env=env, shipped=shipped_schemas())
    if fleet is None:
        return None, findings

    projects: dict[Path, Project] = {}
    found: list[tuple[Finding, Tenant]] = []
    secrets = _Secrets(env, read_secrets=read_secrets)
    read = lru_cache(_KEPT)(partial(read_shared_files, shipped=shipped_schemas()))
    for tenant in fleet.tenants.values():
        environment = TenantEnvironment(tenant, env, resolves=False)
        shared = read(tenant.project_folder)
        project, of_tenant = check_tenant_project(fleet, tenant, environment, shared)
        found += [(one, tenant) for one in of_tenant]
        secrets.add(tenant, environment.used, is_known=project is not None)
        if project:
            more = check_project(project)
            found += [(located(one, fleet, tenant), tenant) for one in more]
            projects.setdefault(tenant.project_folder, project)
    findings += [*_grouped(found), *find_shared(fleet, env), *secrets.findings()]
    return CheckedFleet(fleet, projects), sorted(findings, key=_sort_key)


def check_fleet_tests(checked: CheckedFleet) -> tuple[int, list[Finding]]:
    """Returns the number of tests in the folders of projects, and all findings about their files.

    The tests of a folder are those of all its tenants; they are checked with one tenant's project.
    """
    count = 0
    found: list[tuple[Finding, Tenant]] = []
    for folder, project in checked.projects.items():
        number, findings = check_tests(project)
        count += number
        for tenant in checked.fleet.tenants.values():
            if tenant.project_folder == folder:
                found += [(located(one, checked.fleet, tenant), tenant) for one in findings]
    return count, _grouped(found)


def _sort_key(finding: Finding) -> tuple[Place, str]:
    return finding.place or Place(""), finding.text


def _grouped(found: Iterable[tuple[Finding, Tenant]]) -> list[Finding]:
    """Merges equal findings of several tenants into one that names these tenants."""
    names: dict[Finding, list[str]] = {}
    for finding, tenant in found:
        names.setdefault(finding, []).append(tenant.name)
    return [replace(one, text=f"{_listed(named)}: {one.text}") for one, named in names.items()]


def _listed(names: list[str]) -> str:
    more = len(names) - _NAMED
    shown = ", ".join(names[:_NAMED])
    return f"{shown} and {more} more" if more > 0 else shown


class _Secrets:
    """Checks the references to secrets of all tenants; equal references count once."""

    def __init__(self, env: Mapping[str, str], *, read_secrets: bool) -> None:
        self._env, self._read = env, read_secrets
        self._names: dict[SecretReference, str] = {}
        self._tenants: dict[SecretReference, list[str]] = {}  # that use it
        self._may_be_used: set[SecretReference] = set()
        self._taken: set[str] = set()

    def add(self, tenant: Tenant, used: set[str], *, is_known: bool) -> None:
        """Adds a tenant and the secrets that its project uses. `is_known`: the list is complete."""
        self._taken |= used
        for name, reference in tenant.secrets.items():
            self._names[reference] = name
            users = self._tenants.setdefault(reference, [])
            users += [tenant.name] if name in used else []
            if not is_known:
                self._may_be_used.add(reference)

    def findings(self) -> list[Finding]:
        """Returns the findings about the references."""
        found: list[Finding] = []
        for reference, users in self._tenants.items():
            if not users:
                found += [] if reference in self._may_be_used else [self._unused(reference)]
            elif fault := self._fault(reference):
                found.append(replace(fault, text=f"{_listed(users)}: {fault.text}"))
            if isinstance(reference, FileSecret) and is_open_to_all(reference):
                text = f"every user of this machine may read {reference.path}"
                remedy = f"chmod o-r {reference.path}"
                found.append(Finding(CODE, Severity.WARNING, text, remedy, reference.place))
        return found

    def _fault(self, reference: SecretReference) -> Finding | None:
        if self._read:
            try:
                resolve(reference, self._env)
            except ConfigError as error:
                return next(finding for finding in error.findings if isinstance(finding, Finding))
            return None
        missing = why_missing(reference, self._env)
        if missing is None:
            return None
        return Finding(CODE, Severity.INFO, missing[0], "", reference.place)

    def _unused(self, reference: SecretReference) -> Finding:
        name = self._names[reference]
        text = f"no project takes {{{{ env.{name} }}}}"
        remedy = hint(name, self._taken - {name}) or "remove it"
        return Finding(CODE, Severity.WARNING, text, remedy, reference.place)
