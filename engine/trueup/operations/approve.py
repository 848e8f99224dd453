"""Approvals: statements of people about a plan, and whether it may be applied.

A plan is a document; each statement about it is a line of the state's history, bound to the
document's digest and to the amount that it moves. A plan with another result has another digest,
and needs a new approval. A plan with the same result keeps its approval.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import assert_never

from trueup import wiring
from trueup.errors import EngineError, StalePlan
from trueup.model import document
from trueup.model.approval import (
    PREPARES,
    ApprovalPolicy,
    ApprovalStanding,
    ApprovalStated,
    Lack,
    Signature,
    Statement,
    same_person,
)
from trueup.model.audit import AuditEntry
from trueup.model.money import money_text
from trueup.model.plan import Plan
from trueup.model.project import Project
from trueup.operations.open_state import hold
from trueup.ports.state import History, State
from trueup.stages.approval import moved_money, moved_text, standing

NO_POLICY = "trueup.yaml has no `approval:`, so no plan of this project needs an approval"


def approval_of(project: Project, plan: str) -> ApprovalStanding | None:
    """Returns where the approval of a plan document stands; None if the project requires none.

    Raises EngineError for a document that is no plan, or was altered.
    """
    with wiring.open_state(project) as state:
        return approval_in(project, state, plan)


def approval_in(project: Project, history: History, plan: str) -> ApprovalStanding | None:
    """As `approval_of`, with an open history."""
    if project.approval is None:
        return None
    return _standing(project.approval, history, plan, document.loads(plan))


def record_statement(
    project: Project, plan: str, who: str, statement: Statement, reason: str = ""
) -> ApprovalStanding:
    """Records the statement of `who` about a plan document; returns where its approval stands.

    Raises EngineError if the plan needs no approval, or `who` may not make the statement; StalePlan
    if the plan can no longer be applied; StateLocked while a run is active.
    """
    with wiring.open_state(project) as state:
        return record_statement_in(project, state, plan, who, statement, reason)


def record_statement_in(
    project: Project, state: State, plan: str, who: str, statement: Statement, reason: str = ""
) -> ApprovalStanding:
    """As `record_statement`, with an open state."""
    policy = project.approval
    if policy is None:
        raise EngineError(NO_POLICY)
    read = document.loads(plan)
    with hold(state, who) as lease:
        before = _standing(policy, state, plan, read)
        if not before.is_needed:
            raise EngineError(
                f"this plan needs no approval: it moves {_moved(before, project)}, "
                f"and a plan of up to {policy.above:,.2f} needs none"
            )
        _require_fresh(project, state, read, before)
        _require_may(before, project, who, statement)
        moved = before.moved
        event = ApprovalStated(statement, before.plan, moved.amount, moved.unknown)
        state.record_statement(lease, event, reason=reason)
        return _standing(policy, state, plan, read)


def plan_of_run(project: Project, prefix: str) -> str:
    """Returns the plan document of an open run, which continues only with its approval.

    `prefix` is the run's id or a unique start of it, or the digest of its plan. Raises EngineError.
    """
    with wiring.open_state(project) as state:
        runs = [
            run
            for run in state.load().open_runs
            if prefix and (run.id.startswith(prefix) or run.plan_digest == prefix)
        ]
    if len(runs) != 1:
        raise EngineError(f"{prefix!r} is neither a saved plan nor the id of one open run")
    return runs[0].plan


def list_approvals(project: Project, plan: str = "") -> Sequence[AuditEntry]:
    """All statements about plans, or about the plan with this digest, oldest first."""
    with wiring.open_state(project) as state:
        return [
            entry
            for entry in state.audit()
            if isinstance(entry.event, ApprovalStated) and plan in ("", entry.event.plan)
        ]


def _standing(policy: ApprovalPolicy, history: History, text: str, plan: Plan) -> ApprovalStanding:
    moved = moved_money(plan.changes)
    return standing(policy, document.plan_id(text), moved, history.audit())


def _require_fresh(project: Project, state: State, plan: Plan, found: ApprovalStanding) -> None:
    """Raises StalePlan for a plan that no approval makes applicable."""
    snapshot = state.load()
    if any(run.plan_digest == found.plan for run in snapshot.open_runs):
        return
    is_fresh = (plan.lineage, plan.serial) == (snapshot.lineage, snapshot.serial)
    if not is_fresh or plan.project != project.digest:
        raise StalePlan(
            "the configuration or the state has changed since this plan was made, so it cannot be "
            "applied any more: plan again, and approve that plan"
        )


def _require_may(found: ApprovalStanding, project: Project, who: str, statement: Statement) -> None:
    """Raises EngineError if `who` may not make the statement now."""
    if why := refusal_of(found, who, statement, project.currency):
        raise EngineError(why)


def refusal_of(found: ApprovalStanding, who: str, statement: Statement, currency: str = "") -> str:
    """Why this person may not make the statement about the plan now; empty if they may."""
    match statement:
        case Statement.ASK:
            return _no_ask(found, who)
        case Statement.YES:
            return _no_yes(found, who, currency)
        case Statement.NO:
            return _no_no(found, who)
        case Statement.WITHDRAW:
            if _is_among(who, found.yes) or _is_among(who, found.no):
                return ""
            return (
                f"{who} neither approved nor refused this plan: there is no statement to withdraw"
            )
        case _:
            assert_never(statement)


def _no_ask(found: ApprovalStanding, who: str) -> str:
    if not found.policy.listed(who) & PREPARES:
        return (
            f"{who} may not ask for an approval: the roles decide, approve and administer of "
            f"`approval:` do not name {who}"
        )
    if found.prepared:
        return (
            f"{found.prepared.who} asked for this approval already, on {found.prepared.at:%Y-%m-%d}"
        )
    if found.yes:
        return f"{found.yes[0].who} approved this plan already: it needs no request"
    return ""


def _no_yes(found: ApprovalStanding, who: str, currency: str) -> str:
    if not found.policy.may_approve(who):
        return f"{who} may not approve plans: `approval.roles` gives {who} no role that approves"
    limit = found.policy.limit_of(who)
    if not limit.allows(found.moved):
        moved = moved_text(found.moved.amount, found.moved.unknown, currency)
        most = money_text(limit.amount or Decimal(0), currency)
        return f"{who} may approve up to {most}, and this plan moves {moved}"
    if _is_among(who, found.counting):
        return f"{who} approved this plan already{_second(found, who)}"
    return ""


def _second(found: ApprovalStanding, who: str) -> str:
    is_alone = found.lacks is Lack.SECOND_PERSON
    return f"; a second person must, who is not {who}" if is_alone else ""


def _no_no(found: ApprovalStanding, who: str) -> str:
    if not found.policy.may_approve(who):
        return f"{who} may not refuse plans: `approval.roles` gives {who} no role that approves"
    return f"{who} refused this plan already" if _is_among(who, found.no) else ""


def _is_among(who: str, signatures: Iterable[Signature]) -> bool:
    return any(same_person(signature.who, who) for signature in signatures)


def _moved(found: ApprovalStanding, project: Project) -> str:
    return moved_text(found.moved.amount, found.moved.unknown, project.currency)
