"""Opens the connectors that a project names: the only module that knows which one is behind a port.

A new connector is one line in `Connections`, and a method that imports it: a project needs only the
connectors that it names, with the libraries that they load.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from time import sleep
from typing import TYPE_CHECKING, TypeVar

from trueup.config.documents import read
from trueup.errors import ConfigError, EngineError
from trueup.local_files import is_absent
from trueup.model.catalogue import UDF, Table
from trueup.model.finding import Finding, Place, Severity
from trueup.model.project import Connection, Project
from trueup.planning.needs import columns, entity_fields, operations
from trueup.ports.source import Source
from trueup.ports.state import State
from trueup.ports.target import Target
from trueup.ports.world import Clock, World
from trueup.target.autotask.credentials import Credentials

if TYPE_CHECKING:
    from trueup.sandbox.autotask.local import LocalSandbox
    from trueup.source.dataverse.client import DataverseClient
    from trueup.source.dataverse.discover import Discovery
    from trueup.source.dataverse.metadata import TableDefinition
    from trueup.source.files.source import FileSource
    from trueup.source.profile import Profile
    from trueup.source.sql.source import SqlSource
    from trueup.target.autotask.changed_reads import Changes
    from trueup.target.autotask.described import DescribedEntity
    from trueup.target.autotask.gateway import HttpTarget
    from trueup.target.autotask.kept_metadata import KeptMetadata

    Memory = tuple[KeptMetadata | None, Changes | None]

WORKERS = 12
"""Requests in flight over all endpoints: three for each of four, as Autotask allows."""

FULL_READ_AFTER = 24
"""Hours after which records are read in full again, where only what changed is read."""

METADATA, RECORDS = "metadata", "known"
"""What is kept of the target, in a file of its own each, by the end of its name."""

PROFILE = "profile.yaml"
"""The profile that is used where trueup.yaml names none; `trueup discover` writes it."""

DEMO_CREDENTIALS = Credentials("api@demo.example", "demo", "DEMO")
"""What the sandbox accepts where its seed names no users; they open nothing else."""


class Kept(Enum):
    """What is done with what an earlier command has read of the target, and kept."""

    IGNORED = auto()  # it is not used, and nothing is kept
    RENEWED = auto()  # it is not used, and what is read replaces it
    USED = auto()  # it is used, and what is read besides is added


class SystemClock:
    """The machine's time."""

    def now(self) -> datetime:
        """The instant, in UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Waits."""
        sleep(seconds)


@contextmanager
def connections(
    project: Project,
    *,
    max_calls: int | None = None,
    clock: Clock | None = None,
    metadata: Kept = Kept.IGNORED,
    records: Kept = Kept.IGNORED,
) -> Iterator["Connections"]:
    """Opens connectors on demand; what was opened is closed when the block ends.

    `records` only has an effect where trueup.yaml says that what changed is to be read.
    """
    with ExitStack() as stack:
        clock = clock or SystemClock()
        yield Connections(project, stack, clock, max_calls, metadata, records)


@contextmanager
def open_world(
    project: Project,
    *,
    max_calls: int | None = None,
    clock: Clock | None = None,
    metadata: Kept = Kept.IGNORED,
    records: Kept = Kept.IGNORED,
) -> Iterator[World]:
    """Both systems and the state, closed when the block ends. Options as for `connections`.

    Raises EngineError for what cannot be opened.
    """
    with connections(
        project, max_calls=max_calls, clock=clock, metadata=metadata, records=records
    ) as opened:
        source, target, state = opened.source(), opened.target(), opened.state()
        yield World(source, target, state, clock or opened.shared_clock())


@contextmanager
def open_state(project: Project, *, clock: Clock | None = None) -> Iterator[State]:
    """The state alone, for operations that read neither system."""
    with connections(project, clock=clock) as opened:
        yield opened.state()


def kept_file(project: Project, what: str) -> Path:
    """Where metadata or records of the target are kept: beside the state, which is of one tenant.

    `what` is METADATA or RECORDS.
    """
    if project.tenant:
        return project.own / project.kept_file(f"{what}.json")
    state = project.own / str(project.state.options["path"])
    return state.with_name(f"{state.stem}.{what}.json")


@contextmanager
def open_copy(project: Project) -> Iterator[World]:
    """Copies of both systems and of the state: what is written there is gone afterwards."""
    from trueup.source.overlay import Overlay
    from trueup.state.sqlite.store import SqliteState

    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="trueup-")))
        opened = Connections(project, stack, SystemClock(), None)
        state = stack.enter_context(SqliteState(folder / "state.sqlite", clock=SystemClock()))
        with open_state(project) as original:
            if original.head()[0]:
                state.import_(original.export())
        source = Overlay(opened.source(), project.catalogue.tables)
        target = opened.target_copy(folder / "target.sqlite")
        yield World(source, target, state, SystemClock())


@dataclass(frozen=True, slots=True)
class ThrowAway:
    """Both systems and a state in a folder of their own, in this process, without a socket."""

    project: Project
    folder: Path
    sandbox: "LocalSandbox"
    target: Target
    state: State
    clock: Clock

    def world(self, exports: str) -> World:
        """The world with the tables in a folder below; what is written back stays in memory."""
        from trueup.source.files.source import FileSource
        from trueup.source.overlay import Overlay

        tables, zone = self.project.catalogue.tables, self.project.zone
        files = FileSource(self.folder / exports, tables, exports, zone=zone)
        return World(Overlay(files, tables), self.target, self.state, self.clock)


@contextmanager
def open_throw_away(project: Project, folder: Path, clock: Clock) -> Iterator[ThrowAway]:
    """An empty target and an empty state for a test, closed when the block ends."""
    from trueup.sandbox.autotask.local import URL, LocalSandbox
    from trueup.state.sqlite.store import SqliteState
    from trueup.target.autotask.client import AutotaskClient
    from trueup.target.autotask.gateway import HttpTarget
    from trueup.target.autotask.transport import InProcess

    entities = project.catalogue.entities
    with ExitStack() as stack:
        sandbox = stack.enter_context(LocalSandbox(folder / "target.sqlite", entities))
        client = AutotaskClient(URL, DEMO_CREDENTIALS, clock, network=InProcess(sandbox.answer))
        target = stack.enter_context(HttpTarget(client, entities, "test", "test"))
        state = stack.enter_context(
            SqliteState(folder / "state.sqlite", clock=clock, durable=False)
        )
        yield ThrowAway(project, folder, sandbox, target, state, clock)


class Connections:
    """Opens the connectors of one project. What it opens is closed with `stack`."""

    def __init__(
        self,
        project: Project,
        stack: ExitStack,
        clock: Clock,
        max_calls: int | None,
        metadata: Kept = Kept.IGNORED,
        records: Kept = Kept.IGNORED,
    ) -> None:
        self._project, self._stack, self._clock, self._max_calls = project, stack, clock, max_calls
        self._metadata, self._records = metadata, records
        self._target: HttpTarget | None = None
        self._state: State | None = None
        self._server_clock: Clock | None = None

    # The ports

    def source(self) -> Source:
        """The source. Raises EngineError where it cannot be opened."""
        connectors: dict[str, Callable[[Connection], Source]] = {
            "files": self._files,
            "dataverse": self._dataverse,
            "sql": self._sql,
        }
        return _choose(connectors, self._project.source)(self._project.source)

    def target(self) -> Target:
        """The target; opened once. Raises EngineError where it cannot be opened."""
        return self._http_target()

    def state(self) -> State:
        """The state; opened once. Raises EngineError where it cannot be opened."""
        if self._state is None:
            self._state = self._open_state()
        return self._state

    def shared_clock(self) -> Clock:
        """The clock by which runs of all machines with this state are timed.

        Whether a request may still be running is judged by times that another machine wrote.
        """
        self.state()
        return self._server_clock or self._clock

    def _open_state(self) -> State:
        connectors: dict[str, Callable[[Connection], State]] = {
            "sqlite": self._sqlite,
            "postgres": self._postgres,
        }
        return _choose(connectors, self._project.state)(self._project.state)

    # What connectors can do besides

    def examine_target(self, needs: Mapping[str, frozenset[str]]) -> list[Finding]:
        """Findings about access to the target. `needs`: entity → operations."""
        from trueup.target.autotask.doctor import examine

        return examine(self._http_target(), needs)

    def minimum_permissions(self, needs: Mapping[str, frozenset[str]]) -> list[str]:
        """The least permissions for these operations, as the target calls them."""
        from trueup.target.autotask.doctor import minimum_permissions

        return minimum_permissions(needs)

    def describe_entity(self, name: str) -> "DescribedEntity":
        """What the tenant states about an entity. Raises TargetError, also where it has none."""
        from trueup.target.autotask.described import describe

        target = self._http_target()
        described = describe(target.client, name, self._project.catalogue.entities.keys())
        target.forget_metadata(described.name)
        return described

    def source_tables(self) -> "Mapping[str, Table]":
        """The catalogue's tables under the names of the source. Raises ConfigError."""
        return self._profile().tables

    def examine_source(self) -> list[Finding]:
        """Findings about access to the source. Raises EngineError where it cannot be opened."""
        project = self._project
        written = {
            mapping.source.table: [*mapping.write_back.set]
            for mapping in project.mappings.values()
            if mapping.write_back
        }
        if project.source.connector == "dataverse":
            from trueup.source.dataverse import doctor

            with self._dataverse_client() as client:
                return doctor.examine(client, self._profile(), columns(project), written)

        from trueup.source.examine import examine

        connectors: dict[str, Callable[[Connection], FileSource | SqlSource]] = {
            "files": self._files,
            "sql": self._sql,
        }
        source = _choose(connectors, project.source)(project.source)
        return examine(source, columns(project), written)

    def discover(self) -> "Discovery":
        """What the source's environment calls the tables of the catalogue.

        Raises EngineError where the source is no Dataverse, SourceError where it cannot be read.
        """
        from trueup.source.dataverse.discover import discover

        with self._dataverse_client() as client:
            return discover(client, self._project.catalogue.tables)

    def describe_table(self, logical: str) -> "TableDefinition":
        """A table of the source's environment, by its logical name.

        Raises EngineError where the source is no Dataverse, SourceError where it cannot be read.
        """
        from trueup.source.dataverse.metadata import read_definition

        with self._dataverse_client() as client:
            return read_definition(client, logical)

    def tenant_tables(self) -> Mapping[str, Table]:
        """The catalogue's tables under the names that the profile gives them."""
        return self._profile().tables

    def _dataverse_client(self) -> "DataverseClient":
        if self._project.source.connector != "dataverse":
            raise EngineError(
                "the source in trueup.yaml is no Dataverse: there are no names to discover"
            )
        if self._project.source.unset:
            raise ConfigError(self._project.source.unset)

        from trueup.source.dataverse.client import DataverseClient
        from trueup.source.dataverse.settings import settings

        access, _ = settings(self._project.source.options, self._project.own)
        return DataverseClient(access, self._clock)

    def target_copy(self, database: Path) -> Target:
        """A sandbox with what is in the target now, as far as the project is about it."""
        from trueup.sandbox.autotask import snapshots
        from trueup.sandbox.autotask.server import Sandbox

        target, entities = self._http_target(), self._project.catalogue.entities
        credentials = DEMO_CREDENTIALS
        if self._project.target.connector == "sandbox":
            credentials = _sandbox_credentials(self._project.target.options)
            snapshots.snapshot(self._own_path(self._project.target, "database"), database)
        else:
            self.clone_target(database)
        url = self._stack.enter_context(Sandbox(database, entities)).url
        name = f"a copy of {target.describe()}"
        return self._http(url, credentials, {}, name, target.identity())

    def clone_target(self, database: Path) -> int:
        """Copies what the project's mappings touch into a sandbox's database; returns how much.

        The result counts records. Reads only.
        """
        from trueup.sandbox.autotask.clone import clone

        entities = self._project.catalogue.entities
        return clone(self._http_target(), _cloned_fields(self._project), entities, database)

    # Connectors

    def _files(self, connection: Connection) -> "FileSource":
        from trueup.source.files.source import FileSource
        from trueup.source.files.value_formats import parse_format

        return FileSource(
            self._read_path(connection, "path"),
            self._project.catalogue.tables,
            str(connection.options["path"]),
            zone=self._project.zone,
            file_format=parse_format(connection.options.get("format", {})),  # type: ignore[arg-type]  # by its schema
        )

    def _dataverse(self, connection: Connection) -> Source:
        from trueup.source.dataverse.settings import settings
        from trueup.source.dataverse.source import DataverseSource

        access, cache = settings(connection.options, self._project.own)
        source = DataverseSource(access, self._profile(), self._project.zone, self._clock, cache)
        return self._stack.enter_context(source)

    def _sql(self, connection: Connection) -> "SqlSource":
        from trueup.source.sql.source import SqlSource

        url, folder = str(connection.options["url"]), Path(self._project.root)
        source = SqlSource(url, self._profile(), self._project.zone, folder)
        return self._stack.enter_context(source)

    def _profile(self) -> "Profile":
        """The tenant's names for the catalogue's tables; without a profile the catalogue's own."""
        from trueup.source.profile import Profile, parse_profile

        options, tables = self._project.source.options, self._project.catalogue.tables
        file = str(options.get("profile", PROFILE))
        path = Path(self._project.root) / file
        if "profile" not in options and is_absent(path):
            return Profile(tables)
        documents, findings = read(path, file)
        if findings or not documents:
            empty = Finding("profile-empty", Severity.ERROR, "is empty", "", Place(file))
            raise ConfigError(findings or [empty])
        return parse_profile(documents[0].data, tables, documents[0])

    def _http_target(self) -> "HttpTarget":
        if self._target is None:
            connectors: dict[str, Callable[[Connection], HttpTarget]] = {
                "autotask": self._autotask,
                "sandbox": self._sandbox,
            }
            connection = self._project.target
            self._target = _choose(connectors, connection)(connection)
        return self._target

    def _autotask(self, connection: Connection) -> "HttpTarget":
        options = connection.options
        credentials = Credentials(
            str(options["username"]), str(options["secret"]), str(options["integration_code"])
        )
        name = self._project.catalogue.systems.target
        url, memory = str(options["url"]), self._memory(options)
        return self._http(url, credentials, options, name, memory=memory)

    def _sandbox(self, connection: Connection) -> "HttpTarget":
        from trueup.sandbox.autotask.server import Sandbox

        options = connection.options
        seed = self._read_path(connection, "seed") if options.get("seed") else None
        database = self._own_path(connection, "database")
        memory = self._memory(options, is_new=is_absent(database))
        sandbox = Sandbox(database, self._project.catalogue.entities, seed=seed)
        url = self._stack.enter_context(sandbox).url
        identity = f"sandbox in {options['database']}"
        credentials = _sandbox_credentials(options)
        return self._http(url, credentials, options, "sandbox", identity, memory=memory)

    def _http(
        self,
        url: str,
        credentials: Credentials,
        options: Mapping[str, object],
        name: str,
        identity: str = "",
        *,
        memory: "Memory" = (None, None),
    ) -> "HttpTarget":
        from trueup.target.autotask.client import AutotaskClient
        from trueup.target.autotask.gateway import HttpTarget
        from trueup.target.autotask.limits import RunLimits

        defaults = RunLimits()
        limits = RunLimits(
            workers=int(str(options.get("workers", WORKERS))),
            timeout=float(str(options.get("timeout", defaults.timeout))),
            deadline=float(str(options.get("deadline", defaults.deadline))),
            max_calls=self._max_calls,
        )
        named = options.get("hosts", ())
        hosts = [str(host) for host in named] if isinstance(named, list | tuple) else []
        client = AutotaskClient(url, credentials, self._clock, limits, hosts=hosts)
        entities = self._project.catalogue.entities
        target = HttpTarget(client, entities, name, identity, *memory)
        return self._stack.enter_context(target)

    def _memory(self, options: Mapping[str, object], *, is_new: bool = False) -> "Memory":
        """What earlier commands have kept of the target; nothing of it is used of a new tenant."""
        from trueup.target.autotask.changed_reads import Changes
        from trueup.target.autotask.kept_metadata import KeptMetadata
        from trueup.target.autotask.kept_records import KeptRecords

        metadata, changes = None, None
        if self._metadata is not Kept.IGNORED:
            used = self._metadata is Kept.USED and not is_new
            metadata = KeptMetadata(kept_file(self._project, METADATA), self._clock, used=used)
        if self._records is not Kept.IGNORED and options.get("read") == "changed":
            used = self._records is Kept.USED and not is_new
            records = KeptRecords(kept_file(self._project, RECORDS), self._clock, used=used)
            hours = float(str(options.get("full_read_after", FULL_READ_AFTER)))
            changes = Changes(records, timedelta(hours=hours), epoch=self._journal_head)
        return metadata, changes

    def _journal_head(self) -> str:
        """Another text after each write of a run, on whichever machine it is made."""
        return str(self.state().head())

    def _sqlite(self, connection: Connection) -> State:
        from trueup.state.sqlite.store import SqliteState

        path = self._own_path(connection, "path")
        return self._stack.enter_context(SqliteState(path, clock=self._clock))

    def _postgres(self, connection: Connection) -> State:
        """The state of one tenant. Its leases run by the clock of the server, which all share."""
        _require_driver(connection)
        from trueup.state.postgres.store import PostgresState

        url, tenant = str(connection.options["url"]), str(connection.options["tenant"])
        state = self._stack.enter_context(PostgresState(url, tenant))
        self._server_clock = state.server_clock(self._clock)
        return state

    def _read_path(self, connection: Connection, option: str) -> Path:
        """Of what is only read: tenants may share it."""
        return Path(self._project.root) / str(connection.options[option])

    def _own_path(self, connection: Connection, option: str) -> Path:
        """Of what is written."""
        return self._project.own / str(connection.options[option])


def _require_driver(connection: Connection) -> None:
    """Raises EngineError where the driver for PostgreSQL is not installed."""
    if find_spec("psycopg") is None:
        how = "pip install 'trueup[postgres]'"
        raise EngineError(f"{connection.place}: the driver psycopg is not installed: {how}")


def _sandbox_credentials(options: Mapping[str, object]) -> Credentials:
    """Those of trueup.yaml, where the sandbox's seed names users; else the demo's."""
    demo = DEMO_CREDENTIALS
    return Credentials(
        str(options.get("username", demo.username)),
        str(options.get("secret", demo.secret)),
        str(options.get("integration_code", demo.integration_code)),
    )


def _cloned_fields(project: Project) -> dict[str, set[str]]:
    """Entities that the project reads, each with the user-defined fields that it names."""
    needed = {name: set[str]() for name, does in operations(project).items() if "query" in does}
    for mapping in project.mappings.values():
        user_defined = {name for name in entity_fields(project, mapping) if name.startswith(UDF)}
        needed.get(mapping.target.entity, set()).update(user_defined)
    return needed


_Connector = TypeVar("_Connector")


def _choose(connectors: Mapping[str, _Connector], connection: Connection) -> _Connector:
    if connection.connector not in connectors:
        raise EngineError(
            f"{connection.place}: there is no connector {connection.connector!r}: "
            f"use {', '.join(connectors)}"
        )
    if connection.unset:
        raise ConfigError(connection.unset)
    return connectors[connection.connector]
