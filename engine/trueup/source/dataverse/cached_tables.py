"""The tables of one environment by their names there: their definitions, and their rows up to date.

A table's definition is cached with its rows. Each answer carries the version of all definitions.
When it has changed, the definition is read again, so that a new choice or column is known at the
next reading. Its rows are cached for each use apart: the texts of a look-up have other columns than
the rows of the table that they come from.
"""

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from trueup.errors import SourceError
from trueup.ports.world import Clock
from trueup.source.column_reader import RawRow
from trueup.source.dataverse.cache import RowCache
from trueup.source.dataverse.cache_file import CacheDamaged
from trueup.source.dataverse.client import DataverseClient
from trueup.source.dataverse.metadata import (
    TableDefinition,
    definition_from_json,
    read_definition,
)
from trueup.source.dataverse.sync import LoadSettings, TableLoader, TableQuery

SelectColumns = Callable[[TableDefinition], frozenset[str]]
"""Returns the columns to read, by their names in rows. May raise `SourceError`."""


class TableUse(Struct, frozen=True):
    """What a table of the environment is read for; each use has its own cached rows."""

    logical: str
    use: str  # a table of the profile, or the texts of a look-up
    digest: str = ""  # of the profile: rows that were cached with another one are not used

    @property
    def slot(self) -> str:
        """Where the rows are cached."""
        return f"{self.logical} {self.use}"

    def query(self, definition: TableDefinition, columns: frozenset[str]) -> TableQuery:
        """Returns what to read, with the fingerprint of the cached rows that answer it."""
        fingerprint = f"{definition.entity_set} {definition.key} {self.use} {self.digest}"
        digest = hashlib.sha256(fingerprint.encode()).hexdigest()
        return TableQuery(definition, columns, digest, self.slot)


class TableReading(Struct, frozen=True):
    """A table's definition and its rows. `fresh`: the definition was read just now."""

    definition: TableDefinition
    rows: Iterator[RawRow]
    fresh: bool


class CachedTables:
    """Definitions, rows and texts of tables, in one cache."""

    def __init__(
        self, client: DataverseClient, clock: Clock, path: Path | None, settings: LoadSettings
    ) -> None:
        """`path` is the cache's file, None for memory. Raises `SourceError`."""
        self.client = client
        self._cache = RowCache(path, path.name if path else "in memory")
        self._loader = TableLoader(client, self._cache, clock, settings)
        self._texts: dict[tuple[str, str], Mapping[str, str]] = {}
        try:
            self._cache.belong_to(client.root)
        except CacheDamaged as damage:
            self.begin_again(damage)

    def begin_again(self, damage: CacheDamaged) -> None:
        """Drops a cache that is damaged: the next reading is a full load. Raises `SourceError`."""
        self._loader.begin_again(damage)
        self._cache.belong_to(self.client.root)
        self._texts.clear()

    def close(self) -> None:
        """Closes the cache."""
        self._cache.close()

    @property
    def notices(self) -> Sequence[str]:
        """Full loads and their reasons."""
        damage = self._cache.replaced
        of_all = [f"every table: full load, because {damage}"] if damage else []
        return [*of_all, *self._loader.notices]

    @property
    def repeated(self) -> bool:
        """Whether the last full load yielded a row twice.

        Then the cached rows are right, and the yielded ones are not.
        """
        return self._loader.repeated

    def define(self, logical: str, *, fresh: bool = False) -> TableDefinition:
        """Returns a table's definition, from the cache unless `fresh`. Raises `SourceError`."""
        cached = None if fresh else self._cached_definition(logical)
        return cached[1] if cached else self._read_definition(logical, "")

    def read(
        self,
        use: TableUse,
        select: SelectColumns,
        keys: Collection[str] | None = None,
    ) -> TableReading:
        """Returns all rows of a table, or those with these keys, with these columns.

        Raises `SourceError`, also while the rows are taken.
        """
        reading = self._increment(use, select, keys)
        if reading is not None:
            return reading
        definition = self._read_definition(use.logical, "")
        query = use.query(definition, select(definition))
        rows = (
            row for row in self._full_load(query) if keys is None or row[definition.key] in keys
        )
        return TableReading(definition, rows, fresh=True)

    def cached_rows(
        self, use: TableUse, definition: TableDefinition, keys: Collection[str] | None = None
    ) -> Iterator[RawRow]:
        """Yields the rows of the last reading again, all or those with these keys."""
        if keys is None:
            return self._loader.cached_rows(use.slot, definition)
        return iter(self._loader.cached_rows_of(use.slot, definition, keys))

    def cached_rows_by_key(
        self, use: TableUse, definition: TableDefinition, keys: Collection[str]
    ) -> Mapping[str, RawRow]:
        """Returns those of the rows that the last reading had, by key."""
        rows = self._loader.cached_rows_of(use.slot, definition, keys)
        return {str(row[definition.key]): row for row in rows}

    def texts(self, logical: str, attribute: str, *, fresh: bool = False) -> Mapping[str, str]:
        """Returns a text of each row of a table: id → text.

        The text is that of the attribute, or of the table's name column if it is empty. It is read
        once, unless `fresh`. Raises `SourceError`.
        """
        request = logical, attribute
        if fresh or request not in self._texts:

            def select(definition: TableDefinition) -> frozenset[str]:
                return frozenset({attribute or definition.name})

            reading = self.read(TableUse(logical, f"texts {attribute}".strip()), select)
            key, name = reading.definition.key, attribute or reading.definition.name
            self._texts[request] = {
                str(row[key]): str(row[name]) for row in reading.rows if row.get(name)
            }
        return self._texts[request]

    def _increment(
        self,
        use: TableUse,
        select: SelectColumns,
        keys: Collection[str] | None,
    ) -> TableReading | None:
        """The cached rows, brought up to date; None if a full load is needed."""
        logical = use.logical
        cached = self._cached_definition(logical)
        if not cached:
            return None
        version, definition = cached
        try:
            columns = select(definition)
        except SourceError:  # the cached definition lacks a column; it may be out of date
            return None
        if not self._loader.increment(use.query(definition, columns)):
            return None

        current = self._loader.versions[logical]
        if current != version:
            before, definition = definition, self._read_definition(logical, current)
            if definition.key != before.key or not select(definition) <= columns:
                self._loader.notices.append(
                    f"{logical}: full load, because its definition has changed"
                )
                return None
        rows = self.cached_rows(use, definition, keys)
        return TableReading(definition, rows, fresh=current != version)

    def _cached_definition(self, logical: str) -> tuple[str, TableDefinition] | None:
        """The version and the definition of a table, from the cache."""
        cached = self._cache.definition(logical)
        if cached is None:
            return None
        with self._cache.parsing():
            return cached[0], definition_from_json(cached[1])

    def _full_load(self, query: TableQuery) -> Iterator[RawRow]:
        yield from self._loader.full_load(query)
        version = self._loader.versions[query.name]
        self._cache.define(query.name, version, query.definition.as_json())

    def _read_definition(self, logical: str, version: str) -> TableDefinition:
        definition = read_definition(self.client, logical)
        self._cache.define(logical, version, definition.as_json())
        return definition
