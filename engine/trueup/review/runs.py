"""The runs: all of them, and one with what became of each change and its proof."""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from trueup.errors import EngineError
from trueup.model.history import RunHistory, change_data, change_status
from trueup.model.plan import Action
from trueup.model.run import Step
from trueup.operations.history import history, show_run
from trueup.render.changes import units, where
from trueup.render.history import SHORT, WORDS, moment, value_text
from trueup.render.report import DONE
from trueup.review.current import Current
from trueup.review.filters import Filter
from trueup.review.lists import listing
from trueup.review.pages import desk_of, failure, page
from trueup.review.rows import EndedRow


def runs(request: Request, current: Current) -> Response:
    """All runs, the latest first."""
    found = history(current.project)
    zone = current.project.zone
    return page(
        request,
        "runs.html",
        "Runs",
        current=current,
        active="Runs",
        runs=[
            {
                "id": run.id,
                "started": moment(run.started, zone),
                "ended": moment(run.ended, zone) if run.ended else "not yet",
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
    )


def run(request: Request, current: Current) -> Response:
    """One run with what became of each change, and its proof."""
    try:
        shown = show_run(current.project, request.query_params.get("id", ""))
    except EngineError as error:
        return failure(request, desk_of(request).failures.of(error), HTTPStatus.NOT_FOUND)
    zone = current.project.zone
    return page(
        request,
        "run.html",
        f"Run {shown.run.id}",
        current=current,
        active="Runs",
        about=[
            ("Status", str(shown.run.status)),
            ("Who", f"{shown.run.who} on {shown.run.host}"),
            ("Started", moment(shown.run.started, zone)),
            ("Ended", moment(shown.run.ended, zone) if shown.run.ended else "not yet"),
            ("Plan", shown.run.plan_digest),
        ],
        more=listing(
            _changes(shown), Filter.of(request.query_params), {"id": shown.run.id}, "/run"
        ),
    )


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
