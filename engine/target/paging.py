"""All records that a filter finds, page by page, and the proof that none was lost.

After a POST query the next page is POSTed to `nextPageUrl` with the same body. Pages are a cursor over
ids, and nothing in an answer proves that a page was not left out, cut or sent twice. So: a page that
contradicts itself is a fault and is asked for again; what took more than one page, or may be less than
whole, is counted with `query/count` afterwards. A read in many pieces counts only pieces whose pages do
not fit together (one that is not full before the last, none at the end, ids out of order): a count for
each would double the calls for its keys. Records that came into being meanwhile have higher ids
and are fetched; what still does not add up is read again, then an error.
Facts: autotask-api.md, section 3; the order by id is implied there, not promised.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.errors import TargetUnavailable
from engine.target.answers import Garbled
from engine.target.client import AutotaskClient
from engine.target.query import Filter, after
from engine.target.repeating import Request
from engine.target.wire import identity

PAGE = 500

_ROUNDS = 3
"""Whole reads, and counts within one, before what does not add up is an error."""

Item = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Page:
    items: Mapping[int, Item]
    more: str | None  # address of the next page
    full: bool
    doubtful: bool  # it may be less than whole


@dataclass(slots=True)
class _Found:
    """Items by id so far, and whether they may be less than whole."""

    thorough: bool
    items: dict[int, Item] = field(default_factory=dict)
    doubtful: bool = False
    pages: int = 0
    last: int | None = None

    def add(self, page: _Page) -> bool:
        """Takes a page in; did it bring anything new?"""
        before = len(self.items)
        self.pages += 1
        self.doubtful |= page.doubtful or not self._fits(page) or (self.thorough and page.more is not None)
        self.items.update(page.items)
        self.last = max(page.items, default=self.last)
        return len(self.items) > before

    def _fits(self, page: _Page) -> bool:
        """Is it the next one of an orderly chain: full unless it is the last, not empty, higher ids than before?"""
        if self.pages > 1 and (not page.items or (self.last is not None and min(page.items) <= self.last)):
            return False
        return page.full or page.more is None


class Pages:
    """Reads of one entity."""

    def __init__(self, client: AutotaskClient, entity: str, include: list[str]) -> None:
        self._client = client
        self._entity = entity
        self._include = include

    def all(self, filter_: Filter, *, counted: bool, most: int | None = None, thorough: bool = True) -> dict[int, Item]:
        """All that the filter finds, by id.

        `counted`: checked against query/count in any case. `most`: there cannot be more, so that many
        are all. `thorough`: what takes more than one page is counted even where its pages fit together.
        Raises TargetUnavailable where pages and count do not add up, and what the client raises.
        """
        said = ""
        for _ in range(_ROUNDS):
            found = self._chain(filter_, most, thorough=thorough)
            if len(found.items) == most or not (counted or found.doubtful):
                return found.items
            whole, said = self._reconcile(filter_, found.items)
            if whole:
                return found.items
        raise TargetUnavailable(f"reading {self._entity} in Autotask failed: {said}")

    def _reconcile(self, filter_: Filter, items: dict[int, Item]) -> tuple[bool, str]:
        """Compares with the count, and fetches what came into being after the last page."""
        counted = len(items)
        for _ in range(_ROUNDS):
            counted = self._count(filter_)
            if counted <= len(items):
                break
            rest = after(filter_, max(items)) if items else filter_
            newer = self._chain(rest).items
            if not newer.keys() - items.keys():
                break
            items.update(newer)
        return counted == len(items), f"its pages hold {len(items)} records, query/count says {counted}"

    def _chain(self, filter_: Filter, most: int | None = None, *, thorough: bool = True) -> _Found:
        """One query with its next pages, as long as they bring something new."""
        found = _Found(thorough)
        path: str | None = f"{self._entity}/query"
        while path and len(found.items) != most:
            page = self._page(path, filter_)
            path = page.more if found.add(page) else None
        return found

    def _page(self, path: str, filter_: Filter) -> _Page:
        body = {"filter": filter_, "IncludeFields": self._include}
        request = Request("POST", path, self._entity, f"reading {self._entity}", body)
        return self._client.call(request, self._read)

    def _read(self, payload: object) -> _Page:
        given, details = _parts(payload)
        items = {identity(item): item for item in given}
        more, count = details.get("nextPageUrl"), details.get("count")
        if isinstance(count, int) and count < len(given):
            raise Garbled(f"a page of {len(given)} records that counts {count}")
        cut = isinstance(count, int) and count > len(items)
        full = len(items) >= _size(details)
        path = self._client.zone().path_of(more) if more else None
        return _Page(items, path, full, doubtful=cut or (full and not path))

    def _count(self, filter_: Filter) -> int:
        request = Request(
            "POST",
            f"{self._entity}/query/count",
            self._entity,
            f"counting {self._entity}",
            {"filter": filter_},
        )
        return self._client.call(request, _counted)


def _parts(payload: object) -> tuple[list[Any], Mapping[str, Any]]:
    said = payload if isinstance(payload, dict) else {}
    items, details = said.get("items"), said.get("pageDetails")
    if not isinstance(items, list) or not isinstance(details, dict):
        raise Garbled("no page: items or pageDetails are missing")
    if not all(isinstance(item, dict) for item in items):
        raise Garbled("a page holds what is no record")
    if not isinstance(details.get("nextPageUrl"), str | None):
        raise Garbled("the address of the next page is no text")
    return items, details


def _size(details: Mapping[str, Any]) -> int:
    asked = details.get("requestCount")
    return asked if isinstance(asked, int) and 0 < asked <= PAGE else PAGE


def _counted(payload: object) -> int:
    count = payload.get("queryCount") if isinstance(payload, dict) else None
    if not isinstance(count, int) or isinstance(count, bool):
        raise Garbled("a count that is no number")
    return count
