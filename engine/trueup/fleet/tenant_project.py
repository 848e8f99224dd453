"""The project of a tenant: its folder, with fleet.yaml's values laid over trueup.yaml.

Places of findings are relative to the folder of fleet.yaml. So a place shows whether it is in a
shared file, in a file of the tenant's own, or in fleet.yaml.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec.structs import replace

from trueup.config import loader
from trueup.config.documents import read
from trueup.config.environment import UnsetVariable
from trueup.config.file_names import DECISIONS, FLEET, NOTES, PROJECT
from trueup.config.loader import SharedFiles
from trueup.errors import ConfigError, EngineError
from trueup.fleet.tenant_environment import TenantEnvironment
from trueup.local_files import is_absent
from trueup.model.finding import Finding, Place, Severity
from trueup.model.fleet import Fleet, Tenant
from trueup.model.overlay import Overlay
from trueup.model.project import Connection, Project
from trueup.operations.project_folder import shipped_schemas
from trueup.operations.redaction import remember_address

CODE = "fleet"

_OWN_FILES = (DECISIONS, NOTES)
_CREATED = ("mappings", ".trueup")
"""Parts of a tenant's folder that commands write into."""


def load_tenant_project(
    fleet: Fleet,
    tenant: Tenant,
    env: Mapping[str, str] = os.environ,
    *,
    database: str = "",
    lease: float = 0,
) -> Project:
    """Returns the tenant's project, ready to run: with its secrets, and its state in the database.

    `database` is the URL of the fleet's database if fleet.yaml does not name it (embedded).
    `lease`: seconds without a heartbeat after which a run loses its state's lock; 0 means the
    default. The project's files are written below `tenant.folder`, which is created. As with a
    variable that is not set, a secret that cannot be read is an error only when its connection is
    opened.

    Raises ConfigError for the findings about the project's files, with the tenant's name;
    EngineError if the folder cannot be created.
    """
    environment = TenantEnvironment(tenant, env)
    project, findings = check_tenant_project(fleet, tenant, environment)
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if project is None or errors:
        raise ConfigError([_named(error, tenant) for error in errors])
    _create_folder(tenant)
    return _ready(fleet, environment, project, database, lease)


def load_tenant_connections(
    fleet: Fleet, tenant: Tenant, env: Mapping[str, str] = os.environ, *, database: str = ""
) -> Project:
    """As `load_tenant_project`, without mappings, rules and decisions, which may have errors."""
    environment, shipped = TenantEnvironment(tenant, env), shipped_schemas()
    overlay = Overlay(tenant.folder, tenant.overrides)
    try:
        project = loader.load_connections(
            tenant.project_folder, env=environment, shipped=shipped, overlay=overlay
        )
    except ConfigError as error:
        found = (finding for finding in error.findings if isinstance(finding, Finding))
        raise ConfigError([_named(located(one, fleet, tenant), tenant) for one in found]) from error
    _create_folder(tenant)
    return _ready(fleet, environment, project, database)


def _ready(
    fleet: Fleet, environment: TenantEnvironment, project: Project, database: str, lease: float = 0
) -> Project:
    """Returns the project with its state in the database, and the reasons of missing secrets."""
    tenant = environment.tenant
    reasons = {name: _named(fault, tenant) for name, fault in environment.faults.items()}
    return replace(
        project,
        source=_explained(project.source, reasons),
        target=_explained(project.target, reasons),
        state=_explained(_state(fleet, tenant, project.state, database, lease), reasons),
    )


def _named(finding: Finding, tenant: Tenant) -> Finding:
    return replace(finding, text=f"{tenant.name}: {finding.text}")


def _explained(connection: Connection, reasons: Mapping[str, Finding]) -> Connection:
    """Returns the connection with the reasons, by variable, why its secrets are missing."""
    unset = tuple(reasons.get(_variable(one), one) for one in connection.unset)
    return replace(connection, unset=unset)


def _variable(finding: Finding) -> str:
    return finding.variable if isinstance(finding, UnsetVariable) else ""


def check_tenant_project(
    fleet: Fleet,
    tenant: Tenant,
    environment: TenantEnvironment,
    shared: SharedFiles | None = None,
) -> tuple[Project | None, list[Finding]]:
    """Returns the tenant's project, or None if it has errors, and all findings about it.

    Nothing is opened. Secrets of the tenant that `environment` does not have are no findings. The
    state is the one of trueup.yaml. `shared` are the files of its project's folder, if they were
    read before.
    """
    if not (tenant.project_folder / PROJECT).is_file():
        text = f"there is no {PROJECT} in {_shown(tenant.project_folder, fleet.root)}"
        remedy = "correct `project`, or create one there with `trueup init`"
        place = tenant.project_place or tenant.place
        return None, [Finding(CODE, Severity.ERROR, text, remedy, place)]
    overlay = Overlay(tenant.folder, tenant.overrides)
    root = tenant.project_folder
    if shared:
        project, found = loader.check_tenant(root, overlay, shared, env=environment)
    else:
        shipped = shipped_schemas()
        project, found = loader.check(root, env=environment, shipped=shipped, overlay=overlay)
    findings = [one for one in found if _variable(one) not in tenant.secrets]
    if project and not project.state.is_default and project.state.connector != "postgres":
        findings.append(_local_state(project.state))
    placed = [located(finding, fleet, tenant) for finding in findings]
    return project, [*placed, *_unread(fleet, tenant)]


def _local_state(state: Connection) -> Finding:
    text = "the state is a file, and in a fleet the next run may be on another machine"
    remedy = (
        "remove `state` from trueup.yaml: the state is then in the fleet's database; "
        "`trueup state export` and `import` move what the file holds"
    )
    return Finding(CODE, Severity.ERROR, text, remedy, state.place)


def _unread(fleet: Fleet, tenant: Tenant) -> Iterator[Finding]:
    """Reports decisions and notes in the project's folder, which a tenant with its own ignores."""
    if tenant.folder.resolve() == tenant.project_folder.resolve():
        return
    for file in _OWN_FILES:
        path = tenant.project_folder / file
        if is_absent(path) or not _has_entries(path):
            continue
        is_decisions = file == DECISIONS
        what = "decisions" if is_decisions else "notes"
        text = f"these {what} are not read: those of a tenant are in its own folder"
        remedy = f"move them to {_shown(tenant.folder / file, fleet.root)}"
        severity = Severity.ERROR if is_decisions else Severity.WARNING
        yield Finding(CODE, severity, text, remedy, Place(_shown(path, fleet.root)))


def _has_entries(path: Path) -> bool:
    documents, _ = read(path, path.name)
    data = documents[0].data if documents else None
    return isinstance(data, dict) and any(data.values())


def located(finding: Finding, fleet: Fleet, tenant: Tenant) -> Finding:
    """Returns the finding with its place relative to the folder of fleet.yaml."""
    place = finding.place
    if place is None or place.file == FLEET:
        return finding
    folder = tenant.folder if place.file in _OWN_FILES else tenant.project_folder
    return replace(finding, place=replace(place, file=_shown(folder / place.file, fleet.root)))


def _shown(path: Path, root: Path) -> str:
    try:
        return Path(os.path.normpath(path)).relative_to(root).as_posix()
    except ValueError:
        return str(path)


def _create_folder(tenant: Tenant) -> None:
    try:
        for part in _CREATED:
            (tenant.folder / part).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        text = f"{tenant.place}: the folder {tenant.folder} cannot be created: {error.strerror}"
        raise EngineError(text) from error


def _state(
    fleet: Fleet, tenant: Tenant, named: Connection, database: str, lease: float
) -> Connection:
    """Returns where the tenant's state is: trueup.yaml may name it, else the fleet's database."""
    if not named.is_default:
        return named
    url = fleet.database.url or database
    remember_address(url)
    unset = () if url else fleet.database.unset
    options = {"url": url, "tenant": tenant.name, **({"lease": lease} if lease else {})}
    return Connection("postgres", options, tenant.place, unset)
