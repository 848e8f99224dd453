"""Reads all records that a filter finds, page by page, and proves that none was lost.

After a POST query, the next page is POSTed to `nextPageUrl` with the same body
(docs/explanation/autotask.md, section 3). Pages are a cursor over ids. The order by id is implied
there, not promised, and no response proves that a page was not left out, cut or sent twice.
Therefore:

- A page that contradicts itself is a fault and is requested again.
- A read that took more than one page, or may be incomplete, is counted with `query/count`.
- A read in many pieces counts only the pieces whose pages do not fit together (a page that is not
  full before the last one, an empty page at the end, ids out of order). Counting each piece would
  double the calls.
- Records created meanwhile have higher ids and are fetched too. If pages and count still differ,
  everything is read again; in the end it is an error.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from msgspec import Struct

from trueup.errors import TargetUnavailable
from trueup.target.autotask.client import AutotaskClient
from trueup.target.autotask.query import Filter, after
from trueup.target.autotask.responses import MalformedResponse
from trueup.target.autotask.retry import ApiRequest
from trueup.target.autotask.wire import id_of

PAGE_SIZE = 500

_MOST_ROUNDS = 3
"""Whole reads, and counts within one read, before a difference is an error."""

Item = Mapping[str, Any]


class RecordPage(Struct, frozen=True):
    """One page of records."""

    items: Mapping[int, Item]
    next_path: str | None
    full: bool
    doubtful: bool  # it may be incomplete


class _Chain(Struct):
    """The items of the pages so far, and whether they may be incomplete."""

    thorough: bool  # more than one page is always doubtful
    items: dict[int, Item] = {}
    doubtful: bool = False
    pages: int = 0
    last: int | None = None  # the highest id of the last page

    def add(self, page: RecordPage) -> bool:
        """Adds a page, and returns whether it had new items."""
        before = len(self.items)
        self.pages += 1
        is_one_of_several = self.thorough and page.next_path is not None
        self.doubtful |= page.doubtful or is_one_of_several or not self._fits(page)
        self.items.update(page.items)
        self.last = max(page.items, default=self.last)
        return len(self.items) > before

    def _fits(self, page: RecordPage) -> bool:
        """Whether it can follow: not empty, higher ids than before, full unless it is the last."""
        if self.pages > 1:
            if not page.items:
                return False
            if self.last is not None and min(page.items) <= self.last:
                return False
        return page.full or page.next_path is None


class EntityPages:
    """Reads records of one entity."""

    def __init__(self, client: AutotaskClient, entity: str, include: list[str]) -> None:
        """`include` are the fields to read."""
        self.requests = 0  # without repeats
        self._client = client
        self._entity = entity
        self._include = include

    def read_all(
        self,
        filter_: Filter,
        *,
        counted: bool,
        most: int | None = None,
        thorough: bool = True,
        known: AbstractSet[int] = frozenset(),
    ) -> dict[int, Item]:
        """Returns all records that the filter finds, by id.

        `counted` compares with query/count in any case. `most` is the highest possible number of
        records; when so many are found, the read is complete. `thorough` also counts a read of
        more than one page whose pages fit together. `known` are ids that an earlier, counted read
        has found: a read that finds just these is complete.
        Raises `TargetUnavailable` if pages and count differ, and the client's errors.
        """
        difference = ""
        for _ in range(_MOST_ROUNDS):
            chain = self._read_chain(filter_, most, thorough=thorough)
            is_complete = len(chain.items) == most or (known and chain.items.keys() == known)
            if is_complete or not (counted or chain.doubtful):
                return chain.items
            difference = self._reconcile(filter_, chain.items)
            if not difference:
                return chain.items
        raise TargetUnavailable(f"reading {self._entity} in Autotask failed: {difference}")

    def _reconcile(self, filter_: Filter, items: dict[int, Item]) -> str:
        """Compares with the count, and adds records created after the last page.

        Returns the difference that remains, as a text.
        """
        count = len(items)
        for _ in range(_MOST_ROUNDS):
            count = self.count(filter_)
            if count <= len(items):
                break
            rest = after(filter_, max(items)) if items else filter_
            newer = self._read_chain(rest).items
            if not newer.keys() - items.keys():
                break
            items.update(newer)
        if count == len(items):
            return ""
        return f"its pages hold {len(items)} records, query/count reports {count}"

    def _read_chain(
        self, filter_: Filter, most: int | None = None, *, thorough: bool = True
    ) -> _Chain:
        """Reads one query with its next pages, until one has no new items."""
        chain = _Chain(thorough)
        path: str | None = f"{self._entity}/query"
        while path and len(chain.items) != most:
            page = self._read_page(path, filter_)
            path = page.next_path if chain.add(page) else None
        return chain

    def _read_page(self, path: str, filter_: Filter) -> RecordPage:
        self.requests += 1
        body = {"filter": filter_, "IncludeFields": self._include}
        request = ApiRequest("POST", path, self._entity, f"reading {self._entity}", body)
        return self._client.call(request, self._parse_page)

    def _parse_page(self, payload: object) -> RecordPage:
        records, details = _page_parts(payload)
        items = {id_of(record): record for record in records}
        url, count = details.get("nextPageUrl"), details.get("count")
        if isinstance(count, int) and count < len(records):
            raise MalformedResponse(f"a page of {len(records)} records that counts {count}")
        is_cut = isinstance(count, int) and count > len(items)
        is_full = len(items) >= _page_size(details)
        path = self._client.zone().path_of(url) if url else None
        return RecordPage(items, path, is_full, doubtful=is_cut or (is_full and not path))

    def count(self, filter_: Filter) -> int:
        """Returns how many records the filter finds. Raises the client's errors."""
        self.requests += 1
        path, what = f"{self._entity}/query/count", f"counting {self._entity}"
        request = ApiRequest("POST", path, self._entity, what, {"filter": filter_})
        return self._client.call(request, _parse_count)


def full_requests(sizes: Sequence[int], *, counted: bool, page: int = PAGE_SIZE) -> int:
    """Returns the requests of a full read of pieces that find so many records, without repeats."""
    requests = 0
    for size in sizes:
        pages = max(1, -(-size // page))
        is_doubtful = size > 0 and size % page == 0  # the last page is full
        is_one_of_several = len(sizes) == 1 and pages > 1
        requests += pages + (counted or is_doubtful or is_one_of_several)
    return requests


def _page_parts(payload: object) -> tuple[list[Any], Mapping[str, Any]]:
    page = payload if isinstance(payload, dict) else {}
    items, details = page.get("items"), page.get("pageDetails")
    if not isinstance(items, list) or not isinstance(details, dict):
        raise MalformedResponse("not a page: items or pageDetails are missing")
    if not all(isinstance(item, dict) for item in items):
        raise MalformedResponse("a page with an item that is not a record")
    if not isinstance(details.get("nextPageUrl"), str | None):
        raise MalformedResponse("the address of the next page is not text")
    return items, details


def _page_size(details: Mapping[str, Any]) -> int:
    size = details.get("requestCount")
    return size if isinstance(size, int) and 0 < size <= PAGE_SIZE else PAGE_SIZE


def _parse_count(payload: object) -> int:
    count = payload.get("queryCount") if isinstance(payload, dict) else None
    if not isinstance(count, int) or isinstance(count, bool):
        raise MalformedResponse("a count that is not a number")
    return count
