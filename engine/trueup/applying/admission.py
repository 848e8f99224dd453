"""Decides whether a plan may be applied now: once, and to what it was made for."""

from shlex import quote
from uuid import uuid4

from trueup.applying.job import Job
from trueup.applying.lock import LockHolder
from trueup.applying.run_state import RunState
from trueup.errors import ApprovalMissing, PlanRefused, StalePlan, StateError
from trueup.model.document import loads, loads_complete, plan_id
from trueup.model.finding import Finding, Severity
from trueup.model.plan import GuardExceeded, Plan
from trueup.model.project import Project
from trueup.model.run import Run
from trueup.model.wall_clock import shown_in
from trueup.planning.systems import require_plan_systems, require_same_systems, systems
from trueup.ports.state import History, StateSnapshot
from trueup.ports.world import World
from trueup.stages.approval import lack_text, moved_money, standing
from trueup.stages.guard import guard, not_allowed, set_by_rules


def admit(
    project: Project,
    world: World,
    document: str,
    allowed: frozenset[str],
    who: str,
    lock: LockHolder,
) -> Job:
    """Checks the plan against limits, configuration and state, and opens its run.

    Raises PlanRefused over a limit that is not in `allowed`, ApprovalMissing if the plan needs an
    approval that it does not have, StalePlan or StateError if the plan does not fit, EngineError if
    the document is no complete plan.
    """
    plan, snapshot = loads_complete(document), world.state.load()
    titles = project.catalogue.systems
    require_plan_systems(plan.systems, "this plan", world, titles)
    require_same_systems(snapshot, world, titles)
    _require_same_state(plan, snapshot)
    exceeded = not_allowed(_exceeded(project, plan, snapshot), allowed)
    if exceeded:
        raise PlanRefused(
            [
                Finding(
                    "over-limit",
                    Severity.ERROR,
                    one.text,
                    f"`trueup apply … --over {quote(one.limit)}` allows it",
                )
                for one in exceeded
            ]
        )
    _require_configuration(project, plan, snapshot)
    digest = plan_id(document)
    _require_unused(world, digest)
    _require_current(plan, snapshot)
    if lacks := approval_finding(project, plan, digest, world.state):
        raise ApprovalMissing([lacks])
    run = Run(
        id=uuid4().hex[:12],
        plan_digest=digest,
        plan=document,
        who=who,
        host=lock.lease.host,
        started=world.clock.now(),
        undo_of=plan.undo_of,
        systems={**snapshot.systems, **systems(world)},
    )
    world.state.begin(run, lock.lease)
    return Job(project, world, plan, run.id, RunState(plan, (), snapshot.pushed), lock)


def approval_finding(
    project: Project, plan: Plan, digest: str, history: History, name: str = "PLAN"
) -> Finding | None:
    """Returns what the plan lacks of its approval; None if it may be applied.

    `name` is what `trueup approve` takes in the place of PLAN.
    """
    if project.approval is None:
        return None
    found = standing(project.approval, digest, moved_money(plan.changes), history.audit())
    if not found.lacks:
        return None
    return Finding(
        "approval-missing",
        Severity.ERROR,
        lack_text(found, project.currency),
        f"`trueup approve {name}` approves it, and `trueup approve {name} --ask` asks others to",
    )


def _exceeded(project: Project, plan: Plan, snapshot: StateSnapshot) -> list[GuardExceeded]:
    """Returns the limits that the plan exceeds now: they may have changed since.

    Limits set by rules are taken from the plan: rules use figures that only planning knows.
    """
    linked = snapshot.links.by_entity()
    figures = plan.summary
    exceeded = guard(project.guards, plan.changes, linked, figures.apply_calls, figures.rows_gone)
    return [*exceeded, *set_by_rules(plan.exceeded)]


def _require_configuration(project: Project, plan: Plan, snapshot: StateSnapshot) -> None:
    if plan.project != project.digest:
        raise StalePlan(
            "the configuration has changed since this plan was made, or the plan is of another "
            "project: plan again"
        )
    if snapshot.open_runs:
        run = snapshot.open_runs[-1]
        since = shown_in(run.started, project.zone)
        raise StateError(
            f"run {run.id} of {since} is not finished: `trueup apply --resume` settles it first"
        )


def _require_same_state(plan: Plan, snapshot: StateSnapshot) -> None:
    if (plan.lineage or snapshot.lineage) != snapshot.lineage:
        raise StalePlan(
            "this plan was made for another state, perhaps of another project: plan again here"
        )


def _require_current(plan: Plan, snapshot: StateSnapshot) -> None:
    if plan.serial != snapshot.serial:
        raise StalePlan(
            "the state has moved on since this plan was made "
            f"(serial {plan.serial}, now {snapshot.serial}): plan again"
        )


def _require_unused(world: World, digest: str) -> None:
    for run in world.state.runs():
        if run.plan_digest == digest:
            raise StalePlan(
                f"this plan was applied already, by run {run.id}: "
                "a plan is applied once; plan again"
            )


def reopen(project: Project, world: World, lock: LockHolder) -> Job:
    """Returns the latest open run, with the contents of its journal.

    If the configuration has changed since, the run is only settled. If its plan lacks an approval
    now, because it was withdrawn or the project requires one since, the run is settled too, and
    stays open: the rest is sent once it is approved.
    """
    snapshot = world.state.load()
    if not snapshot.open_runs:
        raise StateError("no run is open: there is nothing to resume")
    run = snapshot.open_runs[-1]
    plan = loads(run.plan)
    require_plan_systems(plan.systems, f"run {run.id}", world, project.catalogue.systems)
    run_state = RunState(plan, world.state.journal(run.id), snapshot.pushed)
    job = Job(project, world, plan, run.id, run_state, lock)
    job.settle_only = plan.project != project.digest
    if lacks := approval_finding(project, plan, run.plan_digest, world.state, run.id):
        job.waits_for = f"{lacks.text}; {lacks.remedy}"
    return job
