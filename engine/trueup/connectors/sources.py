"""Opens the source that a project names: files, a database, or Dataverse.

A connector is imported by the method that opens it, with the libraries that it loads.
"""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from trueup.config.documents import read
from trueup.connectors.choosing import choose, read_path
from trueup.errors import ConfigError, EngineError
from trueup.local_files import is_absent
from trueup.model.catalogue import Table
from trueup.model.finding import Finding, Place, Severity
from trueup.model.project import Connection, Project
from trueup.planning.needs import columns, made_of
from trueup.ports.source import Source
from trueup.ports.world import Clock

if TYPE_CHECKING:
    from trueup.source.dataverse.client import DataverseClient
    from trueup.source.dataverse.discover import Discovery
    from trueup.source.dataverse.metadata import TableDefinition
    from trueup.source.examine import ReadableTables, WrittenColumns
    from trueup.source.files.source import FileSource
    from trueup.source.profile import Profile
    from trueup.source.sql.source import SqlSource

    class _Tables(Source, ReadableTables, Protocol):
        """A source that the common checks of `source.examine` can look at."""


PROFILE = "profile.yaml"
"""The default profile, which `trueup discover` writes."""


def profile_file(project: Project) -> Path:
    """Returns the file from which the project reads its profile, if there is one."""
    return Path(project.root) / _profile_name(project)


def _profile_name(project: Project) -> str:
    return str(project.source.options.get("profile", PROFILE))


def read_profile(project: Project) -> "Profile":
    """Returns the tenant's names for the catalogue's tables; without a profile the catalogue's own.

    Raises `ConfigError`.
    """
    from trueup.source.profile import Profile, parse_profile

    options, tables = project.source.options, project.catalogue.tables
    file, path = _profile_name(project), profile_file(project)
    if is_absent(path):
        if "profile" in options:
            raise ConfigError([_without_names(project, is_there=False)])
        return Profile(tables)
    documents, findings = read(path, file)
    if findings:
        raise ConfigError(findings)
    data = documents[0].data if documents else None
    if not data or data == {"tables": None}:  # `tables: {}` states that no name differs
        raise ConfigError([_without_names(project, is_there=True)])
    return parse_profile(data, tables, documents[0])


def _without_names(project: Project, *, is_there: bool) -> Finding:
    """Returns the error about a profile that is not there, or has nothing."""
    if project.source.connector == "dataverse":
        tenant = " --tenant NAME" if project.overlay else ""
        run = f"run `trueup discover{tenant}`, which writes it"
        write = f"remove the empty file and {run}" if is_there else run
    else:
        write = "write the database's names of tables and columns under `tables:`"
    remedy = f"{write}. Without the file and `source.profile`, the names of the catalogue are used"
    text = "the profile is empty" if is_there else "the profile is missing"
    place = Place(_profile_name(project))
    return Finding("profile", Severity.ERROR, text, remedy, place)


class SourceConnector(Struct, frozen=True):
    """What a connector does with its connection. Both raise EngineError."""

    open: Callable[[Connection], Source]
    examine: Callable[[Connection], list[Finding]]  # for `trueup doctor`


class Sources:
    """Opens the source of one project, and examines it. What is opened is closed with `stack`."""

    def __init__(
        self, project: Project, stack: ExitStack, clock: Clock, *, refresh: bool = False
    ) -> None:
        """With `refresh`, rows that an earlier command kept are not used."""
        self._project, self._stack, self._clock = project, stack, clock
        self._refresh = refresh

    @property
    def connectors(self) -> Mapping[str, SourceConnector]:
        """The connectors by the names that `source.connector` may have."""
        return {
            "files": self._of_tables(self._files),
            "dataverse": SourceConnector(self._dataverse, self._examine_dataverse),
            "sql": self._of_tables(self._sql),
        }

    def open(self) -> Source:
        """Returns the source. Raises EngineError if it cannot be opened."""
        return choose(self.connectors, self._project.source).open(self._project.source)

    def copy(self) -> Source:
        """Returns the source, of which what is written stays in memory."""
        from trueup.source.overlay import SourceOverlay

        return SourceOverlay(self.open(), self._project.catalogue.tables)

    def examine(self) -> list[Finding]:
        """Returns findings about access to the source.

        Raises EngineError if it cannot be opened.
        """
        return choose(self.connectors, self._project.source).examine(self._project.source)

    def discover(self) -> "Discovery":
        """Returns the environment's names for the tables of the catalogue.

        Raises EngineError if the source is no Dataverse, SourceError if it cannot be read.
        """
        from trueup.source.dataverse.discover import discover

        with self._dataverse_client() as client:
            return discover(client, self._project.catalogue.tables)

    def describe_table(self, logical: str) -> "TableDefinition":
        """Returns a table of the source's environment, by its logical name.

        Raises EngineError if the source is no Dataverse, SourceError if it cannot be read.
        """
        from trueup.source.dataverse.metadata import read_definition

        with self._dataverse_client() as client:
            return read_definition(client, logical)

    def tables(self) -> Mapping[str, Table]:
        """Returns the catalogue's tables under the names of the profile."""
        return read_profile(self._project).tables

    def _of_tables(self, open_tables: "Callable[[Connection], _Tables]") -> SourceConnector:
        """The connector of a source that the common checks can look at."""

        def examine(connection: Connection) -> list[Finding]:
            from trueup.source.examine import examine as examine_tables

            source = open_tables(connection)
            return examine_tables(source, columns(self._project), self._written())

        return SourceConnector(open_tables, examine)

    def _examine_dataverse(self, _: Connection) -> list[Finding]:
        from trueup.source.dataverse import doctor

        with self._dataverse_client() as client:
            needed = columns(self._project)
            written: dict[str, list[str]] = {}
            for one in self._written():
                written.setdefault(one.table, []).extend(one.columns)
            return doctor.examine(client, read_profile(self._project), needed, written)

    def _written(self) -> "list[WrittenColumns]":
        """What each mapping writes back; several may share a table."""
        from trueup.source.examine import WrittenColumns

        return [
            WrittenColumns(
                mapping.source.table,
                [*mapping.write_back.set],
                made_of(self._project, mapping) if mapping.append else (),
            )
            for mapping in self._project.mappings.values()
            if mapping.write_back
        ]

    def _files(self, connection: Connection) -> "FileSource":
        from trueup.source.files.source import FileSource
        from trueup.source.files.value_formats import parse_format

        return FileSource(
            read_path(self._project, connection, "path"),
            self._project.catalogue.tables,
            str(connection.options["path"]),
            zone=self._project.zone,
            file_format=parse_format(connection.options.get("format", {})),  # type: ignore[arg-type]  # by its schema
        )

    def _dataverse(self, connection: Connection) -> Source:
        from trueup.source.dataverse.settings import settings
        from trueup.source.dataverse.source import DataverseSource

        access, cache = settings(connection.options, self._project.own, refresh=self._refresh)
        source = DataverseSource(
            access, read_profile(self._project), self._project.zone, self._clock, cache
        )
        return self._stack.enter_context(source)

    def _sql(self, connection: Connection) -> "SqlSource":
        from trueup.source.sql.source import SqlSource

        url, folder = str(connection.options["url"]), Path(self._project.root)
        source = SqlSource(url, read_profile(self._project), self._project.zone, folder)
        return self._stack.enter_context(source)

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
