"""The approver's page: what a preview moves, the statements about it, and its forms."""

from http import HTTPStatus

from msgspec import Struct
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from trueup.errors import EngineError
from trueup.model.approval import ApprovalStanding, Statement
from trueup.model.arguments import is_visible
from trueup.model.run import Run
from trueup.operations.approve import NO_POLICY, approval_of, refusal_of
from trueup.operations.history import history
from trueup.render.approval import need_text, signature_lines
from trueup.render.formatting import count, money
from trueup.render.overview import overview, verdict, view_of
from trueup.render.report import (
    Pieces,
    balance_rows,
    entries,
    money_rows,
    pieces,
    top_rows,
)
from trueup.review.current_plan import CurrentPlan
from trueup.review.pages import (
    RawText,
    address,
    desk_of,
    failure,
    failure_text,
    form_of,
    page,
    session_of,
)
from trueup.review.previews import Preview
from trueup.review.runs import ENDED
from trueup.stages.approval import moved_text

NO_STATEMENT = "Approve or refuse the plan, ask for its approval, or withdraw your statement."
OUTDATED = (
    "The state has moved on since this plan was made, so it cannot be applied any more: preview it "
    "again."
)
NO_REASON = "A refusal needs a reason, for the person who prepared the plan."


class ApprovalPart(Struct, frozen=True):
    """Where the approval of a preview stands, for pages."""

    standing: ApprovalStanding
    need: Pieces
    signatures: tuple[str, ...]
    page: str  # the address of the approver's page

    @property
    def is_missing(self) -> bool:
        """Whether the plan may not be applied yet."""
        return self.standing.lacks is not None


class PlanEnd(Struct, frozen=True):
    """Why a plan cannot be applied any more, for pages."""

    text: str
    address: RawText | None = None  # of the run that applied it


class OpenRun(Struct, frozen=True):
    """The run that has a plan and is not over, for pages."""

    text: str
    address: RawText


def run_of(current: CurrentPlan, found: Preview) -> Run | None:
    """Returns the run that has or had the plan of a preview; None if there is none."""
    runs = (run for run in history(current.project).runs if run.plan_digest == found.digest)
    return next(runs, None)


def open_run(run: Run | None) -> OpenRun | None:
    """Returns a plan's run that is at work or interrupted; None if it is over, or there is none."""
    if run is None or run.status in ENDED:
        return None
    return OpenRun(f"Run {run.id} has this plan: {run.status}.", address("/run", id=run.id))


def plan_end(current: CurrentPlan, found: Preview, run: Run | None) -> PlanEnd | None:
    """Returns why a preview cannot be applied any more; None if it can, or its run is open.

    `run` is the run of its plan.
    """
    if run:
        text = f"Run {run.id} had this plan: {run.status}. A plan is applied once."
        return PlanEnd(text, address("/run", id=run.id)) if run.status in ENDED else None
    # The desk plans again after each of its runs: a lower serial than its plan has is an old one.
    return PlanEnd(OUTDATED) if found.plan.serial < current.plan.serial else None


def approval_part(request: Request, found: Preview) -> ApprovalPart | None:
    """Returns where the approval of a preview stands; None if the project requires none.

    Raises EngineError if the state cannot be read.
    """
    project = replace(found.project, approval=desk_of(request).people.policy)
    standing = approval_of(project, found.text)
    if standing is None:
        return None
    return ApprovalPart(
        standing,
        pieces(need_text(standing, project.currency), has_commands=False),
        tuple(signature_lines(standing, project.zone)),
        address("/approval", digest=found.digest),
    )


def approval(request: Request, current: CurrentPlan) -> Response:
    """Shows what the plan does, the statements about it, and the forms of an approver."""
    desk = desk_of(request)
    try:
        found = desk.previews.find_plan(request.query_params.get("digest", ""))
        part = approval_part(request, found)
    except EngineError as error:
        return failure(request, desk.failures.of(error), HTTPStatus.NOT_FOUND)
    if part is None:
        return failure_text(request, NO_POLICY, HTTPStatus.NOT_FOUND)
    plan, seen = found.plan, overview(found.plan)
    short = view_of(seen)
    needs = entries(seen, short)
    moved, who = part.standing.moved, session_of(request).person
    run = run_of(current, found)
    can = {str(one): not refusal_of(part.standing, who, one, plan.currency) for one in Statement}
    return page(
        request,
        "approval.html",
        "Approval",
        current=current,
        digest=found.digest,
        preview=address("/preview", digest=found.digest),
        amount=moved_text(moved.amount, moved.unknown, plan.currency),
        once=money(moved.once, plan.currency),
        month=money(moved.month, plan.currency),
        part=part,
        end=plan_end(current, found, run),
        open_run=open_run(run),
        many=count(len(plan.changes), "change"),
        about=found.about,
        verdict=verdict(seen),
        limits=plan.exceeded,
        money=money_rows(seen, short),
        balance=balance_rows(seen, short),
        top=top_rows(seen, short),
        needy=count(seen.needy_rows, "row"),
        needs=(*needs.shown, *needs.folded),
        needs_month=needs.month,
        can=can,
        why_not=refusal_of(part.standing, who, Statement.YES, plan.currency),
    )


def state(request: Request) -> Response:
    """Records the statement of the form about the previewed plan, by the logged-in person."""
    desk, form = desk_of(request), form_of(request)
    try:
        statement = Statement(form.value("say"))
    except ValueError:
        return failure_text(request, NO_STATEMENT, HTTPStatus.BAD_REQUEST)
    reason = form.value("reason")
    if statement is Statement.NO and not is_visible(reason):
        return failure_text(request, NO_REASON, HTTPStatus.BAD_REQUEST)
    try:
        found = desk.previews.find_plan(form.value("digest"))
        desk.previews.record_statement(found, session_of(request).person, statement, reason)
    except EngineError as error:
        return failure(request, desk.failures.of(error), HTTPStatus.CONFLICT)
    return RedirectResponse(address("/approval", digest=found.digest), HTTPStatus.SEE_OTHER)
