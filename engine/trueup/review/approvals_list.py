"""The plans about which somebody said something, and which of them wait for a yes.

The history has who asked and the digest, and no document of a plan that was not applied. So a plan
can be looked at here while its preview is kept, or as the plan of an open run.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from trueup.errors import EngineError
from trueup.model.approval import ApprovalStated, Statement
from trueup.model.history import AuditEntry
from trueup.model.run import Run
from trueup.operations.approve import list_approvals
from trueup.operations.history import history
from trueup.render.history import moment
from trueup.render.manual_edits import SHORT
from trueup.review.approving import approval_part
from trueup.review.current_plan import Current
from trueup.review.pages import Exact, address, desk_of, page
from trueup.stages.approval import moved_text

SAID = {
    Statement.ASK: "Asked for",
    Statement.YES: "Approved",
    Statement.NO: "Refused",
    Statement.WITHDRAW: "Taken back",
}
GONE = (
    "Its document is not at hand here any more. Preview the same again: if nothing has changed, it "
    "is the same plan, and what was said counts. Whoever has saved it approves the file."
)


@dataclass(frozen=True, slots=True)
class StatedPlan:
    """One plan with what was said about it."""

    digest: str  # its beginning
    amount: str
    said: tuple[tuple[str, str], ...]  # what, by whom and when; and why
    state: str  # applied, may be applied, waits, not at hand
    text: str = ""
    address: Exact | None = None  # of its page, or of the run that applied it


def approvals(request: Request, current: Current) -> Response:
    """The plans of the history, the latest first."""
    project = current.project
    by_plan: dict[str, list[AuditEntry]] = {}
    for entry in reversed(list_approvals(project)):
        if isinstance(entry.event, ApprovalStated):
            by_plan.setdefault(entry.event.plan, []).append(entry)
    runs = {run.plan_digest: run for run in history(project).runs if run.ended}
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
    request: Request, current: Current, digest: str, entries: Sequence[AuditEntry], run: Run | None
) -> StatedPlan:
    amount, said = _amount(entries, current.plan.currency), tuple(_said(entries, current))
    short = digest[:SHORT]
    if run:
        return StatedPlan(short, amount, said, "applied", "", address("/run", id=run.id))
    try:
        found = desk_of(request).previews.find_plan(digest)
        part = approval_part(request, found)
    except EngineError:
        return StatedPlan(short, amount, said, "not at hand", GONE)
    state = "waits" if part and part.is_missing else "may be applied"
    text = "".join(piece.text for piece in part.need) if part else ""
    return StatedPlan(short, amount, said, state, text, address("/approval", digest=digest))


def _amount(entries: Iterable[AuditEntry], currency: str) -> str:
    """What the plan moves: each statement about it has the same amount."""
    events = (one.event for one in entries if isinstance(one.event, ApprovalStated))
    return next((moved_text(one.amount, one.unknown, currency) for one in events), "")


def _said(entries: Iterable[AuditEntry], current: Current) -> Iterable[tuple[str, str]]:
    for one in entries:
        if isinstance(one.event, ApprovalStated):
            when = moment(one.at, current.project.zone)
            yield f"{SAID[one.event.statement]} by {one.who}, {when}", one.reason
