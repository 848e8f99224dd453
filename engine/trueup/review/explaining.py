"""Pages that explain a number: changes, unit rows, adjustments, YAML lines, source cells."""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from trueup.errors import EngineError
from trueup.model.explanation import Explanation
from trueup.model.project import Project
from trueup.operations.explain import explain_total
from trueup.operations.sent_changes import SentChange, sent_changes
from trueup.render.explanation import explanation_text
from trueup.render.formatting import known_as, signed
from trueup.render.moments import in_zone
from trueup.review.current_plan import CurrentPlan
from trueup.review.pages import address, desk_of, failure, form_of, page
from trueup.review.wait_page import wait

MOST = 600
"""Lines of an explanation that a page shows; the command line shows all of them."""


def explain_row(request: Request, _current: CurrentPlan) -> Response:
    """Explains the row and its ledger line; reads both systems."""
    form = form_of(request)
    what = f"{form.raw('mapping')}:{form.raw('key')}"
    return wait(desk_of(request).explain(what))


def explanation(request: Request, current: CurrentPlan) -> Response:
    """Shows the explanation of a row as it was read, or of a total of the plan."""
    query = request.query_params
    try:
        found = explain_total(current.plan, query.get("total", ""))
        if found is None:
            found = desk_of(request).find_explanation(query.get("id", ""))
    except EngineError as error:
        return failure(request, desk_of(request).failures.of(error), HTTPStatus.NOT_FOUND)
    names = [known_as(row.name or row.key) for row in found.rows]
    lines = explanation_text(found, verbose=not found.total).splitlines()
    return page(
        request,
        "explanation.html",
        f"Explained: {names[0] if names else known_as(found.what)}",
        current=current,
        active="Ledger",
        lines=lines[:MOST],
        left=len(lines) - MOST if len(lines) > MOST else 0,
        rows=[(row.mapping, row.key, known_as(row.name or row.key)) for row in found.rows],
        sent=[_sent(one, current.project) for one in _all_sent(found, current.project)],
    )


def _all_sent(found: Explanation, project: Project) -> list[SentChange]:
    """Returns what was sent for the records of the explained ledger lines."""
    return [
        sent
        for one in found.ledger
        if one.line.record is not None and one.line.mapping in project.mappings
        for sent in sent_changes(project, one.line.mapping, one.line.record)
    ]


def _sent(one: SentChange, project: Project) -> dict[str, object]:
    run, pushed = one.run, one.pushed
    state = "undone" if pushed.undone else "proven" if pushed.proof else "without proof"
    return {
        "day": pushed.day.isoformat(),
        "units": signed(pushed.units) if pushed.units else "nothing was sent",
        "row": (pushed.mapping, pushed.key),
        "state": state,
        "who": f"{run.who} on {run.host}" if run else "",
        "when": in_zone(run.started, project.zone) if run else "",
        "run": pushed.run,
        "address": address("/run", id=pushed.run) if run else "",
    }
