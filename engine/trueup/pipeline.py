"""The whole engine, in order. Start reading here.

    load → read source → validate → transform → read target → match → diff → order → guard → PLAN
         → apply → record → write back

`plan` decides everything and writes nothing; `apply` decides nothing and does what the plan says.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from threading import Event

from engine.applying.admission import admit, holding, reopen
from engine.applying.coordinator import Coordinator, Job, Progress
from engine.model.outcome import Outcome
from engine.model.plan import Plan
from engine.model.project import Project
from engine.model.quiet import no_collecting
from engine.planning.align import align
from engine.planning.assemble import assemble
from engine.planning.decided import idle_decisions
from engine.planning.doubt import in_doubt
from engine.planning.draft import Draft
from engine.planning.ledgers import append
from engine.planning.pushes import Pushes
from engine.planning.reading import Records, read_source
from engine.planning.review import review
from engine.planning.selection import select
from engine.planning.tenants import systems, unmixed
from engine.planning.undo import undo
from engine.planning.write_backs import write_backs
from engine.ports import World


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What a plan is asked for."""

    as_of: date | None = None  # default: the project's, else today in the business time zone
    targets: tuple[str, ...] = ()  # MAPPING or MAPPING:KEY; a row's name does as well as its key
    exclude: tuple[str, ...] = ()
    customer: str = ""  # key or name
    undo: str = ""


Tell = Callable[[str], None]
"""Takes what the engine is at, for a progress line."""


@no_collecting()
def plan(project: Project, world: World, options: PlanOptions | None = None, tell: Tell = lambda _: None) -> Plan:
    """Both sides read, compared and put in order. Writes nothing, in neither system.

    Raises SourceError, TargetError, StateError when a side cannot be read: a failed read is never an empty one.
    """
    options = options or PlanOptions()
    as_of = options.as_of or project.as_of or world.clock.now().astimezone(project.zone).date()
    memory = world.state.load()
    unmixed(memory, world)  # a state is about one tenant
    if options.undo:
        return replace(undo(project, world, options.undo, as_of), systems=systems(world))
    before = world.target.calls

    tell("reading Work 365")
    tables = read_source(project, world.source)

    reader = Records(project, world.target, {"settings": project.settings, "plan": {"as_of": as_of}})
    doubt = in_doubt(world.state, memory)
    pushes, rows, gaps = Pushes(world.state), tables.rows, tables.gaps
    draft = Draft(project, world.target, memory, rows, as_of, reader, doubt, pushes, gaps, tables.findings)
    for mapping in project.mappings.values():
        tell(mapping.title)
        if mapping.append:
            append(draft, mapping)  # validate, transform, read units, weigh the ledger, adjust
        else:
            align(draft, mapping)  # validate, transform, read records, match, diff
    for mapping in project.mappings.values():
        write_backs(draft, mapping, world.source.holds)
    draft.findings.extend(idle_decisions(draft))

    part = select(draft, options.targets, options.exclude, options.customer)
    review(draft, part)  # rules on the plan as a whole
    made = assemble(  # order, guard
        draft, described=world.source.describe(), read_calls=world.target.calls - before, part=part
    )
    return replace(made, systems=systems(world))


@dataclass(frozen=True, slots=True)
class ApplyOptions:
    """How a plan is applied."""

    over: frozenset[str] = frozenset()  # limits that somebody allowed to be exceeded
    who: str = ""
    force_reason: str = ""  # takes the lock by force, for this reason
    stop: Event = field(default_factory=Event)  # set it, and nothing more is sent


def apply(
    project: Project,
    world: World,
    document: str,
    options: ApplyOptions | None = None,
    watch: Callable[[Progress], None] = lambda _: None,
) -> Outcome:
    """Does what the plan document says, once. Decides nothing: what has moved since is held and named.

    Raises PlanRefused over a limit, StalePlan when configuration or state moved or the plan was applied before,
    StateLocked while another run is at work. What becomes of each change is in the outcome, never raised.
    """
    options = options or ApplyOptions()
    with holding(world, options.who, options.force_reason) as lease:
        job = admit(project, world, document, options.over, options.who, lease)
        job.stop, job.watch = options.stop, watch
        return _run(job)


def resume(
    project: Project,
    world: World,
    options: ApplyOptions | None = None,
    watch: Callable[[Progress], None] = lambda _: None,
) -> Outcome:
    """Takes up the run that was killed, stopped or left in doubt: settles by reading, then does what is left of it.

    Raises StateError where no run is open.
    """
    options = options or ApplyOptions()
    with holding(world, options.who, options.force_reason) as lease:
        job = reopen(project, world, lease)
        job.stop, job.watch = options.stop, watch
        return _run(job)


def _run(job: Job) -> Outcome:
    return replace(Coordinator(job).run(), undo_of=job.plan.undo_of)
