"""May this plan be applied now? It is a single-use promise, made for this configuration and this state."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from uuid import uuid4

from engine.applying.book import Book
from engine.applying.coordinator import Holder, Job
from engine.errors import PlanRefused, StalePlan, StateError, StateLocked
from engine.model.document import digest, loads
from engine.model.finding import Finding, Severity
from engine.model.plan import GuardExceeded, Plan
from engine.model.project import Project
from engine.model.run import Run
from engine.planning.tenants import intended, systems, unmixed
from engine.ports import Memory, World
from engine.stages.guard import by_rules, guard, over

MINIMUM_BEAT = 0.05
"""Seconds; tests use short leases."""


@contextmanager
def holding(world: World, who: str, force_reason: str = "") -> Iterator[Holder]:
    """The lock, kept alive by a heartbeat until the block ends. Raises StateLocked."""
    holder = Holder(world, world.state.acquire(who or "somebody", reason=force_reason))
    ended = Event()
    beat = Thread(target=_beat, args=(holder, ended), name="heartbeat", daemon=True)
    beat.start()
    try:
        yield holder
    finally:
        ended.set()
        beat.join()
        world.state.release(holder.lease)


def _beat(holder: Holder, ended: Event) -> None:
    """Renews at a third of the lease's length. A lost lock is found out by the guard before the next send."""
    while not ended.wait(max(MINIMUM_BEAT, holder.beat)):
        try:
            holder.renew()
        except StateLocked:
            return


def admit(project: Project, world: World, document: str, allowed: frozenset[str], who: str, lease: Holder) -> Job:
    """Checks the plan against limits, configuration and state, and opens its run."""
    plan, memory = loads(document), world.state.load()
    intended(plan.systems, "this plan", world)
    unmixed(memory, world)
    left = over(_exceeded(project, plan, memory), allowed)
    if left:
        raise PlanRefused(
            [Finding("over-limit", Severity.ERROR, one.text, f"`--over {one.limit}` allows it") for one in left]
        )
    _fits(project, plan, memory)
    _unused(world, digest(document))
    _current(plan, memory)
    run = Run(
        id=uuid4().hex[:12],
        plan_digest=digest(document),
        plan=document,
        who=who,
        host=lease.lease.host,
        started=world.clock.now(),
        undo_of=plan.undo_of,
        systems={**memory.systems, **systems(world)},
    )
    world.state.begin(run, lease.lease)
    return Job(project, world, plan, run.id, Book(plan, (), memory.pushed), lease, Event(), lambda _: None)


def _exceeded(project: Project, plan: Plan, memory: Memory) -> list[GuardExceeded]:
    """The limits that the plan is over as they are now: they may be others than when it was made.

    What rules said of the plan is in the plan: they see figures that only planning knows.
    """
    linked = Counter(link.entity for link in memory.links.values())
    return [*guard(project.guards, plan.changes, linked, plan.summary.apply_calls), *by_rules(plan.exceeded)]


def _fits(project: Project, plan: Plan, memory: Memory) -> None:
    if plan.project != project.digest:
        raise StalePlan("the configuration has changed since this plan was made: plan again")
    if memory.open_runs:
        run = memory.open_runs[-1]
        since = f"{run.started:%Y-%m-%d %H:%M} UTC"
        raise StateError(f"run {run.id} of {since} is not finished: `trueup apply --resume` settles it first")


def _current(plan: Plan, memory: Memory) -> None:
    if (plan.lineage or memory.lineage) != memory.lineage:
        raise StalePlan("this plan was made for another state file: plan again")
    if plan.serial != memory.serial:
        raise StalePlan(
            f"the state has moved on since this plan was made (serial {plan.serial}, now {memory.serial}): plan again"
        )


def _unused(world: World, plan_digest: str) -> None:
    for run in world.state.runs():
        if run.plan_digest == plan_digest:
            raise StalePlan(f"this plan was applied already, by run {run.id}: a plan is applied once; plan again")


def reopen(project: Project, world: World, lease: Holder) -> Job:
    """The latest open run, with all that its journal knows; to be settled only, where it may not go on."""
    memory = world.state.load()
    if not memory.open_runs:
        raise StateError("no run is open: there is nothing to resume")
    run = memory.open_runs[-1]
    plan = loads(run.plan)
    intended(plan.systems, f"run {run.id}", world)
    book = Book(plan, world.state.journal(run.id), memory.pushed)
    job = Job(project, world, plan, run.id, book, lease, Event(), lambda _: None)
    job.settle_only = plan.project != project.digest
    return job
