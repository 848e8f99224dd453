"""Searches a record for a row: by the button of the row's page, and while a person types."""

from collections.abc import Mapping
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from trueup.errors import EngineError
from trueup.model.record_search import SearchResult
from trueup.operations.search import search_records
from trueup.render.formatting import known_as
from trueup.render.report import ReasonText
from trueup.review.current_plan import CurrentPlan
from trueup.review.head import read_text
from trueup.review.next_step import StepKind
from trueup.review.pages import desk_of, failure_text, fragment
from trueup.review.row_page import RowPage, candidate
from trueup.review.rows import RowKey
from trueup.wiring import SystemClock

NO_MAPPING = "There is no such mapping."


def found_at_once(request: Request, current: CurrentPlan) -> Response:
    """Returns the records of the last plan that fit, as a part of a row's page; no call."""
    ref, text = row_and_text(request)
    if ref.mapping not in current.project.mappings:
        return failure_text(request, NO_MAPPING, HTTPStatus.NOT_FOUND)
    try:
        result = desk_of(request).local_search(current).find(ref.mapping, text)
    except EngineError as error:
        shown = found(None, desk_of(request).failures.of(error))
    else:
        shown = found(result)
    return fragment(request, "found.html", ref=ref, names=current.plan.names, **shown)


def search_for_row(
    request: Request, current: CurrentPlan, shown: RowPage, text: str
) -> Mapping[str, object]:
    """Returns the template values of the records that fit a text.

    For a text that a person sent, the target is searched if no record of the last plan fits. A row
    whose record is yet to be chosen is searched by its name, among the records of the last plan
    only.
    """
    try:
        if text and shown.can_link:
            return found(search_records(current.project, shown.ref.mapping, text))
        if shown.can_link and shown.next.step is StepKind.CHOOSE:
            search = desk_of(request).local_search(current)
            return found(search.find(shown.ref.mapping, known_as(shown.name)))
        return found(None)
    except EngineError as error:
        return found(None, desk_of(request).failures.of(error))


def row_and_text(request: Request) -> tuple[RowKey, str]:
    """Returns the row of an address, and the text of the search for its record."""
    query = request.query_params
    ref = RowKey(query.get("mapping", ""), query.get("key", ""))
    return ref, query.get("search", "")


def found(
    result: SearchResult | None, refused: tuple[ReasonText, ...] = ()
) -> Mapping[str, object]:
    """Returns the template values of the records that fit."""
    shown = [candidate(one) for one in result.found] if result else []
    read = read_text(result.read, SystemClock().now()) if result and result.read else ""
    return {"result": result, "read": read, "found": shown, "refused": refused}
