"""Pages of changes in doubt, of what is known of them, and of settling one or closing its run."""

from collections.abc import Mapping
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from trueup.errors import EngineError
from trueup.model.arguments import is_visible
from trueup.model.history import NOT_TRIED, change_status
from trueup.model.run import Step
from trueup.operations import state as operations
from trueup.operations.decision_entries import record_id
from trueup.operations.history import show_run
from trueup.operations.user import current_user
from trueup.render.doubt import doubt_rows, settlement_lines
from trueup.render.formatting import count, known_as
from trueup.render.moments import in_zone
from trueup.render.report import ReasonText, pieces
from trueup.review.current_plan import CurrentPlan
from trueup.review.forms import Form
from trueup.review.pages import RawText, address, desk_of, failure, failure_text, form_of, page
from trueup.review.wait_page import wait

DOUBT = "/doubt"
RECORD = "record"
NO_OUTCOME = "Choose whether the change took effect. Nothing was recorded."
NO_REASON = "Say what you saw, and where: it is recorded. Nothing was recorded."
NO_RECORD = "An id is a number, such as 29683. Nothing was recorded."


def doubt(request: Request, current: CurrentPlan) -> Response:
    """Shows each change in doubt: what was sent, what the journal has, what reading finds now."""
    project = current.project
    report = operations.examine_doubts(project)
    unread = desk_of(request).failures.text(report.unread)
    return page(
        request,
        "doubt.html",
        "In doubt",
        current=current,
        active="Runs",
        doubts=[
            {
                "id": one.change.id,
                "name": known_as(one.change.name),
                "creates": one.creates,
                "rows": doubt_rows(one, current.plan.names, project.zone),
            }
            for one in report.doubts
        ],
        settles=in_zone(report.settles, project.zone) if report.settles else "",
        unread=(ReasonText(pieces(unread), (), ""),) if unread else (),
    )


def settle(request: Request, current: CurrentPlan) -> Response:
    """Previews the settlement of a change by a person; then records it."""
    form = form_of(request)
    change, what, reason = form.raw("change"), form.value("what"), form.value("reason")
    record = record_id(form.value("record")) if form.value("record") else None
    wrong = (
        NO_OUTCOME * (what not in {"landed", "absent"})
        or NO_REASON * (not is_visible(reason))
        or NO_RECORD * (bool(form.value("record")) and record is None)
    )
    if wrong:
        return failure_text(request, wrong, HTTPStatus.BAD_REQUEST)
    landed = what == "landed"
    record = record if landed else None
    try:
        if form.value("do") == RECORD:
            operations.settle_change(
                current.project,
                current_user(),
                change,
                landed=landed,
                record=record,
                reason=reason,
            )
            return wait(desk_of(request).plan_again(DOUBT))
        ready, note = operations.preview_settlement(
            current.project, change, landed=landed, record=record, reason=reason
        )
    except EngineError as error:
        return failure(request, desk_of(request).failures.of(error), HTTPStatus.CONFLICT)
    fields = {
        "change": change,
        "what": what,
        "reason": reason,
        "record": "" if record is None else str(record),
    }
    noted = desk_of(request).failures.text(note)
    lines = settlement_lines(ready) + ([f"Note: {noted}."] if noted else [])
    return _preview(request, current, "/settle", fields, lines, DOUBT)


def close(request: Request, current: CurrentPlan) -> Response:
    """Previews what closing a run gives up; then closes it."""
    form = form_of(request)
    id_, reason = form.value("id"), form.value("reason")
    if not is_visible(reason):
        return failure_text(request, NO_REASON, HTTPStatus.BAD_REQUEST)
    try:
        if form.value("do") == RECORD:
            operations.close_run(current.project, current_user(), id_, reason)
            return wait(desk_of(request).plan_again(address("/run", id=id_)))
        lines = _closing_lines(form, current)
    except EngineError as error:
        return failure(request, desk_of(request).failures.of(error), HTTPStatus.CONFLICT)
    back = address("/run", id=id_)
    return _preview(request, current, "/close", {"id": id_, "reason": reason}, lines, back)


def _closing_lines(form: Form, current: CurrentPlan) -> list[str]:
    """Returns the effects, one sentence each. Raises StateError for an unknown run."""
    shown = show_run(current.project, form.value("id"))
    is_left = {NOT_TRIED, Step.NOT_LANDED}
    left = sum(1 for _, entries in shown.by_change() if change_status(entries) in is_left)
    return [
        f"Run {shown.run.id} is closed, with {count(left, 'change')} of it not tried.",
        "What was applied stays applied. The next plan has what is left.",
    ]


def _preview(
    request: Request,
    current: CurrentPlan,
    action: str,
    fields: Mapping[str, str],
    lines: list[str],
    back: str,
) -> Response:
    return page(
        request,
        "settle.html",
        "What is recorded",
        current=current,
        active="Runs",
        action=action,
        fields=fields,
        lines=lines,
        reason=fields["reason"],
        back=RawText(back),
    )
