"""Pages that preview, apply, stop and resume; only the previewed document is applied."""

from collections.abc import Sequence
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from trueup.errors import EngineError
from trueup.model.outcome import Outcome
from trueup.render.formatting import count, word
from trueup.render.moments import in_its_zone
from trueup.render.outcome import DONE_STATUSES, ORDER, doubt_lines, status_text, summary
from trueup.render.overview import overview, verdict, view_of
from trueup.render.report import (
    DONE,
    ReasonText,
    balance_rows,
    finding_row,
    group_blocks,
    money_rows,
    pieces,
)
from trueup.render.text import outside_text
from trueup.render.text import summary as plan_summary
from trueup.render.wording import stays_text
from trueup.review.active_run import ActiveRun
from trueup.review.approving import ApprovalPart, approval_part, plan_end, run_of
from trueup.review.current_plan import CurrentPlan
from trueup.review.filters import Filter
from trueup.review.forms import Form
from trueup.review.lists import listing
from trueup.review.pages import address, desk_of, failure, failure_text, form_of, page
from trueup.review.progress import seen_of
from trueup.review.rows import EndedRow, Row, RowKey
from trueup.review.unit_previews import unit_previews
from trueup.review.wait_page import REFRESH, wait

NOTHING_TICKED = "Tick at least one row that is to be applied."
NOTHING_FILTERED = "No row of this filter has a change that could be applied."
GONE = "a row that was ticked is not in the plan any more: look at the list again"
NO_RUN = "This desk knows no such run. The page Runs has all of them."
NOT_ALLOWED = "The plan is over limits that were not ticked. Nothing was done."


def make_preview(request: Request, current: CurrentPlan) -> Response:
    """Plans the ticked rows, or all rows that a filter shows, or everything."""
    form = form_of(request)
    what = form.value("what")
    if what == "everything":
        return wait(desk_of(request).previews.make(()))
    chosen = _filtered(form, current) if what == "filter" else _ticked(form, current)
    if chosen is None:
        return failure_text(request, GONE, HTTPStatus.CONFLICT)
    targets = tuple(f"{row.ref.mapping}:{key}" for row in chosen if row.changes for key in row.keys)
    if not targets:
        nothing = NOTHING_FILTERED if what == "filter" else NOTHING_TICKED
        return failure_text(request, nothing, HTTPStatus.BAD_REQUEST)
    return wait(desk_of(request).previews.make(targets))


def _ticked(form: Form, current: CurrentPlan) -> Sequence[Row] | None:
    """Returns the ticked rows; None if one of them is no longer in the plan."""
    found = []
    for text in form.values("row"):
        mapping, _, key = text.partition(":")
        row = current.by_row.get(RowKey(mapping, key))
        if row is None:
            return None
        found.append(row)
    return found


def _filtered(form: Form, current: CurrentPlan) -> Sequence[Row]:
    """Returns the rows of a tab that a filter selects, on all of its pages."""
    fields = {name: form.raw(name) for name in form.fields}
    return Filter.from_query(fields).select(
        row for row in current.rows if row.tab == fields.get("tab")
    )


def preview(request: Request, current: CurrentPlan) -> Response:
    """Shows a part of the plan as it would be applied, with its digest."""
    try:
        found = desk_of(request).previews.find(request.query_params.get("digest", ""))
        approval = approval_part(request, found)
    except EngineError as error:
        return failure(request, desk_of(request).failures.of(error), HTTPStatus.NOT_FOUND)
    plan, seen = found.plan, overview(found.plan)
    view = view_of(seen, verbose=True)
    groups, _ = group_blocks(seen, view)
    return page(
        request,
        "preview.html",
        "Preview",
        current=current,
        digest=found.digest,
        many=count(len(plan.changes), "change"),
        has_changes=bool(plan.changes),
        summary=pieces(plan_summary(plan, seen)),
        about=found.about,
        outside=outside_text(plan.outside) if plan.outside else "",
        verdict=verdict(seen),
        limits=plan.exceeded,
        approval=approval,
        end=plan_end(current, found, run_of(current, found)),
        money=money_rows(seen, view),
        balance=balance_rows(seen, view),
        groups=groups,
        more=unit_previews(seen, view, request.query_params, found.digest),
        has_appends=any(change.is_append for change in plan.changes),
        stays_text=stays_text(plan.names),
        stays=[finding_row(finding, view) for finding in plan.findings] if plan.undo_of else [],
    )


def apply(request: Request) -> Response:
    """Applies the document with the digest that the form names."""
    desk, form = desk_of(request), form_of(request)
    try:
        found = desk.previews.find(form.value("digest"))
        over = frozenset(one.limit for one in found.plan.exceeded) & frozenset(form.values("over"))
        if any(one.limit not in over for one in found.plan.exceeded):
            return failure_text(request, NOT_ALLOWED, HTTPStatus.CONFLICT)
        part = approval_part(request, found)
        if part is not None and part.is_missing:
            return _unapproved(request, part)
        run = desk.run_control.apply(found, over)
    except EngineError as error:
        return failure(request, desk.failures.of(error), HTTPStatus.CONFLICT)
    return _follow(run)


def _unapproved(request: Request, part: ApprovalPart) -> Response:
    """Refuses a plan without its approval, with a link to the page that asks for it."""
    return page(
        request,
        "failure.html",
        "Not done",
        current=desk_of(request).current,
        status=HTTPStatus.CONFLICT,
        reasons=(ReasonText(part.need, (), ""),),
        approval=part.page,
    )


def resume(request: Request) -> Response:
    """Continues the open run."""
    desk = desk_of(request)
    try:
        run = desk.run_control.resume()
    except EngineError as error:
        return failure(request, desk.failures.of(error), HTTPStatus.CONFLICT)
    return _follow(run)


def stop(request: Request) -> Response:
    """Stops a run: requests in flight are completed and recorded, no more are sent."""
    run = desk_of(request).run_control.find(form_of(request).value("id"))
    if run is None:
        return failure_text(request, NO_RUN, HTTPStatus.CONFLICT)
    run.stop.set()
    return _follow(run)


def _follow(run: ActiveRun) -> Response:
    run.ended.wait(REFRESH)
    return RedirectResponse(address("/applying", id=run.id), HTTPStatus.SEE_OTHER)


def applying(request: Request, current: CurrentPlan) -> Response:
    """Shows a run of this desk while it is at work, and then how it ended."""
    run = desk_of(request).run_control.find(request.query_params.get("id", ""))
    if run is None:
        return failure_text(request, NO_RUN, HTTPStatus.NOT_FOUND)
    has_ended = run.ended.is_set()
    if has_ended and run.reasons:
        title = f"{run.title}: {'not finished' if run.has_begun else 'not done'}"
        return failure(request, run.reasons, HTTPStatus.CONFLICT, title)
    if has_ended and run.outcome:
        return page(
            request,
            "outcome.html",
            "Outcome",
            current=current,
            active="Runs",
            summary=pieces(summary(run.outcome)),
            stopped=run.outcome.stopped,
            notes=[desk_of(request).failures.text(note) for note in run.notes],
            is_complete=run.outcome.complete,
            can_resume=run.outcome.is_open,
            settles=in_its_zone(run.outcome.settles) if run.outcome.settles else "",
            run_page=address("/run", id=run.outcome.run),
            approval_page=address("/approval", digest=run.outcome.run)
            if desk_of(request).people.policy
            else "",
            more=listing(
                _ended(run.outcome),
                Filter.from_query(request.query_params),
                {"id": run.id},
                "/applying",
            ),
        )
    return page(
        request,
        "applying.html",
        run.title,
        current=current,
        active="Runs",
        refresh=REFRESH,
        id=run.id,
        seen=seen_of(run),
    )


def _ended(outcome: Outcome) -> list[EndedRow]:
    """Returns the changes; those that failed or were held come first."""
    return [
        EndedRow(
            change.name,
            (status_text(change.status),),
            f"{word(change.mapping)}, {DONE[change.action]}",
            (*change.text.splitlines(), *doubt_lines(change)),
            is_done=change.status in DONE_STATUSES,
            remedy=pieces(change.remedy),
            because=change.because,
        )
        for change in sorted(outcome.changes, key=lambda one: ORDER.index(one.status))
    ]
