"""One table brought up to date on this machine: changes since the last time where that can be, else all of it.

A full load happens where nothing is kept, where columns or profile changed, where Dataverse refuses the change
token (they live a week or so), where the table is not tracked, and where it is asked for; each is said in
`remarks`, except the last two. Token and rows are kept together or not at all.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from engine.errors import SourceError
from engine.ports import Clock
from engine.source.dataverse.cache import Loaded, RowCache
from engine.source.dataverse.client import DataverseClient
from engine.source.dataverse.faults import Refused
from engine.source.dataverse.metadata import Definition
from engine.source.dataverse.pages import VERSION, Page, page_of
from engine.source.dataverse.paging import Reading
from engine.source.json_rows import DECODER
from engine.source.rows import Raw

_MOST_TURNS = 5


@dataclass(frozen=True, slots=True)
class Patience:
    """How much is asked for at a time, and how long increments are trusted."""

    page: int = 5000
    refresh: bool = False  # full loads only, this time
    refresh_after: timedelta | None = None  # a full load where the last one is older


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to have of one table."""

    definition: Definition
    columns: frozenset[str]  # under the names that they wear in rows
    print: str  # digest of what the rows are good for: address, table, profile

    @property
    def name(self) -> str:
        """The table."""
        return self.definition.logical

    def address(self) -> str:
        """The reading of all rows; a table without change tracking is counted, for its end looks like any page's."""
        counted = "" if self.definition.tracked else "&$count=true"
        return f"{self.definition.entity_set}?$select={','.join(sorted({self.definition.key, *self.columns}))}{counted}"


@dataclass(slots=True)
class Loader:
    """Keeps tables up to date. `remarks` is what a person may want to know and no plan depends on."""

    client: DataverseClient
    cache: RowCache
    clock: Clock
    patience: Patience = Patience()
    remarks: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)  # of all definitions, as the last answer said
    repeated: bool = False  # did rows come twice in the last full load?

    def increment(self, wanted: Wanted) -> bool:
        """Brings what is kept up to date; False where only a full load will do. Raises SourceError."""
        self.repeated = False
        for _ in range(_MOST_TURNS):
            kept = self.cache.loaded(wanted.name)
            if kept is None or not self._good_for(kept, wanted):
                return False
            pages = self._changes(wanted, kept)
            if pages is None:
                return False
            if self._keep_changes(wanted, kept, pages):
                return True
        raise SourceError(f"the row cache changes all the time; is another run reading {wanted.name}?")

    def kept(self, definition: Definition) -> Iterator[Raw]:
        """All rows of a table as they are kept."""
        newer = self.cache.newer(definition.logical)
        for body in self.cache.pages(definition.logical):
            yield from (raw for raw in page_of(body).rows if raw[definition.key] not in newer)
        yield from (DECODER.raw_decode(body)[0] for body in newer.values() if body is not None)

    def full(self, wanted: Wanted) -> Iterator[Raw]:
        """All rows from Dataverse, kept once the last one is there; some may come twice, the later one counts."""
        seen: set[str] = set()
        self.repeated = False
        at = self.clock.now()
        with self.cache.together():
            self.cache.forget(wanted.name)
            last, count = Page(), 0
            for number, last in enumerate(self._pages(wanted, wanted.address(), tracked=wanted.definition.tracked)):
                self.cache.add(wanted.name, number, last.body)
                self._note_repeated(wanted, last, seen)
                count = max(count, last.count)
                yield from last.rows
            if len(seen) < count:
                rows = f"{len(seen)} rows came and there are {count}"
                raise SourceError(f"{self.client.name}, reading {wanted.name}: {rows}; try again")
            self._mark(wanted, last, at)

    def _note_repeated(self, wanted: Wanted, got: Page, seen: set[str]) -> None:
        """Rows that change while pages are read come again, at the end: then these are the ones that count."""
        keys = [self._key(wanted, raw) for raw in got.rows]
        again = seen.intersection(keys) or {key for key, times in Counter(keys).items() if times > 1}
        seen.update(keys)
        if again:
            self.repeated = True
            texts = got.texts(wanted.definition.key)
            self.cache.renew(wanted.name, {key: text for key, text in texts.items() if key in again})

    def _mark(self, wanted: Wanted, last: Page, at: datetime) -> None:
        token = self._delta(wanted, last) if wanted.definition.tracked else ""
        self.cache.mark(wanted.name, Loaded(wanted.print, wanted.columns, token, at.isoformat()))

    def _delta(self, wanted: Wanted, last: Page) -> str:
        """Where changes are to be had from the next time on; a reading that breaks off does not say that."""
        if last.delta:
            return last.delta
        raise SourceError(
            f"{self.client.name}, reading {wanted.name}: the last page has no delta link; is it the last?"
        )

    def _good_for(self, kept: Loaded, wanted: Wanted) -> bool:
        """Can increments do? Says why not, where that is news."""
        if self.patience.refresh or not kept.token:
            return False
        if kept.print != wanted.print or not wanted.columns <= kept.columns:
            self._say(wanted, "columns or profile have changed")
            return False
        after = self.patience.refresh_after
        if after is not None and self.clock.now() - datetime.fromisoformat(kept.at) > after:
            self._say(wanted, f"the last full load was on {kept.at[:10]}")
            return False
        return True

    def _changes(self, wanted: Wanted, kept: Loaded) -> list[Page] | None:
        try:
            pages = list(self._pages(wanted, kept.token, tracked=False))
        except Refused as refused:
            if refused.status in (401, 403):
                raise
            self._say(wanted, f"the change token was refused: {refused}")
            return None
        changed = {self._key(wanted, raw) for each in pages for raw in each.rows}
        both = changed.intersection(key for each in pages for key in each.gone)
        if both:  # which came last is not said
            self._say(wanted, f"{min(both)} was deleted and is there")
            return None
        return pages

    def _keep_changes(self, wanted: Wanted, kept: Loaded, pages: list[Page]) -> bool:
        """False where another run was faster: then its token is the one to go on from."""
        token = self._delta(wanted, pages[-1])
        with self.cache.together():
            if self.cache.loaded(wanted.name) != kept:
                return False
            for each in pages:
                self.cache.renew(wanted.name, each.texts(wanted.definition.key))
                self.cache.renew(wanted.name, dict.fromkeys(each.gone))
            self.cache.mark(wanted.name, Loaded(kept.print, kept.columns, token, kept.at))
        return True

    def _pages(self, wanted: Wanted, address: str, *, tracked: bool) -> Iterator[Page]:
        """Page by page; links are followed as they are, each once."""
        prefer = [f"odata.maxpagesize={self.patience.page}", f'odata.include-annotations="{VERSION[1:]}"']
        prefer += ["odata.track-changes"] if tracked else []
        reading = Reading(self.client, f"reading {wanted.name}", ",".join(prefer))
        for got in reading.pages(address):
            self.versions[wanted.name] = got.version
            yield got

    def _key(self, wanted: Wanted, raw: Mapping[str, object]) -> str:
        key = raw.get(wanted.definition.key)
        if not isinstance(key, str) or not key:
            raise SourceError(f"{self.client.name}, reading {wanted.name}: a row without its key")
        return key

    def _say(self, wanted: Wanted, why: str) -> None:
        self.remarks.append(f"{wanted.name}: read whole, for {why}")
