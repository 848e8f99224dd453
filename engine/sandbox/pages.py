"""Answers to reads: one record, a page with the addresses of its neighbours."""

from collections.abc import Callable
from urllib.parse import quote, unquote

from engine.model.catalogue import Entity
from engine.sandbox import answers, reading
from engine.sandbox.answers import Answer
from engine.sandbox.lenient import Json
from engine.sandbox.query import Query
from engine.sandbox.reading import Cursor, View
from engine.sandbox.request import Request
from engine.sandbox.routes import Match


def item(view: View, entity: Entity, match: Match) -> Answer:
    """One record by its id, below its parent where the address names one."""
    where, values = "id = ?", [match.record]
    if match.parent is not None and entity.parent is not None:
        where, values = f'id = ? AND "{entity.parent.key}" = ?', [match.record, match.parent]
    items, _ = reading.page(view, reading.whole(entity, where, tuple(values)), Cursor(1))
    if not items and view.tenant.switches["missing_record"] == "404":
        return answers.errors(["No matching records found."], status=404)
    return answers.as_json({"item": items[0] if items else None})


def children(view: View, entity: Entity, match: Match, request: Request) -> Answer:
    """The records below a parent, in the envelope of a query."""
    key = entity.parent.key if entity.parent else "id"
    asked = reading.whole(entity, f'"{key}" = ?', (match.parent,))
    return page(view, asked, request, None)


def page(view: View, asked: Query, request: Request, said: Json) -> Answer:
    """The page that the request is for; `said` is the query as it came, none for a list of children."""
    text = request.parameter("paging")
    cursor = reading.read_cursor(text) if text is not None else Cursor(asked.size)
    items, following = reading.page(view, asked, cursor)
    if not asked.names_id and view.tenant.switches["include_without_id"] == "one_page":
        following = None
    items, following = _spoilt(view, asked, request.paging, cursor, items, following)
    previous = cursor.previous()
    address = _addresses(view, request, said)
    details = {
        "count": len(items),
        "requestCount": cursor.size,
        "prevPageUrl": address(previous) if previous else None,
        "nextPageUrl": address(following) if following else None,
    }
    return answers.as_json({"items": items, "pageDetails": details})


def _addresses(view: View, request: Request, said: Json) -> Callable[[Cursor], str]:
    """Pages of a POST query want POST and the body again; those of a GET query carry the search."""
    path = request.path.rstrip("/")
    if said is not None and not path.lower().endswith("/next"):
        path += "/next"
    tail = ""
    if said is not None and request.verb == "GET":
        tail = f"&search={quote(request.parameter('search') or '', safe='')}"
    elif said is not None and view.tenant.switches["cursor_without_body"] == "accepted":
        tail = f"&resent={quote(request.text() or request.parameter('resent') or '', safe='')}"
    return lambda cursor: f"{request.base}{quote(unquote(path))}?paging={cursor.text()}{tail}"


def _spoilt(
    view: View, asked: Query, paging: str, cursor: Cursor, items: list[dict[str, Json]], following: Cursor | None
) -> tuple[list[dict[str, Json]], Cursor | None]:
    """What a fault makes of a page."""
    if paging == "twice" and following is not None:
        return items, cursor
    if paging == "skip" and following is not None:
        return items, reading.page(view, asked, following)[1]
    if paging == "empty":
        return [], None
    if paging == "half":
        return items[: len(items) // 2], None
    return items, following
