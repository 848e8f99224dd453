"""The page that lists all plans with statements about them, and which still need an approval.

The history keeps the statements with the plan's digest, but no document of a plan that was not
applied. So a plan can be shown here while its preview is kept, or as the plan of an open run.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from trueup.errors import EngineError
from trueup.model.approval import ApprovalStated, Statement
from trueup.model.audit import AuditEntry
from trueup.model.run import Run
from trueup.operations.approve import list_approvals
from trueup.operations.history import history
from trueup.render.audit import SHORT
from trueup.render.moments import in_zone
from trueup.review.approving import approval_part, plan_end
from trueup.review.current_plan import CurrentPlan
from trueup.review.pages import RawText, address, desk_of, page
from trueup.review.runs import ENDED
from trueup.stages.approval import moved_text

STATEMENT_LABELS = {
    Statement.ASK: "Asked for",
    Statement.YES: "Approved",
    Statement.NO: "Refused",
    Statement.WITHDRAW: "Withdrawn",
}
GONE = (
    "Its document is not at hand here any more. Preview the same again: if nothing has changed, it "
    "is the same plan, and its statements count. A user who has saved it can approve the file."
)


class StatedPlan(Struct, frozen=True):
    """One plan with the statements about it."""

    digest: str  # its first characters
    amount: str
    statements: tuple[tuple[str, str], ...]  # each: text with person and time; reason
    state: str  # the status of its run; or may be applied, waits, outdated, not at hand
    text: str = ""
    address: RawText | None = None  # of its page, or of its run


def approvals(request: Request, current: CurrentPlan) -> Response:
    """Shows the plans that have statements, newest first."""
    project = current.project
    by_plan: dict[str, list[AuditEntry]] = {}
    for entry in reversed(list_approvals(project)):
        if isinstance(entry.event, ApprovalStated):
            by_plan.setdefault(entry.event.plan, []).append(entry)
    runs = {run.plan_digest: run for run in history(project).runs}
    return page(
        request,
        "approvals.html",
        "Approvals",
        current=current,
        active="Approvals",
        plans=[
            _stated(request, current, digest, entries[::-1], runs.get(digest))
            for digest, entries in by_plan.items()
        ],
    )


def _stated(
    request: Request,
    current: CurrentPlan,
    digest: str,
    entries: Sequence[AuditEntry],
    run: Run | None,
) -> StatedPlan:
    amount, statements = (
        _amount(entries, current.plan.currency),
        tuple(_statement_texts(entries, current)),
    )
    short = digest[:SHORT]
    of_run = None
    if run:
        link = address("/run", id=run.id)
        of_run = StatedPlan(short, amount, statements, str(run.status), "", link)
    if of_run and of_run.state in ENDED:
        return of_run
    try:
        found = desk_of(request).previews.find_plan(digest)
        part = approval_part(request, found)
    except EngineError:
        return of_run or StatedPlan(short, amount, statements, "not at hand", GONE)
    is_missing = part is not None and part.is_missing
    if of_run and not is_missing:
        return of_run
    if end := plan_end(current, found, run):
        return StatedPlan(short, amount, statements, "outdated", end.text)
    state = "waits" if is_missing else "may be applied"
    text = "".join(piece.text for piece in part.need) if part else ""
    return StatedPlan(short, amount, statements, state, text, address("/approval", digest=digest))


def _amount(entries: Iterable[AuditEntry], currency: str) -> str:
    """Returns the amount that the plan moves; all statements about it have the same amount."""
    events = (entry.event for entry in entries if isinstance(entry.event, ApprovalStated))
    return next((moved_text(event.amount, event.unknown, currency) for event in events), "")


def _statement_texts(
    entries: Iterable[AuditEntry], current: CurrentPlan
) -> Iterable[tuple[str, str]]:
    for entry in entries:
        if isinstance(entry.event, ApprovalStated):
            when = in_zone(entry.at, current.project.zone)
            yield f"{STATEMENT_LABELS[entry.event.statement]} by {entry.who}, {when}", entry.reason
