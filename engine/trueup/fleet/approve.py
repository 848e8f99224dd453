"""Approves or refuses the plan of a tenant; an approval queues a run that applies it."""

from collections.abc import Collection
from dataclasses import dataclass, field

from msgspec import Struct

from trueup.errors import EngineError
from trueup.fleet.connection import Connection, translated
from trueup.fleet.open_fleet import OpenFleet, require_tenants
from trueup.fleet.schedule import request_runs
from trueup.fleet.stored_plans import NO, YES, StoredPlan, read_stored_plan, write_answer
from trueup.fleet.tenant_project import load_tenant_project
from trueup.model import document
from trueup.model.approval import ApprovalStanding, Statement
from trueup.model.fleet_run import RunKind, Waits
from trueup.model.plan import Plan
from trueup.model.project import Project
from trueup.operations.approve import approval_of, record_statement
from trueup.render.approval import need_text
from trueup.stages.guard import not_allowed


@dataclass(frozen=True, slots=True)
class PlanForApproval:
    """A plan that waits for an approval, with the project that it belongs to."""

    stored: StoredPlan = field(repr=False)
    plan: Plan = field(repr=False)
    project: Project = field(repr=False)


class AnswerResult(Struct, frozen=True):
    """The result of an answer."""

    is_queued: bool  # the plan is applied by the next free worker
    text: str  # why it is not queued


def plan_for_approval(opened: OpenFleet, connection: Connection, tenant: str) -> PlanForApproval:
    """Returns the plan of a tenant that waits for an approval. Raises EngineError if none does."""
    require_tenants(connection, (tenant,))
    stored = read_stored_plan(connection, tenant)
    if stored is None:
        raise EngineError(f"no plan of {tenant} waits: `trueup fleet status {tenant}` says why")
    fleet = opened.fleet
    project = load_tenant_project(fleet, fleet.tenants[tenant], database=opened.url)
    return PlanForApproval(stored, document.loads(stored.document), project)


def answer(  # noqa: PLR0913, PLR0917 -- connections, plan, and the parts of the answer
    opened: OpenFleet,
    connection: Connection,
    waiting: PlanForApproval,
    who: str,
    statement: Statement,
    reason: str = "",
    over: Collection[str] = (),
) -> AnswerResult:
    """Records the answer of `who` to a plan; an approval that is complete queues its apply.

    `over` names the limits of the project that the plan may exceed. Raises EngineError if a limit
    that it exceeds is not named, or `who` may not give this answer.
    """
    stored = waiting.stored
    if statement is Statement.YES:
        _require_named(waiting, over)
    standing = _record_statement(waiting, who, statement, reason)
    if statement is not Statement.YES:
        _refuse(connection, stored, who, reason)
        return AnswerResult(
            is_queued=False, text="its plan is refused, and waits for the next other one"
        )
    if standing is not None and standing.lacks:
        need = need_text(standing, waiting.project.currency)
        return AnswerResult(is_queued=False, text=f"it is not applied yet: {need}")
    with translated(), connection.transaction():
        write_answer(connection, stored, YES, who, reason, over)
        _wait_for(connection, stored.tenant, Waits.NOTHING)
        request_runs(connection, opened.queue, [stored.tenant], RunKind.APPROVED)
    return AnswerResult(is_queued=True, text="")


def _record_statement(
    waiting: PlanForApproval, who: str, statement: Statement, reason: str
) -> ApprovalStanding | None:
    """Writes the statement into the tenant's own history, if its project requires approvals."""
    project, text = waiting.project, waiting.stored.document
    before = approval_of(project, text)
    if before is None or not before.is_needed:
        return None  # `run:` in fleet.yaml requires it, and the fleet's records keep it
    return record_statement(project, text, who, statement, reason)


def _require_named(waiting: PlanForApproval, over: Collection[str]) -> None:
    stored = waiting.stored
    left = not_allowed(waiting.plan.exceeded, frozenset(over))
    missing = [one.limit for one in left if one.limit in stored.limits]
    if missing:
        flags = " ".join(f"--over {limit}" for limit in missing)
        raise EngineError(
            f"the plan of {stored.tenant} is over limits of its project: `trueup fleet approve "
            f"{stored.tenant} {flags}` allows it"
        )


def _refuse(connection: Connection, stored: StoredPlan, who: str, reason: str) -> None:
    with translated(), connection.transaction():
        write_answer(connection, stored, NO, who, reason, ())
        _wait_for(connection, stored.tenant, Waits.REFUSED)


def _wait_for(connection: Connection, tenant: str, what: Waits) -> None:
    """Writes what the tenant waits for after the answer; Waits.PERSON stays."""
    connection.execute(
        """
        UPDATE trueup_fleet.tenants
           SET waits = %(what)s, waits_since = CASE WHEN %(what)s <> '' THEN now() END
         WHERE name = %(tenant)s AND waits <> %(person)s
        """,
        {"what": what, "tenant": tenant, "person": Waits.PERSON},
    )
