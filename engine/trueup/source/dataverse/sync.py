"""Brings one cached table up to date: by the changes since the last time, or by a full load.

A full load is needed if nothing is cached, if columns or profile changed, if Dataverse refuses the
change token (it expires after about a week), if the table is not tracked, and if one is requested.
Each is added to `notices`, except the last two. Token and rows are cached together or not at all.
Facts: docs/explanation/work365.md, section 6.3.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus

from msgspec import Struct

from trueup.errors import SourceError
from trueup.ports.world import Clock
from trueup.source.column_reader import RawRow
from trueup.source.dataverse.cache import CachedLoad, RowCache
from trueup.source.dataverse.cache_file import CacheDamaged
from trueup.source.dataverse.client import DataverseClient
from trueup.source.dataverse.errors import DataverseRefused
from trueup.source.dataverse.metadata import TableDefinition
from trueup.source.dataverse.page import METADATA_VERSION, ODataPage, page_from_text
from trueup.source.dataverse.paging import PageReader
from trueup.source.json_rows import DECODER, JsonRows

_MOST_TRIES = 5


class LoadSettings(Struct, frozen=True):
    """How many rows a page has, and how long increments are trusted."""

    page: int = 5000
    refresh: bool = False  # this run begins with a full load of each table
    refresh_after: timedelta | None = None  # age of the last full load that requires another one


class TableQuery(Struct, frozen=True):
    """Which columns of one table to read."""

    definition: TableDefinition
    columns: frozenset[str]  # by their names in rows
    fingerprint: str  # digest of address, table and profile
    slot: str  # where the rows are cached; what else reads the table has another slot

    @property
    def name(self) -> str:
        """The table's logical name."""
        return self.definition.logical

    def address(self) -> str:
        """Returns the address of all rows.

        A table without change tracking is counted, because its last page looks like any other.
        """
        select = ",".join(sorted({self.definition.key, *self.columns}))
        count = "" if self.definition.tracked else "&$count=true"
        return f"{self.definition.entity_set}?$select={select}{count}"


class PageIndex(Struct, frozen=True):
    """Where rows stand in the pages of one full load: page and offset, by key."""

    load: tuple[str, str]  # its query and time
    places: Mapping[str, tuple[int, int]]


class TableLoader(Struct):
    """Keeps cached tables up to date.

    `notices` is what a person may want to know about the loads; no plan depends on it.
    """

    client: DataverseClient
    cache: RowCache
    clock: Clock
    settings: LoadSettings = LoadSettings()
    notices: list[str] = []
    versions: dict[str, str] = {}
    """Of all definitions, by the table whose last answer reported it."""
    repeated: bool = False
    """Whether the last full load yielded a row more than once."""
    _loaded: set[str] = set()
    """Slots that this run has loaded in full."""
    _indexes: dict[str, PageIndex] = {}
    """By slot, of the pages from which rows were taken by key."""

    def increment(self, query: TableQuery) -> bool:
        """Brings the cached rows up to date; False if a full load is needed.

        Raises `SourceError`.
        """
        self.repeated = False
        for _ in range(_MOST_TRIES):
            cached = self.cache.loaded(query.slot)
            if cached is None or not self._is_usable(cached, query):
                return False
            pages = self._changes(query, cached)
            if pages is None:
                return False
            if self._keep_changes(query, cached, pages):
                return True
        raise SourceError(
            f"the row cache keeps changing; is another run reading {query.name} at the same time?"
        )

    def cached_rows(self, slot: str, definition: TableDefinition) -> Iterator[RawRow]:
        """Yields all rows of a slot."""
        newer = self.cache.newer_rows(slot)
        with self.cache.parsing():
            for body in self.cache.pages(slot):
                rows = page_from_text(body).rows
                yield from (row for row in rows if row[definition.key] not in newer)
            yield from (DECODER.raw_decode(body)[0] for body in newer.values() if body is not None)

    def cached_rows_of(
        self, slot: str, definition: TableDefinition, keys: Collection[str]
    ) -> Sequence[RawRow]:
        """Returns the rows of a slot with these keys; its pages are gone through once."""
        found: list[RawRow] = []
        with self.cache.parsing(), self.cache.snapshot():
            newer, places = self.cache.newer_rows(slot), self._places(slot, definition)
            texts = [newer[key] for key in keys if key in newer]
            found += [DECODER.raw_decode(text)[0] for text in texts if text is not None]
            by_page: dict[int, list[int]] = {}
            for number, offset in (
                places[key] for key in keys if key in places and key not in newer
            ):
                by_page.setdefault(number, []).append(offset)
            for number, offsets in by_page.items():
                page = self.cache.page(slot, number)
                found += [DECODER.raw_decode(page, offset)[0] for offset in offsets]
        return found

    def _places(self, slot: str, definition: TableDefinition) -> Mapping[str, tuple[int, int]]:
        """Where the rows of the cached pages stand; none if nothing is cached."""
        cached = self.cache.loaded(slot)
        if cached is None:
            return {}
        load, known = (cached.fingerprint, cached.at), self._indexes.get(slot)
        if known is None or known.load != load:
            places = {
                str(row[definition.key]): (number, start)
                for number, body in enumerate(self.cache.pages(slot))
                for start, _, row in JsonRows(body).rows()
                if isinstance(row, dict) and definition.key in row
            }
            known = self._indexes[slot] = PageIndex(load, places)
        return known.places

    def begin_again(self, damage: CacheDamaged) -> None:
        """Goes on with an empty cache. Raises `SourceError`."""
        self.cache.begin_again(damage)
        self._indexes.clear()

    def full_load(self, query: TableQuery) -> Iterator[RawRow]:
        """Yields all rows from Dataverse, and caches them when the last one was received.

        A row may be yielded more than once; then the later one counts, see `repeated`.
        Raises `SourceError`.
        """
        seen: set[str] = set()
        self.repeated = False
        started = self.clock.now()
        self._indexes.pop(query.slot, None)
        with self.cache.transaction():
            self.cache.forget(query.slot)
            page, count = ODataPage(), 0
            pages = self._pages(query, query.address(), tracked=query.definition.tracked)
            for number, page in enumerate(pages):
                self.cache.add_page(query.slot, number, page.body)
                self._keep_repeated(query, page, seen)
                count = max(count, page.count)
                yield from page.rows
            if len(seen) < count:
                raise SourceError(
                    f"{self.client.name}, reading {query.name}: {len(seen)} of {count} rows"
                    " were received; try again"
                )
            token = self._delta_link(query, page) if query.definition.tracked else ""
            load = CachedLoad(query.fingerprint, query.columns, token, started.isoformat())
            self.cache.mark_loaded(query.slot, load)
        self._loaded.add(query.slot)

    def _keep_repeated(self, query: TableQuery, page: ODataPage, seen: set[str]) -> None:
        """Caches rows that are received again, as newer than those of the earlier pages.

        A row that changes while pages are read comes a second time, at the end.
        """
        keys = [self._key(query, row) for row in page.rows]
        repeated = seen.intersection(keys) | {
            key for key, times in Counter(keys).items() if times > 1
        }
        seen.update(keys)
        if repeated:
            self.repeated = True
            texts = page.row_texts(query.definition.key)
            newer = {key: text for key, text in texts.items() if key in repeated}
            self.cache.replace_rows(query.slot, newer)

    def _delta_link(self, query: TableQuery, last: ODataPage) -> str:
        """The change token of the last page; a load that was cut off has none."""
        if last.delta:
            return last.delta
        raise SourceError(
            f"{self.client.name}, reading {query.name}: the last page has no delta link;"
            " pages may be missing"
        )

    def _is_usable(self, cached: CachedLoad, query: TableQuery) -> bool:
        """Whether an increment is enough; adds a notice if not."""
        if not cached.token or (self.settings.refresh and query.slot not in self._loaded):
            return False
        if cached.fingerprint != query.fingerprint or not query.columns <= cached.columns:
            self._notice(query, "columns or profile have changed")
            return False
        if self._is_outdated(cached):
            self._notice(query, f"the last full load was on {cached.at[:10]}")
            return False
        return True

    def _is_outdated(self, cached: CachedLoad) -> bool:
        longest = self.settings.refresh_after
        if longest is None:
            return False
        return self.clock.now() - datetime.fromisoformat(cached.at) > longest

    def _changes(self, query: TableQuery, cached: CachedLoad) -> list[ODataPage] | None:
        """The changes since the cached token; None, with a notice, if a full load is needed."""
        try:
            pages = list(self._pages(query, cached.token, tracked=False))
        except DataverseRefused as refused:
            if refused.status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
                raise
            self._notice(query, f"the change token was refused: {refused}")
            return None

        changed = {self._key(query, row) for page in pages for row in page.rows}
        both = changed.intersection(key for page in pages for key in page.deleted)
        if both:  # Dataverse does not show which of the two came last
            self._notice(query, f"{min(both)} was both changed and deleted")
            return None
        return pages

    def _keep_changes(self, query: TableQuery, cached: CachedLoad, pages: list[ODataPage]) -> bool:
        """Caches the changes; False if another run did so first, and its token is the newer one."""
        token = self._delta_link(query, pages[-1])
        with self.cache.transaction():
            if self.cache.loaded(query.slot) != cached:
                return False
            for page in pages:
                self.cache.replace_rows(query.slot, page.row_texts(query.definition.key))
                self.cache.replace_rows(query.slot, dict.fromkeys(page.deleted))
            load = CachedLoad(cached.fingerprint, cached.columns, token, cached.at)
            self.cache.mark_loaded(query.slot, load)
        return True

    def _pages(self, query: TableQuery, address: str, *, tracked: bool) -> Iterator[ODataPage]:
        """Page by page; `tracked` requests a change token with the last one."""
        prefer = [
            f"odata.maxpagesize={self.settings.page}",
            f'odata.include-annotations="{METADATA_VERSION[1:]}"',
        ]
        if tracked:
            prefer.append("odata.track-changes")
        reader = PageReader(self.client, f"reading {query.name}", ",".join(prefer))
        for page in reader.pages(address):
            self.versions[query.name] = page.version
            yield page

    def _key(self, query: TableQuery, row: Mapping[str, object]) -> str:
        key = row.get(query.definition.key)
        if not isinstance(key, str) or not key:
            raise SourceError(f"{self.client.name}, reading {query.name}: a row has no key")
        return key

    def _notice(self, query: TableQuery, reason: str) -> None:
        self.notices.append(f"{query.name}: full load, because {reason}")
