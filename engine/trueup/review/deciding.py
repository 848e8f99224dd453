"""The page of a row, and the pages that preview and write decisions."""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

from trueup.config.file_names import DECISIONS
from trueup.errors import EngineError
from trueup.model.verdict import Verdict
from trueup.operations.decision_entries import RequestedDecision, record_id
from trueup.operations.propose import Proposal
from trueup.operations.user import current_user
from trueup.render.decisions import effect_rows, effect_totals
from trueup.render.formatting import count, known_as
from trueup.render.ledger import correction_text
from trueup.review.bulk import DISMISS, dismissals, is_pending, list_decisions
from trueup.review.current_plan import CurrentPlan
from trueup.review.filters import PAGE
from trueup.review.forms import Form, FormError
from trueup.review.ledger_outlooks import outlook_lines
from trueup.review.lists import ledger_columns
from trueup.review.pages import address, desk_of, failure, failure_text, form_of, page
from trueup.review.row_page import row_page
from trueup.review.searching import row_and_text, search_for_row
from trueup.review.wait_page import own_path, wait
from trueup.wiring import SystemClock

NO_VERDICT = "What is decided? Choose one of the decisions that the row's page offers."
NO_RECORD = "Choose the record that the row is to be linked to."


def row(request: Request, current: CurrentPlan) -> Response:
    """Shows a row, both sides of it, and the possible decisions; with `search`, also records."""
    ref, text = row_and_text(request)
    try:
        shown = row_page(current, ref)
    except EngineError as error:
        return failure(request, desk_of(request).failures.of(error), HTTPStatus.NOT_FOUND)
    names = current.plan.names
    return page(
        request,
        "row.html",
        known_as(shown.name),
        current=current,
        active=shown.tab,
        row=shown,
        ref=ref,
        is_pending=is_pending(current.project, ref),
        names=names,
        ledger_columns=ledger_columns(current),
        outlooks=lambda line: outlook_lines(current, line),
        text=text or known_as(shown.name),
        more=search_for_row(request, current, shown, text),
    )


def decide(request: Request, current: CurrentPlan) -> Response:
    """Computes the effect of decisions; nothing is written before the next page is confirmed.

    The decisions are about one row, or about the rows of a list.
    """
    form = form_of(request)
    back = form.raw("back")
    try:
        if form.value("what") == DISMISS:
            requested = dismissals(form, current, SystemClock().now())
        elif form.raw("key"):
            requested = [_requested_decision(form)]
            back = address("/row", mapping=requested[0].mapping, key=requested[0].key)
        else:
            requested = list_decisions(form, current)
    except FormError as error:
        return failure_text(request, str(error), HTTPStatus.BAD_REQUEST)
    return wait(desk_of(request).propose(requested, own_path(back)))


def _requested_decision(form: Form) -> RequestedDecision:
    """Returns the decision of a form, by the current user. Raises FormError."""
    try:
        verdict = Verdict(form.value("verdict"))
    except ValueError:
        raise FormError(NO_VERDICT) from None
    record = None
    if verdict is Verdict.LINK:
        record = record_id(form.value("record"))
        if record is None:
            raise FormError(NO_RECORD)
    if verdict is Verdict.SUCCEED and not form.value("of"):
        raise FormError("Name the row whose place it takes, by its key or its name.")
    return RequestedDecision(
        form.raw("mapping"),
        form.raw("key"),
        verdict,
        form.value("reason"),
        record=record,
        until=form.day("until") if verdict is Verdict.IGNORE else None,
        on=form.day("on") if verdict is Verdict.PUSH else None,
        of=form.value("of") if verdict is Verdict.SUCCEED else "",
        by=current_user(),
    )


def decision(request: Request, current: CurrentPlan) -> Response:
    """Shows the effect of decisions, before they are written."""
    name = request.query_params.get("id", "")
    try:
        proposed = desk_of(request).find_proposal(name)
    except EngineError as error:
        return failure(request, desk_of(request).failures.of(error), HTTPStatus.NOT_FOUND)
    names, currency = current.plan.names, current.plan.currency
    proposal, effect = proposed.proposal, proposed.proposal.effect
    ready = proposal.ready
    rows = effect_rows(effect, names, currency) if effect else []
    return page(
        request,
        "decision.html",
        "Decision",
        current=current,
        id=name,
        what=_what(proposal),
        row=known_as(ready[0].name or ready[0].key) if len(ready) == 1 else "",
        mapping=ready[0].requested.mapping,
        many=count(len(ready), "row"),
        reason=ready[0].requested.reason,
        replaced=sum(one.replaced for one in proposal.written),
        rows=rows[:PAGE],
        left=count(len(rows) - PAGE, "row") if len(rows) > PAGE else "",
        totals=effect_totals(effect, names, currency) if effect else (),
        unknown=desk_of(request).failures.text(proposal.unknown),
        corrections=[correction_text(one.line, currency) for one in ready[:1] if one.line]
        if len(ready) == 1
        else [],
        notes=(*proposal.notes, *(note for one in ready for note in one.notes)),
        back=proposed.back,
        file=DECISIONS,
    )


def _what(proposal: Proposal) -> str:
    requested, is_one = proposal.ready[0].requested, len(proposal.ready) == 1
    parts = [str(requested.verdict)]
    if requested.record is not None:
        parts += [f"to {requested.record}" if is_one else "to what was found by match"]
    parts += [f"of {requested.of}"] if requested.of else []
    parts += [f"from {requested.on.isoformat()}"] if requested.on else []
    parts += [f"until {requested.until.isoformat()}"] if requested.until else []
    return ", ".join(parts)


def write(request: Request) -> Response:
    """Writes the previewed decisions, and plans again."""
    desk = desk_of(request)
    try:
        back = desk.write(form_of(request).value("id"))
    except EngineError as error:
        return failure(request, desk.failures.of(error), HTTPStatus.CONFLICT)
    return wait(desk.plan_again(back))
