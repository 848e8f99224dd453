"""Serves, fills and copies the sandboxes."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from trueup import wiring
from trueup.errors import ConfigError, EngineError
from trueup.model.catalogue import Table
from trueup.model.coerce import shown
from trueup.model.finding import Finding, Severity
from trueup.model.project import Project
from trueup.operations import record_copy
from trueup.ports.source import Row
from trueup.render.formatting import count
from trueup.sandbox.autotask import seed as seeding
from trueup.sandbox.autotask import snapshots, switches
from trueup.sandbox.autotask.server import Sandbox
from trueup.sandbox.autotask.switches import Switches
from trueup.sandbox.autotask.tenant import DEFAULT_USER
from trueup.sandbox.dataverse.address import GUID
from trueup.sandbox.dataverse.server import DataverseSandbox, Environment
from trueup.source.files.source import FileSource


class Served(Struct, frozen=True):
    """A running sandbox."""

    url: str
    title: str  # what it stands for, with what is needed to sign in


@contextmanager
def serve_target(
    project: Project,
    address: tuple[str, int],
    *,
    database: Path | None = None,
    seed: Path | None = None,
    switch_values: Mapping[str, str] | None = None,
) -> Iterator[Served]:
    """Serves the target's API until the block ends.

    `address` is host and port; port 0 takes a free one. Raises SandboxError for an unknown switch
    or value, EngineError if there is no database.
    """
    chosen = dict(switch_values or {})
    for name, value in chosen.items():
        switches.check(name, value)
    with Sandbox(
        database_of(project, database),
        project.catalogue.entities,
        switches=Switches().replaced(chosen),
        host=address[0],
        port=address[1],
        seed=seed or seed_of(project),
    ) as served:
        title = f"{project.catalogue.systems.target} ({_login(seed or seed_of(project))})"
        yield Served(served.url, title)


def _login(seed: Path | None) -> str:
    """Returns the credentials to sign in; secrets of a seed's users are not shown."""
    users = seeding.read_document(seed).get("users") if seed else None
    if users:
        names = [str(user["username"]) for user in users if "username" in user]
        return f"log in as {' or '.join(names)}, with the secret and the code of its seed"
    return (
        f"username {DEFAULT_USER['username']}, secret {DEFAULT_USER['secret']}, "
        f"integration code {DEFAULT_USER['integration_code']}"
    )


@contextmanager
def serve_source(
    project: Project,
    address: tuple[str, int],
    *,
    database: Path | None = None,
    seed: Path | None = None,
) -> Iterator[Served]:
    """Serves a Dataverse with the source's tables until the block ends.

    `seed` is a folder of exports. Raises EngineError if there is none, and ConfigError for rows
    that no Dataverse has.
    """
    tables = project.catalogue.tables
    folder = _exports_folder(project, seed)
    name = str(seed or project.source.options["path"])
    exports = FileSource(folder, tables, name, zone=project.zone)
    rows = {name: exports.read(name, table.columns).rows for name, table in tables.items()}
    _require_guids(exports, tables, rows)
    environment = Environment(zone=project.zone)
    with DataverseSandbox(tables, rows, environment, database=database, address=address) as served:
        login = (
            f"tenant {environment.tenant}, client_id {environment.client_id}, client_secret demo"
        )
        yield Served(served.url, f"Dataverse ({login})")


def _require_guids(
    exports: FileSource, tables: Mapping[str, Table], rows: Mapping[str, Sequence[Row]]
) -> None:
    """Addresses have the keys: a row with another one could be read, and never be written to."""
    findings = []
    for name, table_rows in rows.items():
        keys = [str(row[tables[name].key]) for row in table_rows]
        other = [key for key in keys if not GUID.fullmatch(key)]
        if other:
            text = (
                f"{len(other)} of {count(len(keys), 'row')} of {name} have no GUID as key, such as "
                f"{shown(other[0])}; a Dataverse has no other keys"
            )
            remedy = "export the rows with their GUIDs, or plan from the files themselves"
            place = exports.places(name, other[:1]).get(other[0])
            findings.append(Finding("seed", Severity.ERROR, text, remedy, place))
    if findings:
        raise ConfigError(findings)


def add_seed(project: Project, file: Path, database: Path | None = None) -> None:
    """Adds the records of a seed file; those with the same ids are replaced."""
    _forget_what_was_read(project)
    entities = project.catalogue.entities
    seeding.seed(database_of(project, database), entities, seeding.read_document(file))


def reset(project: Project, seed: Path | None = None, database: Path | None = None) -> Path | None:
    """Empties the sandbox and fills it from a seed, or from the one in trueup.yaml.

    Returns the seed that was used, if any.
    """
    file = seed or seed_of(project)
    document = seeding.read_document(file) if file else None
    _forget_what_was_read(project)
    seeding.reset(database_of(project, database), project.catalogue.entities, document)
    return file


def _forget_what_was_read(project: Project) -> None:
    """Removes the caches of plans about the sandbox's former content."""
    record_copy.forget(project)
    wiring.forget_answers(project)


def snapshot(project: Project, file: Path, database: Path | None = None) -> None:
    """Copies the whole sandbox into a file, also while it is served."""
    snapshots.snapshot(database_of(project, database), file)


def restore(project: Project, file: Path, database: Path | None = None) -> None:
    """Restores the sandbox from a snapshot, also while it is served."""
    _forget_what_was_read(project)
    snapshots.restore(file, database_of(project, database))


def clone_target(project: Project, database: Path) -> int:
    """Copies the records that the project's mappings use into a new sandbox's database.

    Returns the number of records. Only reads the target. Raises EngineError if the database exists.
    """
    if database.exists():
        raise EngineError(f"{database} exists already: choose another file, or move it away")
    with wiring.connections(project) as opened:
        return opened.target_connector.clone(database)


def database_of(project: Project, database: Path | None) -> Path:
    """Returns the given database, or the project's. Raises EngineError if there is neither."""
    if database:
        return database
    if project.target.connector != "sandbox":
        raise EngineError("the target in trueup.yaml is no sandbox: name one with --database FILE")
    found = project.own / str(project.target.options["database"])
    found.parent.mkdir(parents=True, exist_ok=True)
    return found


def _exports_folder(project: Project, seed: Path | None) -> Path:
    if seed:
        return seed
    if project.source.connector == "files":
        return Path(project.root) / str(project.source.options["path"])
    raise EngineError("the source in trueup.yaml is no folder: name one with --seed DIR")


def seed_of(project: Project) -> Path | None:
    """The seed that trueup.yaml names."""
    named = project.target.options.get("seed") if project.target.connector == "sandbox" else None
    return Path(project.root) / str(named) if named else None
