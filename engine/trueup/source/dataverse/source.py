"""Work 365 as tables of a Dataverse environment, behind the same port as files.

A reading brings what is kept on this machine up to date (`environment`, `loading`), then reads it out
(`columns`, `rows`). A write-back is a conditional change of a row that is there (`writing`).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

from engine.errors import SourceError
from engine.model.catalogue import Table
from engine.ports import Clock, RowOutcome, Rows, RowUpdate
from engine.source.dataverse.client import Access, DataverseClient
from engine.source.dataverse.columns import Doubts, Found, Reader, Shown, find
from engine.source.dataverse.environment import Environment
from engine.source.dataverse.loading import Patience
from engine.source.dataverse.metadata import Definition
from engine.source.dataverse.writing import Silent, Writer
from engine.source.profile import IDS, Profile
from engine.source.rows import Gathering, Raw, table_of
from engine.source.values import same_key


@dataclass(frozen=True, slots=True)
class Keeping:
    """Where rows are kept between runs (no path: for this run only), and how long they are trusted."""

    path: Path | None = None
    patience: Patience = field(default_factory=Patience)


class DataverseSource:
    """Tables of one environment under the names of a profile. Close it, or use it as a context manager."""

    def __init__(
        self, access: Access, profile: Profile, zone: ZoneInfo, clock: Clock, keeping: Keeping | None = None
    ) -> None:
        """`zone` is the business time zone. Nothing is sent yet. Raises SourceError."""
        keeping = keeping or Keeping()
        self.client = DataverseClient(access, clock)
        self.profile = profile
        self._zone = zone
        self._environment = Environment(self.client, clock, keeping.path, keeping.patience)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes connections and cache."""
        self.client.close()
        self._environment.close()

    @property
    def calls(self) -> int:
        """Requests sent so far, those for tokens left out."""
        return self.client.calls

    @property
    def remarks(self) -> Sequence[str]:
        """What happened on reading that a person may want to know, such as full loads; no plan depends on it."""
        return tuple(self._environment.remarks)

    def describe(self) -> str:
        """The environment's host."""
        return self.client.name

    def identity(self) -> str:
        """The environment's host: an organisation has its own."""
        return self.client.name.casefold()

    def holds(self, table: str, column: str) -> str | None:
        """As the profile says, for columns of Autotask ids."""
        return self.profile.holds(table, column) if column in IDS else None

    def read(self, table: str, columns: Iterable[str]) -> Rows:
        """The whole table, with the key and these columns. Raises SourceError."""
        described, asked = table_of(self.profile.tables, table), tuple(columns)

        def names(definition: Definition) -> frozenset[str]:
            return frozenset(each.attribute.wire for each in self._find(described, definition, asked))

        reading = self._environment.read(described.logical, names, f"{table} {self.profile.digest}")
        found = self._find(described, reading.definition, asked)
        rows, doubts = self._gather(described, found, reading.rows)
        if doubts or self._environment.repeated:
            # A choice or a row referred to that nobody knew: what was known of them may be out of date.
            definition = self._environment.define(described.logical, fresh=bool(doubts) and not reading.fresh)
            found = self._find(described, definition, asked)
            kept = self._environment.kept(definition)
            rows, _ = self._gather(described, found, kept, fresh=bool(doubts))
        return rows

    def write(self, table: str, updates: Sequence[RowUpdate]) -> Sequence[RowOutcome]:
        """Each row by itself, only where it is as planned; never creates. Raises SourceError.

        Where the service stops answering, the rows after that are not tried, and say so.
        """
        described = table_of(self.profile.tables, table)
        asked = dict.fromkeys(name for update in updates for name in (*update.values, *update.expected))
        definition = self._environment.define(described.logical)
        found = self._find(described, definition, asked)
        reader = Reader(described, found, self._shown(found), self._zone)
        writer = Writer(self.client, definition, reader, self.profile)
        kept = self._environment.rows(definition, {same_key(update.key) for update in updates})
        outcomes: list[RowOutcome] = []
        for update in updates:
            try:
                outcomes.append(writer.one(update, kept.get(same_key(update.key))))
            except SourceError as error:
                outcomes += [error.outcome] if isinstance(error, Silent) else []
                rest, why = updates[len(outcomes) :], f"not tried: {error}"
                return [*outcomes, *(RowOutcome(each.key, why, untried=True) for each in rest)]
        return outcomes

    def _find(self, table: Table, definition: Definition, columns: Iterable[str]) -> list[Found]:
        return find(table, definition, self.profile, columns)

    def _gather(
        self, table: Table, found: Sequence[Found], raws: Iterator[Raw], *, fresh: bool = False
    ) -> tuple[Rows, Doubts]:
        reader = Reader(table, found, self._shown(found, fresh=fresh), self._zone)
        rows = Gathering(table, reader.cells, reader.notes, lambda _: None)
        for number, raw in enumerate(raws):
            rows.add(raw, number)
        return rows.end(), reader.doubts

    def _shown(self, found: Iterable[Found], *, fresh: bool = False) -> Shown:
        """The texts of rows referred to, for the columns that are taken by those."""
        return {each.column.name: self._environment.texts(*each.shows, fresh=fresh) for each in found if each.shows}
