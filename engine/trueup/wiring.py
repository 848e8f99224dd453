"""Opens what a project names: the only place that knows which adapter stands behind which port."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import sleep
from typing import TypeVar

import engine
from engine.config.documents import read
from engine.config.loader import check, load
from engine.errors import ConfigError, EngineError
from engine.model.catalogue import UDF
from engine.model.finding import Finding, Place, Severity
from engine.model.project import Connection, Project
from engine.planning.checkup import checkup
from engine.planning.needs import columns, entity_fields, operations
from engine.ports import Clock, Source, State, Target, World
from engine.sandbox import snapshots
from engine.sandbox.clone import clone
from engine.sandbox.server import Sandbox
from engine.source.dataverse import doctor as source_doctor
from engine.source.dataverse.client import DataverseClient
from engine.source.dataverse.discover import Discovery, discover
from engine.source.dataverse.settings import settings
from engine.source.dataverse.source import DataverseSource
from engine.source.files import FileSource
from engine.source.overlay import Overlay
from engine.source.profile import Profile, profile_of
from engine.state.sqlite import SqlState
from engine.target import doctor
from engine.target.client import AutotaskClient
from engine.target.credentials import Credentials
from engine.target.gateway import HttpTarget
from engine.target.limits import Limits

WORKERS = 12
"""Requests in flight over all endpoints: three for each of four, as Autotask allows."""

PROFILE = "profile.yaml"
"""Where `trueup discover` writes, and where a tenant's names are looked for if trueup.yaml does not say."""

DEMO_CREDENTIALS = Credentials("api@demo.example", "demo", "DEMO")
"""What the sandbox takes when its seed names no users; they open nothing else."""


class SystemClock:
    """The machine's time."""

    def now(self) -> datetime:
        """The instant, UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Waits."""
        sleep(seconds)


def shipped() -> Path:
    """The folder with the shipped trueup.yaml, mappings, rules, schemas and examples: in a wheel, or in a checkout."""
    package = Path(engine.__file__).parent
    inside = package / "share"
    return inside if inside.is_dir() else package.parent


def load_project(folder: Path) -> Project:
    """The checked project. Raises ConfigError with all that is wrong."""
    return load(folder, shipped=shipped() / "schemas")


def check_project(folder: Path) -> tuple[Project | None, list[Finding]]:
    """The project, if it can be used, and all that there is to say of its files."""
    return check(folder, shipped=shipped() / "schemas")


@contextmanager
def open_world(project: Project, *, max_calls: int | None = None, clock: Clock | None = None) -> Iterator[World]:
    """Both systems and the state, closed when the block ends. Raises EngineError for what cannot be opened."""
    clock = clock or SystemClock()
    with ExitStack() as stack:
        opening = _Opening(project, stack, clock, max_calls)
        yield World(opening.source(), opening.target(), opening.state(), clock)


@contextmanager
def open_state(project: Project, *, clock: Clock | None = None) -> Iterator[SqlState]:
    """The state alone, for commands that look at neither system."""
    with ExitStack() as stack:
        yield _Opening(project, stack, clock or SystemClock(), None).remembered()


def known_rows(project: Project, mapping: str) -> dict[str, str]:
    """Keys with names of the rows that a mapping is about: those of its table, and those that only state knows.

    Raises SourceError, StateError.
    """
    table = project.catalogue.tables[project.mappings[mapping].source.table]
    with ExitStack() as stack:
        opening = _Opening(project, stack, SystemClock(), None)
        read = opening.source().read(table.name, columns(project)[table.name])
        memory = opening.remembered().load()
    remembered = {*memory.links, *memory.applied, *memory.pushed}
    names = {key: "" for name, key in remembered if name == mapping}
    names |= {key: str(read.parts.get(key, {}).get(table.title) or "") for key in read.left_out() if key}
    return names | {str(row[table.key]): str(row.get(table.title) or "") for row in read.rows}


@contextmanager
def open_copy(project: Project) -> Iterator[World]:
    """Both systems and the state, copied: what is written there is written nowhere else, and gone afterwards."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="trueup-")))
        opening = _Opening(project, stack, SystemClock(), None)
        state = stack.enter_context(SqlState(folder / "state.sqlite", clock=SystemClock()))
        with open_state(project) as real:
            if real.head()[0]:
                state.import_(real.export())
        source = Overlay(opening.source(), project.catalogue.tables)
        yield World(source, opening.copied(folder / "autotask.sqlite"), state, SystemClock())


def examine(project: Project) -> tuple[list[Finding], list[str]]:
    """What a connection check finds, and the least permissions that the project needs. Writes nothing."""
    needs = operations(project)
    with ExitStack() as stack:
        opening = _Opening(project, stack, SystemClock(), None)
        target = opening.autotask()
        found = doctor.examine(target, needs)
        if not any(finding.severity is Severity.ERROR for finding in found):
            found += checkup(project, target)
        return [*found, *opening.examined_source()], doctor.minimum_permissions(needs)


def cloned(project: Project) -> dict[str, set[str]]:
    """Entities that the project reads, each with the user-defined fields that it names."""
    needed = {name: set[str]() for name, does in operations(project).items() if "query" in does}
    for mapping in project.mappings.values():
        udfs = {name for name in entity_fields(project, mapping) if name.startswith(UDF)}
        needed.get(mapping.target.entity, set()).update(udfs)
    return needed


def clone_target(project: Project, database: Path) -> int:
    """Copies what the project's mappings touch from its target into a sandbox's database; gives how many records."""
    with ExitStack() as stack:
        target = _Opening(project, stack, SystemClock(), None).autotask()
        return clone(target, cloned(project), project.catalogue.entities, database)


def discover_source(project: Project) -> tuple[Discovery, list[str]]:
    """What the environment calls the tables of Work 365; and what the project reads that was not found for sure.

    Raises EngineError where the source is no Dataverse, SourceError where it cannot be asked.
    """
    if project.source.connector != "dataverse":
        raise EngineError("trueup.yaml reads Work 365 from no Dataverse: there are no names to discover")
    access, _ = settings(project.source.options, Path(project.root))
    with DataverseClient(access, SystemClock()) as client:
        found = discover(client, project.catalogue.tables)
    return found, found.unresolved({name: sorted(names) for name, names in columns(project).items()})


class _Opening:
    """One way to open for each connector; adding a connector is one line here."""

    def __init__(self, project: Project, stack: ExitStack, clock: Clock, max_calls: int | None) -> None:
        self._project, self._stack, self._clock, self._max_calls = project, stack, clock, max_calls

    def source(self) -> Source:
        """Work 365."""
        ways: dict[str, Callable[[Connection], Source]] = {
            "files": self._files,
            "dataverse": self._dataverse,
            "sql": self._sql,
        }
        return _chosen(ways, self._project.source)(self._project.source)

    def target(self) -> Target:
        """Autotask."""
        return self.autotask()

    def autotask(self) -> HttpTarget:
        """Autotask with all that it can do beyond the port."""
        ways: dict[str, Callable[[Connection], HttpTarget]] = {"autotask": self._autotask, "sandbox": self._sandbox}
        return _chosen(ways, self._project.target)(self._project.target)

    def copied(self, database: Path) -> Target:
        """A sandbox with what is in Autotask now, as far as the project is about it."""
        target, said, entities = self.autotask(), self._project.target, self._project.catalogue.entities
        if said.connector == "sandbox":
            snapshots.snapshot(self._path(said, "database"), database)
        else:
            clone(target, cloned(self._project), entities, database)
        url = self._stack.enter_context(Sandbox(database, entities)).url
        return self._http(url, DEMO_CREDENTIALS, {}, f"a copy of {target.describe()}", target.identity())

    def state(self) -> State:
        """The state file."""
        ways: dict[str, Callable[[Connection], State]] = {"sqlite": self._sqlite}
        return _chosen(ways, self._project.state)(self._project.state)

    def remembered(self) -> SqlState:
        """The state with all that it can do beyond the port: history, settling, export."""
        ways = {"sqlite": self._sqlite}
        return _chosen(ways, self._project.state)(self._project.state)

    def examined_source(self) -> list[Finding]:
        """What a check of the source finds, where its connector has one."""
        if self._project.source.connector != "dataverse":
            return []
        access, _ = settings(self._project.source.options, Path(self._project.root))
        written = {one.source.table: [*one.write_back.set] for one in self._project.mappings.values() if one.write_back}
        with DataverseClient(access, self._clock) as client:
            return source_doctor.examine(client, self.profile(), columns(self._project), written)

    def _files(self, said: Connection) -> Source:
        folder = self._path(said, "path")
        return FileSource(folder, self._project.catalogue.tables, str(said.options["path"]), zone=self._project.zone)

    def _dataverse(self, said: Connection) -> Source:
        access, keeping = settings(said.options, Path(self._project.root))
        source = DataverseSource(access, self.profile(), self._project.zone, self._clock, keeping)
        return self._stack.enter_context(source)

    def _sql(self, said: Connection) -> Source:
        from engine.source.sql import SqlSource  # noqa: PLC0415 -- a driver stack that only this connector needs

        return self._stack.enter_context(SqlSource(str(said.options["url"]), self.profile(), self._project.zone))

    def profile(self) -> Profile:
        """What the tenant calls our tables: the file that `source.profile` names, else the catalogue's own names."""
        said, tables = self._project.source, self._project.catalogue.tables
        file = str(said.options.get("profile", PROFILE))
        path = Path(self._project.root) / file
        if "profile" not in said.options and not path.exists():
            return Profile(tables)
        documents, findings = read(path, file)
        if findings or not documents:
            raise ConfigError(findings or [Finding("profile-empty", Severity.ERROR, "is empty", "", Place(file))])
        return profile_of(documents[0].data, tables, documents[0])

    def _autotask(self, said: Connection) -> HttpTarget:
        options = said.options
        credentials = Credentials(str(options["username"]), str(options["secret"]), str(options["integration_code"]))
        return self._http(str(options["url"]), credentials, options, "Autotask")

    def _sandbox(self, said: Connection) -> HttpTarget:
        seed = said.options.get("seed")
        sandbox = Sandbox(
            self._path(said, "database"),
            self._project.catalogue.entities,
            seed=self._path(said, "seed") if seed else None,
        )
        url = self._stack.enter_context(sandbox).url
        return self._http(url, DEMO_CREDENTIALS, said.options, "sandbox", f"sandbox in {said.options['database']}")

    def _http(
        self, url: str, credentials: Credentials, options: Mapping[str, object], name: str, identity: str = ""
    ) -> HttpTarget:
        usual = Limits()
        limits = Limits(
            workers=int(str(options.get("workers", WORKERS))),
            timeout=float(str(options.get("timeout", usual.timeout))),
            deadline=float(str(options.get("deadline", usual.deadline))),
            max_calls=self._max_calls,
        )
        client = AutotaskClient(url, credentials, self._clock, limits)
        return self._stack.enter_context(HttpTarget(client, self._project.catalogue.entities, name, identity))

    def _sqlite(self, said: Connection) -> SqlState:
        return self._stack.enter_context(SqlState(self._path(said, "path"), clock=self._clock))

    def _path(self, said: Connection, option: str) -> Path:
        return Path(self._project.root) / str(said.options[option])


Way = TypeVar("Way")


def _chosen(ways: Mapping[str, Way], said: Connection) -> Way:
    if said.connector not in ways:
        raise EngineError(f"{said.place}: there is no connector {said.connector!r}: use {', '.join(ways)}")
    return ways[said.connector]
