"""The whole engine, in order. Start reading here.

    read source → rules and fields → read target → match → diff → order → guard → PLAN
         → check → apply → prove → record → write back

`plan` decides everything and writes nothing; `apply` decides nothing and does what the plan says.
Users call the operations (`trueup.operations`), which add checks of the project and of the tenant.
A plan loads nothing of what applies or reverses one.
"""

from collections.abc import Callable
from datetime import date
from functools import cache
from threading import Event
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from trueup.errors import EngineError, RunLeftOpen, StateError, StateLocked
from trueup.model.arguments import require, require_string, require_text, require_texts
from trueup.model.days import LAST_YEAR
from trueup.model.gc_pause import gc_paused, gc_spared
from trueup.model.plan import Plan
from trueup.model.progress import Progress, Watch, no_watch
from trueup.model.project import Project
from trueup.model.record_snapshot import RecordSnapshot
from trueup.planning.assemble import assemble
from trueup.planning.call_costs import apply_calls, catch_up_calls, next_calls
from trueup.planning.context import PlanContext
from trueup.planning.explained_parts import ExplainedParts
from trueup.planning.in_doubt import find_in_doubt, open_run_findings
from trueup.planning.known_records import records_read
from trueup.planning.ledger.reconcile import reconcile
from trueup.planning.other_states import other_state_findings
from trueup.planning.plan_rules import apply_plan_rules
from trueup.planning.pushed_changes import PushedChanges
from trueup.planning.reading import Records, read_source
from trueup.planning.records.align import align
from trueup.planning.records.write_backs import write_backs
from trueup.planning.row_progress import RowProgress
from trueup.planning.selection.early_check import require_known_mappings, require_known_rows
from trueup.planning.selection.select import SelectionRequest, select
from trueup.planning.systems import require_same_systems
from trueup.planning.unused_decisions import unused_decisions
from trueup.ports.world import World

if TYPE_CHECKING:
    from trueup.applying.job import Job
    from trueup.model.outcome import CallsNeeded, Outcome


class PlanOptions(Struct, frozen=True):
    """The options of a plan."""

    as_of: date | None = None  # default: the project's, else today in the business time zone
    targets: tuple[str, ...] = ()  # MAPPING or MAPPING:KEY; a row's name may stand for its key
    exclude: tuple[str, ...] = ()  # the same
    customer: str | None = None  # key or name
    undo: str | None = None  # the run that is to be undone; the options above do not apply then
    explained: bool = False  # keeps what the plan was made from; that takes memory
    keep_records: bool = False  # keeps the records that were read, for searches

    def __post_init__(self) -> None:
        """Raises EngineError for values that no plan can have.

        A point in time is a date for a type checker; an empty text would mean a plan of everything.
        """
        if self.as_of is not None and type(self.as_of) is not date:
            raise EngineError(f"as_of is {self.as_of!r}: give a date without a time")
        if self.as_of is not None and self.as_of.year > LAST_YEAR:
            raise EngineError(f"as_of is {self.as_of}, which is after the year {LAST_YEAR}")
        require_texts("targets", self.targets)
        require_texts("exclude", self.exclude)
        for name, text in (("customer", self.customer), ("undo", self.undo)):
            if text is not None:
                require_text(name, text)
        require("explained", self.explained, bool)
        require("keep_records", self.keep_records, bool)


Report = Callable[[str], None]
"""Takes what the engine is doing now, for a progress line."""


def no_report(step: str) -> None:
    """Ignores what the engine is doing."""
    del step


class Planned(Struct, frozen=True):
    """A plan with what it was made from, for explaining it."""

    plan: Plan
    context: PlanContext | None  # None for a plan that is not to be explained, and an undo
    records: RecordSnapshot | None = None  # None if they are not to be kept, and for an undo


def plan(
    project: Project,
    world: World,
    options: PlanOptions | None = None,
    report: Report = no_report,
) -> Plan:
    """Reads and compares both sides. Writes nothing, in neither system.

    Raises SourceError, TargetError or StateError if a side cannot be read: a failed read is
    never an empty one. Raises EngineError for a selection that names no row, or several.
    """
    return plan_with_context(project, world, options, report).plan


@gc_paused()
def plan_with_context(
    project: Project,
    world: World,
    options: PlanOptions | None = None,
    report: Report = no_report,
    watch: Watch = no_watch,
) -> Planned:
    """As `plan`, with what the plan was made from, if the options ask for it.

    `watch` takes how many rows are done, where there are many.
    """
    options = options or PlanOptions()
    as_of = options.as_of or project.as_of or world.clock.now().astimezone(project.zone).date()
    snapshot = world.state.load()
    systems = project.catalogue.systems
    require_same_systems(snapshot, world, systems)
    if options.undo:
        from trueup.planning.undo.plan import undo

        return Planned(undo(project, world, options.undo, as_of), None)
    request = SelectionRequest(options.targets, options.exclude, options.customer or "")
    require_known_mappings(project, request)
    calls_before = world.target.calls

    report(f"reading {systems.source}")
    tables = read_source(project, world.source)
    base = {"settings": project.settings, "plan": {"as_of": as_of}}
    context = PlanContext(
        project=project,
        target=world.target,
        snapshot=snapshot,
        tables=tables.rows,
        as_of=as_of,
        reader=Records(project, world.target, base),
        in_doubt=find_in_doubt(world.state, snapshot),
        pushed_changes=PushedChanges(world.state),
        decimal_places=cache(world.source.decimal_places),
        unreadable=tables.unreadable,
        findings=[*open_run_findings(world.state, snapshot, project.zone), *tables.findings],
        explained=ExplainedParts(is_wanted=options.explained),
        row_progress=RowProgress(
            sum(len(tables.rows[one.source.table]) for one in project.mappings.values()),
            lambda done, total, title: watch(Progress(done, total, title)),
        ),
    )
    require_known_rows(context, request)
    for mapping in project.mappings.values():
        report(mapping.title)
        if mapping.append:
            reconcile(context, mapping)  # rules and fields, read units, compare, adjust
        else:
            align(context, mapping)  # rules and fields, read records, match, diff
    for mapping in project.mappings.values():
        write_backs(context, mapping, world.source.id_entity_of)
    context.findings.extend(unused_decisions(context))
    context.findings.extend(other_state_findings(context, world.state))

    part = select(context, request)
    apply_plan_rules(context, part)
    context.rules.require_all_evaluated()
    made = assemble(context, world, calls_before, part)  # order, guard
    records = records_read(context, world.clock.now()) if options.keep_records else None
    return Planned(made, context if options.explained else None, records)


class ApplyOptions(Struct, frozen=True):
    """How a plan is applied."""

    over: frozenset[str] = frozenset()  # limits that a person allowed to be exceeded
    who: str = ""
    force_reason: str = ""  # takes the lock by force, for this reason
    max_calls: int | None = None  # API calls that the run may use; the connector stops it before
    stop: Event = field(default_factory=Event)  # once set, nothing more is sent

    def __post_init__(self) -> None:
        """Raises EngineError for values that no run can have."""
        require_texts("over", self.over)
        require_string("who", self.who)
        require_string("force_reason", self.force_reason)
        if self.force_reason:
            require_text("force_reason", self.force_reason)
        require("stop", self.stop, Event)
        if self.max_calls is not None and (type(self.max_calls) is not int or self.max_calls < 1):
            raise EngineError(f"max_calls is {self.max_calls!r}: give a whole number from 1 on")


def apply(
    project: Project,
    world: World,
    document: str,
    options: ApplyOptions | None = None,
    watch: Watch = no_watch,
) -> "Outcome":
    """Does what the plan document says, once. What has moved since planning is held and named.

    Raises PlanRefused over a limit, ApprovalMissing without an approval that it needs, StalePlan
    if configuration or state moved or the plan was applied before, StateLocked while another run
    is at work, RunLeftOpen if the state fails or the lock is lost once the run has begun. What
    becomes of each change is in the outcome, never raised.
    """
    from trueup.applying.admission import admit
    from trueup.applying.lock import hold_lock

    options = options or ApplyOptions()
    with (
        hold_lock(world, options.who, options.force_reason) as lock,
        gc_spared(lambda: admit(project, world, document, options.over, options.who, lock)) as job,
    ):
        return _run(job, options, watch)


def resume(
    project: Project,
    world: World,
    options: ApplyOptions | None = None,
    watch: Watch = no_watch,
) -> "Outcome":
    """Continues the run that was killed, stopped or left in doubt.

    What is in doubt is settled by reading; then what is left is done. Raises StateError if no
    run is open, StateLocked and RunLeftOpen as `apply` does.
    """
    from trueup.applying.admission import reopen
    from trueup.applying.lock import hold_lock

    options = options or ApplyOptions()
    with (
        hold_lock(world, options.who, options.force_reason) as lock,
        gc_spared(lambda: reopen(project, world, lock)) as job,
    ):
        return _run(job, options, watch)


def _run(job: "Job", options: ApplyOptions, watch: Watch) -> "Outcome":
    from trueup.applying.runner import Runner

    job.stop, job.watch, job.counts_calls = options.stop, watch, options.max_calls is not None
    try:
        outcome = Runner(job).run()
    except StateLocked as lost:
        raise RunLeftOpen(
            f"{lost}. Run {job.run} was left, and what it may have sent is in doubt: unless the "
            "process that took the lock does, `trueup apply --resume` settles that and goes on"
        ) from lost
    except StateError as fault:
        raise RunLeftOpen(
            f"{fault}. Run {job.run} is open, and what it may have sent is in doubt: once the "
            "state can be written, `trueup apply --resume` settles that and goes on"
        ) from fault
    if options.max_calls and outcome.stopped and outcome.remaining:
        return replace(outcome, calls_needed=_calls_needed(job))
    return outcome


def _calls_needed(job: "Job") -> "CallsNeeded":
    """Returns what a run needs that stopped with a limit on its calls."""
    from trueup.model.outcome import CallsNeeded

    run_state, batch, costs = job.run_state, job.project.batch, job.world.target.call_costs
    left = run_state.waiting()
    catch_up = catch_up_calls(run_state.unread(), run_state.in_doubt(), costs)
    return CallsNeeded(
        next=catch_up + next_calls(left, batch, costs),
        rest=catch_up + apply_calls(left, batch, {}, costs),
    )
