"""Answers reads: one record, the children of a record, a page with the addresses of its neighbours.

Source: docs/explanation/autotask.md, section 3 (Paging).
"""

from collections.abc import Callable
from urllib.parse import quote, unquote

from trueup.model.catalogue import Entity
from trueup.sandbox.autotask.lenient_json import body_text
from trueup.sandbox.autotask.query import Query
from trueup.sandbox.autotask.reader import (
    Cursor,
    ReadContext,
    all_fields_query,
    parse_cursor,
    read_page,
)
from trueup.sandbox.autotask.routes import Match
from trueup.sandbox.http.json_types import Json
from trueup.sandbox.http.request import Request
from trueup.sandbox.http.responses import Response, as_json, errors

Page = tuple[list[dict[str, Json]], Cursor | None]
"""The records of a page, and the next page's cursor."""


def item(context: ReadContext, entity: Entity, match: Match) -> Response:
    """Answers with one record by its id, below its parent if the address names one."""
    where, values = "id = ?", [match.record]
    if match.parent is not None and entity.parent is not None:
        where, values = f'id = ? AND "{entity.parent.key}" = ?', [match.record, match.parent]

    items, _ = read_page(context, all_fields_query(entity, where, tuple(values)), Cursor(1))
    if not items and context.tenant.switches["missing_record"] == "404":
        return errors(["No matching records found."], status=404)
    return as_json({"item": items[0] if items else None})


def children(context: ReadContext, entity: Entity, match: Match, request: Request) -> Response:
    """Answers with the records below a parent, in the form of a query's page."""
    key = entity.parent.key if entity.parent else "id"
    query = all_fields_query(entity, f'"{key}" = ?', (match.parent,))
    return page(context, query, request, None)


def page(context: ReadContext, query: Query, request: Request, search: Json) -> Response:
    """Answers with one page of a query; `search` is the query as received, None for children."""
    paging = request.parameter("paging")
    cursor = parse_cursor(paging) if paging is not None else Cursor(query.size)
    items, following = read_page(context, query, cursor)
    if not query.includes_id and context.tenant.switches["include_without_id"] == "one_page":
        following = None
    items, following = _with_page_fault(context, query, request.paging, cursor, (items, following))

    previous = cursor.previous()
    address = _addresses(context, request, search)
    details = {
        "count": len(items),
        "requestCount": cursor.size,
        "prevPageUrl": address(previous) if previous else None,
        "nextPageUrl": address(following) if following else None,
    }
    return as_json({"items": items, "pageDetails": details})


def _addresses(context: ReadContext, request: Request, search: Json) -> Callable[[Cursor], str]:
    """Returns what makes the address of a page from its cursor.

    A page of a POST query is read by POST with the same body. A page of a GET query has the search
    in its address.
    """
    path = request.path.rstrip("/")
    if search is not None and not path.lower().endswith("/next"):
        path += "/next"

    tail = ""
    if search is not None and request.verb == "GET":
        tail = f"&search={quote(request.parameter('search') or '', safe='')}"
    elif search is not None and context.tenant.switches["cursor_without_body"] == "accepted":
        text = body_text(request) or request.parameter("resent") or ""
        tail = f"&resent={quote(text, safe='')}"
    return lambda cursor: f"{request.base}{quote(unquote(path))}?paging={cursor.text()}{tail}"


def _with_page_fault(
    context: ReadContext, query: Query, paging: str, cursor: Cursor, result: Page
) -> Page:
    """Applies a fault to a page: repeats it, skips the next one, empties or halves it."""
    items, following = result
    if paging == "twice" and following is not None:
        return items, cursor
    if paging == "skip" and following is not None:
        return items, read_page(context, query, following)[1]
    if paging == "empty":
        return [], None
    if paging == "half":
        return items[: len(items) // 2], None
    return result
