"""Opens Autotask, and its sandbox on this machine."""

from collections.abc import Iterable, Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from trueup.connectors.choosing import own_path, read_path, require_set
from trueup.connectors.target_setup import TargetSetup
from trueup.local_files import is_absent
from trueup.model.catalogue import UDF
from trueup.model.finding import Finding
from trueup.model.project import Connection, Project
from trueup.planning.needs import entity_fields, operations
from trueup.ports.target import CachePolicy, DescribedEntity, Target
from trueup.target.autotask.credentials import Credentials

if TYPE_CHECKING:
    from trueup.target.autotask.changed_reads import Changes
    from trueup.target.autotask.gateway import HttpTarget
    from trueup.target.autotask.kept_answers import KeptAnswers

WORKERS = 12
"""Requests in flight over all endpoints: three for each of four, as Autotask allows."""

FULL_READ_AFTER = 24
"""Hours after which records are read in full again, where only what changed is read."""

METADATA, CONNECTION, RECORDS = "metadata", "connection", "known"
"""What is kept of the target, in a file of its own each, by the end of its name."""

DEMO_CREDENTIALS = Credentials("api@demo.example", "demo", "DEMO")
"""The sandbox's credentials if its seed names no users; they open nothing else."""


class _Memory(Struct, frozen=True):
    """What earlier commands have kept of the target; nothing by default."""

    metadata: "KeptAnswers | None" = None
    connection: "KeptAnswers | None" = None
    changes: "Changes | None" = None


_NO_MEMORY = _Memory()


class AutotaskConnector:
    """Autotask, with the API user that trueup.yaml names."""

    def __init__(self, setup: TargetSetup) -> None:
        self._setup, self._project = setup, setup.project
        self._target: HttpTarget | None = None

    def open(self) -> "HttpTarget":
        """Returns Autotask; opened once. Raises EngineError if it cannot be opened."""
        if self._target is None:
            require_set(self._project.target)
            self._target = self._opened(self._project.target)
        return self._target

    def examine(self, needs: Mapping[str, frozenset[str]]) -> list[Finding]:
        """Returns findings about access to the target. `needs`: entity → operations."""
        from trueup.target.autotask.doctor import examine

        return examine(self.open(), needs)

    def minimum_permissions(self, needs: Mapping[str, frozenset[str]]) -> list[str]:
        """Returns the least permissions for these operations, in the target's terms."""
        from trueup.target.autotask.doctor import minimum_permissions

        return minimum_permissions(needs)

    def permission_sections(self, entities: Iterable[str]) -> dict[str, list[str]]:
        """Returns the sections of the target's rights, each with the entities that it grants."""
        from trueup.target.autotask.doctor import section_of

        found: dict[str, list[str]] = {}
        for entity in sorted(entities):
            found.setdefault(section_of(entity), []).append(entity)
        return dict(sorted(found.items()))

    def describe_entity(self, name: str) -> DescribedEntity:
        """Returns an entity's metadata. Raises TargetError, also for an unknown entity."""
        from trueup.target.autotask.described import describe

        target = self.open()
        described = describe(target.client, name, self._project.catalogue.entities.keys())
        target.metadata.answers.forget(described.name)
        return described

    def copy(self, database: Path) -> Target:
        """Returns a sandbox with the target's records, as far as the project uses them."""
        self.clone(database)
        return self._served(database, DEMO_CREDENTIALS)

    def clone(self, database: Path) -> int:
        """Copies the records that the project's mappings use into a sandbox's database.

        Returns their number. Only reads the target.
        """
        from trueup.sandbox.autotask import clone

        entities = self._project.catalogue.entities
        return clone.clone(self.open(), _cloned_fields(self._project), entities, database)

    def forget_answers(self) -> None:
        """Removes what earlier commands kept of the target's answers."""
        for what in (METADATA, CONNECTION, RECORDS):
            _kept_file(self._project, what).unlink(missing_ok=True)

    def _opened(self, connection: Connection) -> "HttpTarget":
        options = connection.options
        credentials = Credentials(
            str(options["username"]), str(options["secret"]), str(options["integration_code"])
        )
        name = self._project.catalogue.systems.target
        url, memory = str(options["url"]), self._memory(options)
        return self._http(url, credentials, options, name, memory=memory)

    def _served(self, database: Path, credentials: Credentials) -> Target:
        """Returns the sandbox in a database, in the place of the target."""
        from trueup.sandbox.autotask.server import Sandbox

        sandbox = Sandbox(database, self._project.catalogue.entities)
        url = self._setup.stack.enter_context(sandbox).url
        name = f"a copy of {self.open().describe()}"
        return self._http(url, credentials, {}, name, self.open().identity())

    def _http(
        self,
        url: str,
        credentials: Credentials,
        options: Mapping[str, object],
        name: str,
        identity: str = "",
        *,
        memory: _Memory = _NO_MEMORY,
    ) -> "HttpTarget":
        from trueup.target.autotask.client import AutotaskClient
        from trueup.target.autotask.gateway import HttpTarget
        from trueup.target.autotask.limits import RunLimits

        defaults = RunLimits()
        limits = RunLimits(
            workers=int(str(options.get("workers", WORKERS))),
            timeout=float(str(options.get("timeout", defaults.timeout))),
            deadline=float(str(options.get("deadline", defaults.deadline))),
            max_calls=self._setup.options.max_calls,
        )
        named = options.get("hosts", ())
        hosts = [str(host) for host in named] if isinstance(named, list | tuple) else []
        client = AutotaskClient(url, credentials, self._setup.clock, limits, hosts=hosts)
        if memory.connection:
            client.remember(memory.connection)
        entities = self._project.catalogue.entities
        target = HttpTarget(client, entities, name, identity, memory.metadata, memory.changes)
        return self._setup.stack.enter_context(closing(target))

    def _memory(self, options: Mapping[str, object], *, is_new: bool = False) -> _Memory:
        """Returns the kept answers of the target; none for a new tenant."""
        from trueup.target.autotask.changed_reads import Changes
        from trueup.target.autotask.kept_answers import KeptAnswers
        from trueup.target.autotask.kept_records import KeptRecords

        policies, clock = self._setup.options, self._setup.clock
        metadata, connection, changes = None, None, None
        if policies.metadata is not CachePolicy.IGNORED:
            used = policies.metadata is CachePolicy.USED and not is_new
            metadata = KeptAnswers(_kept_file(self._project, METADATA), clock, used=used)
            connection = KeptAnswers(_kept_file(self._project, CONNECTION), clock, used=used)
        if policies.records is not CachePolicy.IGNORED and options.get("read") == "changed":
            used = policies.records is CachePolicy.USED and not is_new
            records = KeptRecords(_kept_file(self._project, RECORDS), clock, used=used)
            hours = float(str(options.get("full_read_after", FULL_READ_AFTER)))
            changes = Changes(records, timedelta(hours=hours), epoch=self._setup.journal_head)
        return _Memory(metadata, connection, changes)


class SandboxConnector(AutotaskConnector):
    """The sandbox of Autotask, served on this machine while it is open."""

    def copy(self, database: Path) -> Target:
        """Returns a copy of the sandbox."""
        from trueup.sandbox.autotask import snapshots

        self.open()
        connection = self._project.target
        snapshots.snapshot(own_path(self._project, connection, "database"), database)
        return self._served(database, _sandbox_credentials(connection.options))

    def _opened(self, connection: Connection) -> "HttpTarget":
        from trueup.sandbox.autotask.server import Sandbox

        options = connection.options
        seed = read_path(self._project, connection, "seed") if options.get("seed") else None
        database = own_path(self._project, connection, "database")
        memory = self._memory(options, is_new=is_absent(database))
        sandbox = Sandbox(database, self._project.catalogue.entities, seed=seed)
        url = self._setup.stack.enter_context(sandbox).url
        identity = f"sandbox in {options['database']}"
        credentials = _sandbox_credentials(options)
        return self._http(url, credentials, options, "sandbox", identity, memory=memory)


def _kept_file(project: Project, what: str) -> Path:
    """Returns where metadata or records of the target are kept: beside the tenant's state.

    `what` is METADATA, CONNECTION or RECORDS.
    """
    if project.tenant:
        return project.own / project.kept_file(f"{what}.json")
    state = project.own / str(project.state.options["path"])
    return state.with_name(f"{state.stem}.{what}.json")


def _sandbox_credentials(options: Mapping[str, object]) -> Credentials:
    """Returns the credentials in trueup.yaml if the sandbox's seed names users; else the demo's."""
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
