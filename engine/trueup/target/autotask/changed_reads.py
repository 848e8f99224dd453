"""Reads what has changed since an earlier plan, if that costs fewer calls than reading all.

Two ways, and everything else is read in full:

- **In one call.** If all queries of an entity together fit on one page, one query reads all of it,
  in full, and nothing kept is used but ids and the values of fields that queries use. They prove
  that no record is missing, and that each query finds the same records as before.
- **What changed.** If a query has more pages, records that were modified since are read, with an
  overlap, and `query/count` must fit the kept records and these. Kept records of the overlap must
  be among them, none may state an earlier time than before, and one at least must state the same:
  the times of a tenant that was restored from a backup do not. If all of them state later ones,
  older records are asked for as well. Otherwise all are read.

The second way trusts the fields in which Autotask states when a record was modified. Which edits
move them is UNCERTAIN (docs/explanation/autotask.md, section 9), so that it is an option, and each
query is read in full again after a time that the project sets. The query for modified records
starts at the newest modification that the kept ones state, less the overlap: that clock is
certainly the one that sets the fields. It is never later than this machine's own time of the read,
because a record may state a time in the future.
"""

import logging
import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from trueup.errors import TargetRejected
from trueup.model.catalogue import UDF, Entity, Type
from trueup.model.plan import PartialRead
from trueup.ports.target import Condition
from trueup.target.autotask import modification_times
from trueup.target.autotask.client import AutotaskClient
from trueup.target.autotask.kept_records import KeptQuery, KeptRecords, query_key
from trueup.target.autotask.paging import PAGE_SIZE, EntityPages, Item, full_requests
from trueup.target.autotask.pieces import Query, merged, read_pieces
from trueup.target.autotask.query import MOST_OR, Filter, filters
from trueup.target.autotask.wire import ID, include_fields

CLOCKS = ("lastModifiedDate", "lastModifiedDateTime", "lastTrackedModifiedDateTime")
"""Fields that state when a record was modified last."""

ACTIVITY = "lastActivityDate"
"""A field that some edits may move; what else moves it is not known, so it is no clock."""

_log = logging.getLogger(__name__)


class Changes(Struct, frozen=True):
    """The kept records of earlier plans, and how far they are trusted."""

    kept: KeptRecords
    full_after: timedelta  # a query is read in full again that long after it was
    page: int = PAGE_SIZE  # records of an entity up to which all of them are read in any case
    epoch: Callable[[], str] = str  # another text after each write of a run


class _EntityReads(Struct):
    """The kept queries of an entity, and those of this pass."""

    entity: Entity
    kept: Mapping[str, KeptQuery]  # by key; without what is too old
    queries: dict[str, KeptQuery] = {}
    in_one_call: Mapping[int, Item] | None = None  # the records of all kept queries, read now
    tried: bool = False  # to read them in one call


class ChangedReads:
    """Reads queries as cheaply as is safe, and keeps what the next plan needs for that."""

    def __init__(
        self,
        client: AutotaskClient,
        changes: Changes,
        tenant: Callable[[], str],
    ) -> None:
        """`tenant` identifies the owner of kept records."""
        self.spared = 0  # requests that full reads would have needed besides
        self._client = client
        self._kept = changes.kept
        self._tenant, self._epoch = tenant, changes.epoch
        self._began: str | None = None  # the epoch of the first read
        self._full_after = changes.full_after
        self._page = changes.page
        self._entities: dict[str, _EntityReads] = {}
        self._partial: dict[tuple[str, str], PartialRead] = {}
        self._without_stamps: set[str] = set()
        self._lock = threading.RLock()

    @property
    def partial(self) -> Sequence[PartialRead]:
        """Returns what was not read in full, by entity and in the order of reading."""
        return sorted(self._partial.values(), key=lambda read: read.entity)

    @property
    def in_one_call(self) -> int:
        """Returns entities whose queries were all answered by one call."""
        return sum(reads.in_one_call is not None for reads in self._entities.values())

    def begin_again(self) -> None:
        """Sends all queries again from now on, because a plan is made again with new metadata."""
        with self._lock:
            self._keep()
            self._entities.clear()
            self._partial.clear()

    def save(self) -> None:
        """Keeps what was read, for the next plan."""
        with self._lock:
            self._keep()
            self._kept.save()

    def read(
        self, entity: Entity, where: Sequence[Condition], names: Sequence[str]
    ) -> Mapping[int, Item]:
        """Returns all records that meet the conditions, by id. Raises `TargetError`."""
        query = Query(entity.name, filters(entity, where), counted=not where)
        fields = [condition.field for condition in where]
        if ID in fields or any(name.startswith(UDF) for name in fields) or not query.filters:
            return merged(read_pieces(self._client, query, include_fields(names)))
        with self._lock:
            self._began = self._epoch() if self._began is None else self._began
            self._kept.belong_to(f"{self._tenant()}, {self._began}")
            self._reads_of(entity)
            include = include_fields([*names, *fields, *self._stamps(entity)])
            return self._read(entity, query, include)

    def _read(self, entity: Entity, query: Query, include: list[str]) -> Mapping[int, Item]:
        reads = self._reads_of(entity)
        known = reads.kept.get(query_key(query.filters))
        if known is None or not {*include} <= {*known.include}:
            return self._read_in_full(entity, query, include)
        if not reads.tried:
            reads.tried = True
            reads.in_one_call = self._read_in_one_call(entity.name, reads.kept)
        if reads.in_one_call is not None:
            return self._part_of(reads.in_one_call, reads, known)
        found = self._read_changes(entity, known)
        if found is None:
            return self._read_in_full(entity, query, include)
        reads.queries[found.key] = found
        return merged(found.pieces)

    def _reads_of(self, entity: Entity) -> _EntityReads:
        name = entity.name
        if name not in self._entities:
            queries = {one.key: one for one in self._kept.queries(name) if self._is_recent(one)}
            self._entities[name] = _EntityReads(entity, queries)
            stamps = self._stamps(entity)
            if any(not {*stamps} <= {*query.include} for query in queries.values()):
                self._without_stamps.add(name)  # the tenant has refused one
        return self._entities[name]

    def _is_recent(self, query: KeptQuery) -> bool:
        return timedelta(0) <= self._kept.clock.now() - query.full < self._full_after

    # In full

    def _read_in_full(self, entity: Entity, query: Query, include: list[str]) -> Mapping[int, Item]:
        start = self._kept.clock.now()
        try:
            pieces = read_pieces(self._client, query, include)
        except TargetRejected:
            stamps = self._stamps(entity)
            if not stamps:
                raise
            # The tenant may lack one of them: the catalogue is not its metadata.
            self._without_stamps.add(entity.name)
            include = [name for name in include if name not in stamps]
            pieces = read_pieces(self._client, query, include)
            self.spared -= 1
        kept = KeptQuery(
            query.filters, include, query.counted, pieces, complete=True, read=start, full=start
        )
        self._reads_of(entity).queries[kept.key] = kept
        self._partial.pop((entity.name, kept.key), None)
        return merged(pieces)

    # In one call

    def _read_in_one_call(
        self, entity: str, kept: Mapping[str, KeptQuery]
    ) -> Mapping[int, Item] | None:
        """The records of all kept queries, read in full now; None if that proves too little."""
        queries = [*kept.values()]
        if not self._is_one_page(queries):
            return None
        known = merged(piece for query in queries for piece in query.pieces)
        include = dict.fromkeys(name for query in queries for name in query.include)
        pages = EntityPages(self._client, entity, [*include])
        try:
            items = pages.read_all(
                _either(queries),
                counted=len(queries) == 1 and queries[0].counted,
                known=known.keys(),
            )
        except TargetRejected as refusal:
            _log.info("%s cannot be read in one call: %s", entity, refusal)
            return None
        finally:
            self.spared -= pages.requests
        is_one = len(queries) == 1 and len(queries[0].filters) == 1
        return items if is_one or _same_members(known, items, queries) else None

    def _part_of(
        self, items: Mapping[int, Item], reads: _EntityReads, known: KeptQuery
    ) -> Mapping[int, Item]:
        """What a query finds among all records: the same as before, or all if it is alone."""
        if len(reads.kept) == 1 and len(known.filters) == 1:
            pieces = [dict(items)]
        else:
            pieces = [{id_: items[id_] for id_ in piece} for piece in known.pieces]
        self.spared += full_requests([*map(len, pieces)], counted=known.counted)
        reads.queries[known.key] = replace(known, pieces=pieces, complete=True)
        return merged(pieces)

    # What changed

    def _read_changes(self, entity: Entity, known: KeptQuery) -> KeptQuery | None:
        """The query brought up to date by what changed; None if it has to be read in full."""
        start = self._kept.clock.now()
        pages = EntityPages(self._client, entity.name, [*known.include])
        try:
            since, found = self._find_changes(pages, entity, known)
            if since is None:
                return None
            pieces, changed = [], 0
            for filter_, before, changes in zip(known.filters, known.pieces, found, strict=True):
                piece = {**before, **changes}
                if pages.count(filter_) != len(piece):
                    _log.info("%s: records are missing, or new to the query", entity.name)
                    return None
                changed += sum(before.get(id_) != item for id_, item in changes.items())
                pieces.append({id_: piece[id_] for id_ in sorted(piece)})
        except TargetRejected as refusal:
            _log.info("%s cannot be read by what changed: %s", entity.name, refusal)
            return None
        finally:
            self.spared -= pages.requests
        self.spared += full_requests([*map(len, pieces)], counted=known.counted)
        current = replace(known, pieces=pieces, read=start if changed else known.read)
        self._partial[entity.name, known.key] = PartialRead(
            entity.name, current.size, changed, _text(since), _text(known.full)
        )
        return current

    def _find_changes(
        self, pages: EntityPages, entity: Entity, known: KeptQuery
    ) -> tuple[datetime | None, Sequence[Mapping[int, Item]]]:
        """Returns what changed, by piece, and the modification time from which it was queried.

        If the newest records were all edited again, they prove nothing, and changes from a time
        further back are queried, as long as that takes fewer calls than a full read.
        The time is None if the query has to be read in full.
        """
        clocks, stamps = self._clocks(entity), self._stamps(entity)
        found = list[dict[int, Item]]()
        while since := self._since(entity, known, merged(found), pages.requests):
            newer = _modified_since(entity, stamps, since)
            found = [pages.read_all([*each, newer], counted=False) for each in known.filters]
            proofs = [
                modification_times.unmoved(before, changes, clocks, (since, known.read))
                for before, changes in zip(known.pieces, found, strict=True)
            ]
            if None in proofs:
                _log.info("%s: records state earlier times than before", entity.name)
                return None, found
            if any(proofs):
                return since, found
            _log.info("%s: all of the newest records have new times", entity.name)
        return None, found

    def _stamps(self, entity: Entity) -> list[str]:
        """Fields that an edit may move: those by which changed records are found."""
        if entity.name in self._without_stamps:
            return []
        return [
            name
            for name in (*CLOCKS, ACTIVITY)
            if (known := entity.field(name)) and known.type is Type.INSTANT and known.queryable
        ]

    def _clocks(self, entity: Entity) -> list[str]:
        """Fields that state when a record was modified."""
        stamps = self._stamps(entity)
        return [name for name in stamps if name != ACTIVITY] or stamps

    def _since(
        self, entity: Entity, query: KeptQuery, edited: Collection[int] = (), sent: int = 0
    ) -> datetime | None:
        """Returns the modification time from which records are queried.

        `edited` are records that no longer prove anything, `sent` the requests that they took.
        None if the others prove nothing, or if a full read does not cost more calls.
        """
        clocks = self._clocks(entity)
        if not clocks or not query.complete:
            return None
        sizes = [*map(len, query.pieces)]
        in_full = full_requests(sizes, counted=query.counted, page=self._page)
        items = [item for piece in query.pieces for id_, item in piece.items() if id_ not in edited]
        for since in modification_times.starts(items, clocks, query.read, self._page):
            newer = modification_times.sizes_since(query.pieces, clocks, since)
            requests = sum(1 + full_requests([n], counted=False, page=self._page) for n in newer)
            if sent + requests < in_full:
                return since
        return None

    # What is kept

    def _keep(self) -> None:
        """Keeps the queries of this pass; kept queries of entities without any stay."""
        for name, reads in self._entities.items():
            if reads.queries:
                queries = self._worth_keeping(reads.entity, [*reads.queries.values()])
                self._kept.put(name, queries)

    def _worth_keeping(self, entity: Entity, queries: Sequence[KeptQuery]) -> Sequence[KeptQuery]:
        """Queries by which the next plan saves calls, with no more than it needs of them."""
        if self._is_one_page(queries):
            return [_members(query, queries) for query in queries] if _requests(queries) > 1 else []
        return [query for query in queries if self._since(entity, query)]

    def _is_one_page(self, queries: Sequence[KeptQuery]) -> bool:
        """Whether one query can read all of these, and its result be divided among them."""
        known = merged(piece for query in queries for piece in query.pieces)
        filters_ = [filter_ for query in queries for filter_ in query.filters]
        values = sum(_alternatives(filter_) for filter_ in filters_)
        if len(known) > self._page or values + len(filters_) > MOST_OR:
            return False
        names = _queried(queries)
        items = [item for query in queries for piece in query.pieces for item in piece.values()]
        return len(filters_) == 1 or all(names <= item.keys() for item in items)


def _requests(queries: Iterable[KeptQuery]) -> int:
    """Requests of reading all of them in full."""
    sizes = (([*map(len, query.pieces)], query.counted) for query in queries)
    return sum(full_requests(pieces, counted=counted) for pieces, counted in sizes)


def _queried(queries: Iterable[KeptQuery]) -> set[str]:
    """Fields on whose values it depends which of the queries find a record."""
    conditions = (one for query in queries for filter_ in query.filters for one in filter_)
    return {str(condition["field"]) for condition in conditions} - {ID}


def _alternatives(filter_: Filter) -> int:
    """Returns how many of the allowed OR conditions a filter uses."""
    values = (condition.get("value") for condition in filter_)
    return sum(len(value) for value in values if isinstance(value, list))


def _either(queries: Sequence[KeptQuery]) -> Filter:
    """A filter for what any of the queries finds."""
    filters_ = [filter_ for query in queries for filter_ in query.filters]
    if len(filters_) == 1:
        return filters_[0]
    return [{"op": "or", "items": [{"op": "and", "items": filter_} for filter_ in filters_]}]


def _members(query: KeptQuery, queries: Sequence[KeptQuery]) -> KeptQuery:
    """The query with nothing of its records but ids, and the values that any query depends on."""
    is_one = sum(len(one.filters) for one in queries) == 1
    names = {ID} if is_one else {ID, *_queried(queries)}
    pieces = [
        {id_: {name: item[name] for name in item if name in names} for id_, item in piece.items()}
        for piece in query.pieces
    ]
    return replace(query, pieces=pieces, complete=False)


def _same_members(
    before: Mapping[int, Item], now: Mapping[int, Item], queries: Sequence[KeptQuery]
) -> bool:
    """Whether each query finds the same records as before.

    That is so where no record is new or missing, and none has another value that is queried by.
    """
    names = _queried(queries)
    return before.keys() == now.keys() and all(
        names <= item.keys() and all(item[name] == before[id_].get(name) for name in names)
        for id_, item in now.items()
    )


def _modified_since(entity: Entity, stamps: Sequence[str], since: datetime) -> Mapping[str, object]:
    """A condition that a record meets if any of these fields states that time or a later one."""
    conditions = [filters(entity, [Condition(name, "gte", since)])[0][0] for name in stamps]
    return conditions[0] if len(conditions) == 1 else {"op": "or", "items": conditions}


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
