"""Pages of the runs: all of them, or one with the result of each change, proof and undo."""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from trueup.errors import EngineError
from trueup.model.change import Action
from trueup.model.history import RunHistory, change_data, change_status
from trueup.model.run import RunStatus, Step
from trueup.operations.history import history, show_run, show_runs, verify_journal
from trueup.operations.state import recorded_doubts
from trueup.render.audit import SHORT, audit_cells
from trueup.render.changes import units, where
from trueup.render.csv_ import history_csv
from trueup.render.history import WORDS, about, value_text
from trueup.render.moments import in_zone
from trueup.render.report import DONE, finding_row
from trueup.review.current_plan import CurrentPlan
from trueup.review.filters import Filter
from trueup.review.lists import listing
from trueup.review.pages import desk_of, failure, failure_text, form_of, page
from trueup.review.rows import EndedRow
from trueup.review.wait_page import wait

NO_RUN = "The form names no run to undo. Nothing was done."

ENDED = frozenset({RunStatus.DONE, RunStatus.PARTIAL})
"""The statuses of runs that are over; an interrupted run is resumed or given up."""


def runs(request: Request, current: CurrentPlan) -> Response:
    """Lists all runs, newest first, and manual edits; with `verify`, checks the journal."""
    found = history(current.project)
    zone = current.project.zone
    verified = verify_journal(current.project) if "verify" in request.query_params else None
    return page(
        request,
        "runs.html",
        "Runs",
        current=current,
        active="Runs",
        runs=[
            {
                "id": run.id,
                "started": in_zone(run.started, zone),
                "ended": in_zone(run.ended, zone) if run.ended else "not yet",
                "status": str(run.status),
                "who": f"{run.who} on {run.host}",
                "plan": run.plan_digest[:SHORT],
                "undo": ", ".join(
                    [f"undoes {run.undo_of}"] * bool(run.undo_of)
                    + [f"undone by {by.run.id}" for by in found.undone.get(run.id, ())]
                ),
            }
            for run in reversed(found.runs)
        ],
        edits=[
            audit_cells(entry, zone, current.project.currency) for entry in reversed(found.audit)
        ],
        verified=verified,
        wrong=[finding_row(finding, current.view) for finding in verified.findings]
        if verified
        else [],
    )


def run(request: Request, current: CurrentPlan) -> Response:
    """Shows one run with the result of each change, and its proof."""
    try:
        shown = show_run(current.project, request.query_params.get("id", ""))
    except EngineError as error:
        return failure(request, desk_of(request).failures.of(error), HTTPStatus.NOT_FOUND)
    zone = current.project.zone
    has_ended = shown.run.status in ENDED
    settles = None if has_ended else recorded_doubts(current.project).settles
    return page(
        request,
        "run.html",
        f"Run {shown.run.id}",
        current=current,
        active="Runs",
        id=shown.run.id,
        about=about(shown, zone),
        edits=[audit_cells(entry, zone, shown.plan.currency) for entry in shown.audit],
        is_open=not has_ended,
        settles=in_zone(settles, zone) if settles else "",
        can_undo=has_ended and bool(shown.changes_written()),
        more=listing(
            _changes(shown), Filter.from_query(request.query_params), {"id": shown.run.id}, "/run"
        ),
    )


def download(_request: Request, current: CurrentPlan) -> Response:
    """Returns all runs with their changes, as `trueup history export` writes them."""
    content = history_csv(show_runs(current.project), current.project.zone)
    name = f"{current.plan.as_of.isoformat()}-history.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="text/csv; charset=utf-8", headers=headers)


def undo(request: Request) -> Response:
    """Plans the undo of a run; it is previewed and applied like every plan."""
    id_ = form_of(request).value("id")
    if not id_:  # without a run the preview would be of the whole plan
        return failure_text(request, NO_RUN, HTTPStatus.BAD_REQUEST)
    return wait(desk_of(request).previews.make(undo=id_))


def _changes(shown: RunHistory) -> list[EndedRow]:
    found = []
    for change, entries in shown.by_change():
        status = change_status(entries)
        moved = units(change) if change.action is Action.ADJUST else ""
        about = (DONE[change.action], where(change, shown.plan.names), moved)
        texts = [
            f"{WORDS.get(name, name)}: {text}"
            for name, value in change_data(entries).items()
            if (text := value_text(value))
        ]
        found.append(
            EndedRow(
                change.name,
                (status,),
                ", ".join(filter(None, about)),
                tuple(texts),
                is_done=status == Step.DONE,
            )
        )
    return found
