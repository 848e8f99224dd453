"""The tables of one environment by their names there: what each is, and its rows, up to date.

What a table is (its definition) is kept with its rows. Each answer carries the version of all definitions;
when that has moved, the definition is read again, so that a new choice or column is seen with the next reading.
"""

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import SourceError
from engine.ports import Clock
from engine.source.dataverse.cache import RowCache
from engine.source.dataverse.client import DataverseClient
from engine.source.dataverse.loading import Loader, Patience, Wanted
from engine.source.dataverse.metadata import Definition, definition, from_json
from engine.source.rows import Raw

Names = Callable[[Definition], frozenset[str]]
"""Which columns to read, under the names that they wear in rows. May raise SourceError."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A table's definition and its rows. `fresh`: the definition was read just now."""

    definition: Definition
    rows: Iterator[Raw]
    fresh: bool


class Environment:
    """Definitions, rows and texts of tables, kept in one cache."""

    def __init__(self, client: DataverseClient, clock: Clock, path: Path | None, patience: Patience) -> None:
        """`path`: where to keep rows; none: in memory. Raises SourceError."""
        self.client = client
        self._cache = RowCache(path, path.name if path else "in memory")
        self._cache.belong_to(client.root)
        self._loader = Loader(client, self._cache, clock, patience)
        self._texts: dict[tuple[str, str], Mapping[str, str]] = {}

    def close(self) -> None:
        """Closes the cache."""
        self._cache.close()

    @property
    def remarks(self) -> Sequence[str]:
        """Full loads and why."""
        return self._loader.remarks

    @property
    def repeated(self) -> bool:
        """Did the last full load give rows twice? Then what is kept is right, and what was given is not."""
        return self._loader.repeated

    def define(self, logical: str, *, fresh: bool = False) -> Definition:
        """What a table is. Raises SourceError."""
        kept = None if fresh else self._cache.definition(logical)
        return from_json(kept[1]) if kept else self._learn(logical, "")

    def read(self, logical: str, names: Names, print_: str) -> Reading:
        """All rows of a table with these columns. Raises SourceError, also while the rows are taken."""
        kept = self._kept(logical, names, print_)
        if kept is not None:
            return kept
        definition = self._learn(logical, "")
        wanted = self._wanted(definition, names(definition), print_)
        return Reading(definition, self._full(wanted), fresh=True)

    def kept(self, definition: Definition) -> Iterator[Raw]:
        """The rows again, as they were read last."""
        return self._loader.kept(definition)

    def rows(self, definition: Definition, keys: Collection[str]) -> Mapping[str, Raw]:
        """Some rows as they were read last, by key; not those that were not."""
        return {str(raw[definition.key]): raw for raw in self.kept(definition) if raw[definition.key] in keys}

    def texts(self, logical: str, attribute: str, *, fresh: bool = False) -> Mapping[str, str]:
        """What rows show of themselves: id → text. Read once, unless asked for afresh. Raises SourceError."""
        asked = logical, attribute
        if fresh or asked not in self._texts:

            def names(definition: Definition) -> frozenset[str]:
                return frozenset({attribute or definition.name})

            reading = self.read(logical, names, "texts")
            key, name = reading.definition.key, attribute or reading.definition.name
            self._texts[asked] = {str(raw[key]): str(raw[name]) for raw in reading.rows if raw.get(name)}
        return self._texts[asked]

    def _kept(self, logical: str, names: Names, print_: str) -> Reading | None:
        """By increments, if that can be."""
        found = self._cache.definition(logical)
        if not found:
            return None
        version, definition = found[0], from_json(found[1])
        columns = _known(names, definition)
        if columns is None or not self._loader.increment(self._wanted(definition, columns, print_)):
            return None
        now = self._loader.versions[logical]
        if now != version:
            was, definition = definition, self._learn(logical, now)
            if definition.key != was.key or not names(definition) <= columns:
                self._loader.remarks.append(f"{logical}: read whole, for its definition has changed")
                return None
        return Reading(definition, self._loader.kept(definition), fresh=now != version)

    def _full(self, wanted: Wanted) -> Iterator[Raw]:
        yield from self._loader.full(wanted)
        self._cache.define(wanted.name, self._loader.versions[wanted.name], wanted.definition.as_json())

    def _learn(self, logical: str, version: str) -> Definition:
        learned = definition(self.client, logical)
        self._cache.define(logical, version, learned.as_json())
        return learned

    def _wanted(self, definition: Definition, columns: frozenset[str], print_: str) -> Wanted:
        digest = hashlib.sha256(f"{definition.entity_set} {definition.key} {print_}".encode()).hexdigest()
        return Wanted(definition, columns, digest)


def _known(names: Names, definition: Definition) -> frozenset[str] | None:
    """None where the definition that is kept does not know a column: it may be out of date."""
    try:
        return names(definition)
    except SourceError:
        return None
