"""Work 365 as tables of a Dataverse environment, behind the same port as files.

A reading brings the rows cached on this machine up to date (`cached_tables`, `sync`), then types
them (`columns`, `rows`). A write-back is a conditional change of an existing row (`writer`).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

from msgspec import Struct, field

from trueup.errors import SourceError
from trueup.model.catalogue import Table
from trueup.model.finding import Place
from trueup.ports.source import RowOutcome, Rows, RowUpdate
from trueup.ports.world import Clock
from trueup.source.column_reader import RawRow
from trueup.source.dataverse.cache_file import CacheDamaged
from trueup.source.dataverse.cached_tables import CachedTables, TableUse
from trueup.source.dataverse.client import DataverseAccess, DataverseClient
from trueup.source.dataverse.columns import (
    BoundColumn,
    ReferenceTexts,
    TableReader,
    UnknownValues,
    bind_columns,
)
from trueup.source.dataverse.metadata import TableDefinition, read_precision
from trueup.source.dataverse.sync import LoadSettings
from trueup.source.dataverse.writer import DataverseRowWriter, ServiceLost
from trueup.source.names import table_named
from trueup.source.profile import ID_COLUMNS, Profile
from trueup.source.rows import RowCollector
from trueup.source.text import canonical_key
from trueup.source.updates import columns_of


class CacheSettings(Struct, frozen=True):
    """Where rows are cached between runs, and how they are loaded.

    Without a path the cache is in memory, for this run only.
    """

    path: Path | None = None
    load: LoadSettings = field(default_factory=LoadSettings)


class DataverseSource:
    """Tables of one environment under the names of a profile; a context manager."""

    def __init__(
        self,
        access: DataverseAccess,
        profile: Profile,
        zone: ZoneInfo,
        clock: Clock,
        cache: CacheSettings | None = None,
    ) -> None:
        """`zone` is the business time zone. Sends nothing yet. Raises `SourceError`."""
        cache = cache or CacheSettings()
        self.client = DataverseClient(access, clock)
        self.profile = profile
        self._zone = zone
        self._precisions: dict[tuple[str, str], int | None] = {}  # by table and column there
        self._tables = CachedTables(self.client, clock, cache.path, cache.load)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections and the cache."""
        self.client.close()
        self._tables.close()

    @property
    def calls(self) -> int:
        """Requests sent so far, without those for tokens."""
        return self.client.calls

    @property
    def notices(self) -> Sequence[str]:
        """Returns remarks about the readings, such as full loads.

        No plan depends on it.
        """
        return tuple(self._tables.notices)

    def describe(self) -> str:
        """Returns the environment's host."""
        return self.client.name

    def identity(self) -> str:
        """Returns the environment's host: each organisation has its own."""
        return self.client.name.casefold()

    def id_entity_of(self, table: str, column: str) -> str | None:
        """Returns what the profile states, for columns of Autotask ids."""
        return self.profile.id_entity_of(table, column) if column in ID_COLUMNS else None

    def decimal_places(self, table: str, column: str) -> int | None:
        """Returns the precision of the column in the environment, which is read once.

        Raises `SourceError`.
        """
        logical = table_named(self.profile.tables, table).logical
        definition = self._tables.define(logical)
        bound = self._bind(table_named(self.profile.tables, table), definition, [column])
        attribute = bound[-1].attribute
        names = logical, attribute.logical
        if names not in self._precisions:
            self._precisions[names] = read_precision(self.client, logical, attribute)
        return self._precisions[names]

    def read(self, table: str, columns: Iterable[str], keys: Collection[str] | None = None) -> Rows:
        """Returns the table, or some rows, with the key and these columns. Raises `SourceError`.

        The cached table is brought up to date in any case, which is one request. A cache that is
        damaged is dropped, which costs a full load.
        """
        names = tuple(columns)
        try:
            return self._read(table, names, keys)
        except CacheDamaged as damage:
            self._tables.begin_again(damage)
            return self._read(table, names, keys)

    def _read(self, table: str, names: Sequence[str], keys: Collection[str] | None) -> Rows:
        profiled = table_named(self.profile.tables, table)
        wanted = None if keys is None else {canonical_key(key) for key in keys}

        def select(definition: TableDefinition) -> frozenset[str]:
            bound = self._bind(profiled, definition, names)
            return frozenset(column.attribute.wire for column in bound)

        use = self._use_of(profiled)
        reading = self._tables.read(use, select, wanted)
        bound = self._bind(profiled, reading.definition, names)
        rows, unknown = self._collect(profiled, bound, reading.rows)
        if unknown or self._tables.repeated:
            # A choice or a referenced row is unknown: our definition or texts may be out of date.
            # They are read again, and then the rows are taken from the cache.
            definition = self._tables.define(
                profiled.logical, fresh=bool(unknown) and not reading.fresh
            )
            bound = self._bind(profiled, definition, names)
            cached = self._tables.cached_rows(use, definition, wanted)
            rows, _ = self._collect(profiled, bound, cached, fresh=bool(unknown))
        return rows

    def places(self, table: str, keys: Iterable[str]) -> Mapping[str, Place]:  # noqa: ARG002 -- no files
        """Returns nothing: rows of a database have no place in a file."""
        return {}

    def write(self, table: str, updates: Sequence[RowUpdate]) -> Sequence[RowOutcome]:
        """Writes each row by itself, only if it is as planned; never creates a row.

        If the service stops answering, the remaining rows are not tried. Raises `SourceError` if
        the table cannot be written at all.
        """
        profiled = table_named(self.profile.tables, table)
        definition = self._tables.define(profiled.logical)
        bound = self._bind(profiled, definition, columns_of(updates))
        reader = TableReader(profiled, bound, self._texts(bound), self._zone)
        writer = DataverseRowWriter(self.client, definition, reader, self.profile)
        keys = {canonical_key(update.key) for update in updates}
        cached = self._tables.cached_rows_by_key(self._use_of(profiled), definition, keys)

        outcomes: list[RowOutcome] = []
        for update in updates:
            try:
                outcomes.append(writer.write(update, cached.get(canonical_key(update.key))))
            except SourceError as error:
                if isinstance(error, ServiceLost):
                    outcomes.append(error.outcome)
                reason = f"not tried: {error}"
                rest = updates[len(outcomes) :]
                return [*outcomes, *(RowOutcome(each.key, reason, untried=True) for each in rest)]
        return outcomes

    def _use_of(self, table: Table) -> TableUse:
        return TableUse(table.logical, table.name, self.profile.digest)

    def _bind(
        self, table: Table, definition: TableDefinition, columns: Iterable[str]
    ) -> list[BoundColumn]:
        return bind_columns(table, definition, self.profile, columns)

    def _collect(
        self,
        table: Table,
        bound: Sequence[BoundColumn],
        raw_rows: Iterator[RawRow],
        *,
        fresh: bool = False,
    ) -> tuple[Rows, UnknownValues]:
        """The typed rows, and the columns with an unknown number or reference.

        `fresh` reads the texts of references again.
        """
        reader = TableReader(table, bound, self._texts(bound, fresh=fresh), self._zone)
        rows = RowCollector(table, reader.columns, reader.cleaned, lambda _: None)
        for number, raw in enumerate(raw_rows):
            rows.add(raw, number)
        return rows.result(), reader.unknown

    def _texts(self, bound: Iterable[BoundColumn], *, fresh: bool = False) -> ReferenceTexts:
        """The texts of referenced rows, for the columns that are read as such texts."""
        return {
            column.column.name: self._tables.texts(*column.shows, fresh=fresh)
            for column in bound
            if column.shows
        }
