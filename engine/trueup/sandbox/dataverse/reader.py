"""Reads rows: one by its key, or page by page; all rows, or the changes since a change token.

A page token (`$skiptoken`) is `<version>.<start>.<mode>`: the rows after `version` follow, and the
reading began at version `start`. With `$filter` or `$orderby` it is the number of rows before the
page. A change token (`$deltatoken`) is `<version>!<second>`: the changes after `version` are
wanted, and the token was issued at that second. Source: docs/explanation/work365.md, sections 6.2
and 6.3.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, unquote

from msgspec import Struct
from msgspec.structs import replace

from trueup.sandbox.dataverse.query_options import (
    VERSION,
    Preferences,
    options,
    preferences,
    whole_number,
)
from trueup.sandbox.dataverse.relations import Definitions
from trueup.sandbox.dataverse.responses import (
    DataverseError,
    from_json,
    not_modified,
    unsupported,
)
from trueup.sandbox.dataverse.row_json import RowJson, Shape
from trueup.sandbox.dataverse.schema import TableDefinition
from trueup.sandbox.dataverse.store import RowStore, StoredRow
from trueup.sandbox.http.request import Request
from trueup.sandbox.http.responses import Response

API = "/api/data/v9.2/"
TOKEN_DAYS = 7  # for which a change token is valid
LARGEST_COUNT = 5000  # that $count shows
_ALL = 1 << 31  # more rows than any table has
_NOT_WITH_TRACKING = ("$filter", "$orderby", "$expand", "$top")
_KNOWN = ("$select", "$count", "$deltatoken", "$skiptoken", *_NOT_WITH_TRACKING)
_REPEATED_IN_LINKS = ("$select", "$filter", "$orderby", "$expand", "$count")
_CHANGE_TOKEN = re.compile(r"(\d{1,18})!(\d{1,11})")
_PAGE_TOKEN = re.compile(r"(\d{1,18})\.(\d{1,18})\.([ptd])")
_OFFSET_TOKEN = re.compile(r"\d{1,9}")
_PLAIN, _TRACKED, _CHANGES = "p", "t", "d"


class RowQuery(Struct, frozen=True):
    """A query for the rows of one table."""

    request: Request
    shape: Shape
    prefer: Preferences
    given: Mapping[str, str]  # query options
    since: int = 0  # rows after this version, or after so many rows
    start: int = 0  # version at which the reading began
    mode: str = _PLAIN  # p: rows; t: rows, followed by a delta link; d: changes, with deleted rows
    top: int | None = None

    @property
    def table(self) -> TableDefinition:
        """The table that is read."""
        return self.shape.table

    @property
    def searched(self) -> bool:
        """Whether rows are chosen or sorted by their values."""
        return "$filter" in self.given or "$orderby" in self.given

    def link(self, option: str, token: str) -> str:
        """Returns the address of this query with a page token or a change token."""
        repeated = [
            f"{name}={quote(self.given[name], safe=',$_')}&"
            for name in _REPEATED_IN_LINKS
            if name in self.given
        ]
        query = f"?{''.join(repeated)}{option}={quote(token)}"
        return f"{self.request.base}{self.request.path}{query}"


class RowReader(Struct, frozen=True):
    """Reads rows from the store."""

    store: RowStore
    definitions: Definitions = {}

    def json(self, request: Request) -> RowJson:
        """Returns what writes rows as JSON for a request."""
        return RowJson(self.store, self.definitions, preferences(request), dict(request.hidden))

    def row(self, table: TableDefinition, key: str, request: Request) -> Response:
        """Answers with one row, or 304 if the client has it. Raises `DataverseError`."""
        given = options(request, ("$select", "$expand"))
        json = self.json(request)
        shape = json.shape(table, given.get("$select"), given.get("$expand"))
        row = json.visible(table, key)
        if row is None:
            raise no_such_row(table, key)
        if request.headers.get("if-none-match") == row.tag:
            return not_modified(row.tag)
        return self.shown(request, shape, row)

    def shown(self, request: Request, shape: Shape, row: StoredRow) -> Response:
        """Returns 200 with one row."""
        json = self.json(request)
        context = row_context(request, shape.table)
        headers = {"ETag": row.tag}
        return from_json(
            json.row(shape, row, [context]), preferred=json.prefer.applied(), headers=headers
        )

    def page(
        self, table: TableDefinition, request: Request, rows: list[StoredRow] | None = None
    ) -> Response:
        """Answers with one page of rows; of these `rows`, if they are given, else of all.

        Raises `DataverseError`.
        """
        query = self._query(table, request)
        size = query.prefer.page
        if rows is not None or query.searched:
            return self._searched(query, rows)

        following = self._after(query, query.since, size + 1)
        page = following[: size if query.top is None else min(size, query.top)]
        more = len(following) > len(page) and query.top is None
        links = self._links(query, page[-1].version if more else None)
        page, links = self._with_page_fault(query, page, links)
        return self._answer(query, page, links, self.store.count(table.logical))

    def number(self, table: TableDefinition, request: Request) -> Response:
        """Answers `<set>/$count`: a number as plain text. Raises `DataverseError`."""
        given = options(request, ("$filter",))
        rows = self.json(request).matching(table, self._all(table, request), dict(given))
        text = str(min(len(rows), LARGEST_COUNT))
        return Response(body=text.encode(), content_type="text/plain")

    def _all(self, table: TableDefinition, request: Request) -> list[StoredRow]:
        hidden = request.hidden.get(table.logical, ())
        rows = self.store.after(table.logical, 0, _ALL, gone=False)
        return [row for row in rows if row.key not in hidden]

    def _searched(self, query: RowQuery, rows: list[StoredRow] | None) -> Response:
        """Answers a query by values: from all rows that match, a page by its offset."""
        given = {**query.given}
        given.pop("$top", None)
        rows = self._all(query.table, query.request) if rows is None else rows
        found = self.json(query.request).matching(query.table, rows, given)
        size = query.prefer.page if query.top is None else query.top
        end = query.since + size
        page, links = found[query.since : end], []
        if query.top is None and len(found) > end:
            following = {"twice": query.since, "skip": end + size}.get(query.request.paging, end)
            links = [f'"@odata.nextLink":"{query.link("$skiptoken", str(following))}"']
        if query.request.paging in ("empty", "half"):
            page = page[: len(page) // 2] if query.request.paging == "half" else []
            links = []
        return self._answer(query, page, links, len(found))

    def _answer(
        self, query: RowQuery, page: list[StoredRow], links: list[str], count: int
    ) -> Response:
        head = [f'"@odata.context":"{query.request.base}{API}$metadata#{query.table.entity_set}"']
        if query.prefer.wants(VERSION):
            head.append(f'"@{VERSION}":"{self.store.facts.get("definitions", "1")}"')
        if query.given.get("$count") == "true":
            head.append(f'"@odata.count":{min(count, LARGEST_COUNT)}')
        json = self.json(query.request)
        hidden = query.request.hidden.get(query.table.logical, ())
        shown = ",".join(json.row(query.shape, row) for row in page if row.key not in hidden)
        body = "{" + ",".join([*head, *links, f'"value":[{shown}]']) + "}"
        return from_json(body, preferred=query.prefer.applied(tracked=True))

    def _after(self, query: RowQuery, version: int, limit: int) -> list[StoredRow]:
        gone = query.mode == _CHANGES
        return self.store.after(query.table.logical, version, limit, gone=gone)

    def _links(self, query: RowQuery, last: int | None) -> list[str]:
        """Returns the link to the page after version `last`.

        If `last` is None, the page is the last one: it has a link to later changes, or no link.
        """
        if last is not None:
            link = query.link("$skiptoken", f"{last}.{query.start}.{query.mode}")
            return [f'"@odata.nextLink":"{link}"']
        if query.mode != _PLAIN:
            second = int(self.store.facts.now().timestamp())
            link = query.link("$deltatoken", f"{query.start}!{second}")
            return [f'"@odata.deltaLink":"{link}"']
        return []

    def _with_page_fault(
        self, query: RowQuery, page: list[StoredRow], links: list[str]
    ) -> tuple[list[StoredRow], list[str]]:
        """Applies a fault to a page: repeats it, skips the next one, empties or halves it."""
        paging = query.request.paging
        more = bool(links) and "nextLink" in links[0]
        if paging == "twice" and more:
            return page, self._links(query, query.since)
        if paging == "skip" and more:
            skipped = self._after(query, page[-1].version, len(page) + 1)
            last = skipped[-2].version if len(skipped) > len(page) else None
            return page, self._links(query, last)
        if paging == "empty":
            return [], []
        if paging == "half":
            return page[: len(page) // 2], []
        return page, links

    def _query(self, table: TableDefinition, request: Request) -> RowQuery:
        prefer = preferences(request)
        given = options(request, _KNOWN)
        tracking = prefer.tracked or "$deltatoken" in given
        for name in _NOT_WITH_TRACKING:
            if name in given and tracking:
                parameter = f'The "{name}" query parameter'
                raise unsupported(f"{parameter} isn't supported when Change Tracking is enabled.")
        if tracking and not table.tracked:
            raise unsupported(f"Change tracking is not enabled for entity '{table.logical}'.")

        top = whole_number("$top", given.get("$top"))
        query = RowQuery(
            request,
            self.json(request).shape(table, given.get("$select"), given.get("$expand")),
            prefer,
            given,
            start=self.store.facts.version,
            mode=_TRACKED if prefer.tracked else _PLAIN,
            top=None if prefer.paged else top,  # Dataverse ignores it beside a page size
        )
        if "$deltatoken" in given:
            since = self._version_of(given["$deltatoken"])
            return replace(query, since=since, mode=_CHANGES)
        if "$skiptoken" in given:
            return _continued(query, given["$skiptoken"])
        return query

    def _version_of(self, token: str) -> int:
        """Returns the version in a change token. Raises `DataverseError` if it has expired."""
        match = _CHANGE_TOKEN.fullmatch(unquote(token))
        if not match:
            raise unsupported("The delta token is malformed.")
        version, issued = int(match[1]), datetime.fromtimestamp(int(match[2]), UTC)

        days = int(self.store.facts.get("expire_days", str(TOKEN_DAYS)))
        expired = self.store.facts.now() - issued >= timedelta(days=days)
        if expired or version < int(self.store.facts.get("oldest_token", "0")):
            raise DataverseError(
                400,
                "",
                "Version stamp associated with the client has expired. Please perform a full sync.",
            )
        return version


def no_such_row(table: TableDefinition, key: str) -> DataverseError:
    """Returns the error for a row that does not exist."""
    return DataverseError(404, "0x80040217", f"{table.logical} With Id = {key} Does Not Exist")


def row_context(request: Request, table: TableDefinition) -> str:
    """Returns the entry that names the type of a single row."""
    return f'"@odata.context":"{request.base}{API}$metadata#{table.entity_set}/$entity"'


def _continued(query: RowQuery, token: str) -> RowQuery:
    if query.searched and _OFFSET_TOKEN.fullmatch(token):
        return replace(query, since=int(token))
    match = _PAGE_TOKEN.fullmatch(unquote(token))
    if query.searched or not match:
        raise unsupported("The paging token is malformed.")
    return replace(query, since=int(match[1]), start=int(match[2]), mode=match[3])
