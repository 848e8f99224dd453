"""Writes notes, tags and assignees of rows; at once, because no plan depends on them."""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from trueup.errors import EngineError
from trueup.operations.notes import NoteEdit
from trueup.review.current_plan import CurrentPlan
from trueup.review.pages import address, desk_of, failure, failure_text, form_of
from trueup.review.row_page import row_page
from trueup.review.rows import RowKey

FIELDS = {"note", "tags", "assignee", "seen"}
NOT_WHOLE = "The form lacks a part of the note. Nothing was written."


def note(request: Request, current: CurrentPlan) -> Response:
    """Replaces the note of a row."""
    form, desk = form_of(request), desk_of(request)
    if not form.fields.keys() >= FIELDS:
        return failure_text(request, NOT_WHOLE, HTTPStatus.BAD_REQUEST)
    ref = RowKey(form.raw("mapping"), form.raw("key"))
    edit = NoteEdit(
        text=form.value("note"),
        assignee=form.value("assignee"),
        tags=form.value("tags").split(","),
        seen=form.value("seen"),
    )
    try:
        row_page(current, ref)  # the row is one of the plan
        desk.note(ref, edit)
    except EngineError as error:
        return failure(request, desk.failures.of(error), HTTPStatus.CONFLICT)
    where_to = address("/row", mapping=ref.mapping, key=ref.key)
    return RedirectResponse(f"{where_to}#note", HTTPStatus.SEE_OTHER)
