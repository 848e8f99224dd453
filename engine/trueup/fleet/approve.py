"""Says yes or no to the plan of a tenant that waits for a person; a yes queues its apply."""

from collections.abc import Collection
from dataclasses import dataclass, field

from trueup.errors import EngineError
from trueup.fleet.connection import Connection, translated
from trueup.fleet.open_fleet import OpenFleet, require_tenants
from trueup.fleet.schedule import request_runs
from trueup.fleet.stored_plans import NO, YES, KeptPlan, kept_plan, write_answer
from trueup.fleet.tenant_project import load_tenant_project
from trueup.model import document
from trueup.model.approval import ApprovalStanding, Statement
from trueup.model.fleet_run import RunKind, Waits
from trueup.model.plan import Plan
from trueup.model.project import Project
from trueup.operations.approve import approval_of, state_approval
from trueup.render.approval import need_text


@dataclass(frozen=True, slots=True)
class Waiting:
    """A plan that waits for a person, with what is needed to look at it."""

    kept: KeptPlan = field(repr=False)
    plan: Plan = field(repr=False)
    project: Project = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of an answer."""

    is_queued: bool  # the plan is applied by the next free worker
    text: str  # why not


def waiting_plan(opened: OpenFleet, connection: Connection, tenant: str) -> Waiting:
    """The plan of a tenant that waits. Raises EngineError if none does."""
    require_tenants(connection, (tenant,))
    kept = kept_plan(connection, tenant)
    if kept is None:
        raise EngineError(f"no plan of {tenant} waits: `trueup fleet status {tenant}` says why")
    fleet = opened.fleet
    project = load_tenant_project(fleet, fleet.tenants[tenant], database=opened.url)
    return Waiting(kept, document.loads(kept.document), project)


def answer(  # noqa: PLR0913, PLR0917 -- who says what about what
    opened: OpenFleet,
    connection: Connection,
    waiting: Waiting,
    who: str,
    statement: Statement,
    reason: str = "",
    over: Collection[str] = (),
) -> Answered:
    """Writes what `who` says about the plan; a yes queues its apply where nothing else is missing.

    `over` names the limits of the project that may be exceeded. Raises EngineError if a limit is
    not named, or `who` may not say that.
    """
    kept = waiting.kept
    if statement is Statement.YES:
        _require_named(kept, over)
    standing = _stated(waiting, who, statement, reason)
    if statement is not Statement.YES:
        _refuse(connection, kept, who, reason)
        return Answered(
            is_queued=False, text="its plan is refused, and waits for the next other one"
        )
    if standing is not None and standing.lacks:
        need = need_text(standing, waiting.project.currency)
        return Answered(is_queued=False, text=f"it is not applied yet: {need}")
    with translated(), connection.transaction():
        write_answer(connection, kept, YES, who, reason, over)
        _wait_for(connection, kept.tenant, Waits.NOTHING)
        request_runs(connection, opened.queue, [kept.tenant], RunKind.APPROVED)
    return Answered(is_queued=True, text="")


def _stated(
    waiting: Waiting, who: str, statement: Statement, reason: str
) -> ApprovalStanding | None:
    """Writes the statement into the tenant's own history, where its project asks for approvals."""
    project, text = waiting.project, waiting.kept.document
    before = approval_of(project, text)
    if before is None or not before.is_needed:
        return None  # the fleet's policy asks for a yes, and its records keep who gave it
    return state_approval(project, text, who, statement, reason)


def _require_named(kept: KeptPlan, over: Collection[str]) -> None:
    kinds = {limit: limit.partition(":")[0] for limit in kept.limits}
    missing = [limit for limit, kind in kinds.items() if not {limit, kind} & set(over)]
    if missing:
        flags = " ".join(f"--over {limit}" for limit in missing)
        raise EngineError(
            f"the plan of {kept.tenant} is over limits of its project: `trueup fleet approve "
            f"{kept.tenant} {flags}` allows it"
        )


def _refuse(connection: Connection, kept: KeptPlan, who: str, reason: str) -> None:
    with translated(), connection.transaction():
        write_answer(connection, kept, NO, who, reason, ())
        _wait_for(connection, kept.tenant, Waits.REFUSED)


def _wait_for(connection: Connection, tenant: str, what: Waits) -> None:
    """Writes what the tenant waits for after the answer; one that needs a person still does."""
    connection.execute(
        """
        UPDATE trueup_fleet.tenants
           SET waits = %(what)s, waits_since = CASE WHEN %(what)s <> '' THEN now() END
         WHERE name = %(tenant)s AND waits <> %(person)s
        """,
        {"what": what, "tenant": tenant, "person": Waits.PERSON},
    )
