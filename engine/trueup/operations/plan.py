"""Plans: what apply would do, checked against the tenant. Nothing is written in either system."""

from dataclasses import replace

from trueup import pipeline, wiring
from trueup.errors import ConfigError, TargetRejected
from trueup.model.finding import Severity
from trueup.model.plan import Plan
from trueup.model.project import Project
from trueup.model.record_snapshot import RecordSnapshot
from trueup.operations import record_copy
from trueup.operations.fixed_day import stale_day
from trueup.operations.listener import SILENT, Listener
from trueup.operations.notify import announce_plan
from trueup.pipeline import Planned, PlanOptions
from trueup.planning.in_doubt import OPEN_RUN
from trueup.planning.tenant_checks import unknown_fields, unknown_periods, unnamed_periods
from trueup.ports import World


def plan(
    project: Project,
    options: PlanOptions | None = None,
    listener: Listener = SILENT,
    *,
    keep: bool = True,
) -> Plan:
    """What the target lacks, and what apply would do about it.

    The records that were read are kept for searches, and a plan of everything for its own day sends
    notices, unless `keep` is false: nothing is written or sent then, neither in the systems nor on
    this machine.

    Raises ConfigError, with places, where mappings name what the tenant does not have, and
    EngineError where a side cannot be read, or the options name no row, or several.
    """
    options = replace(options or PlanOptions(), remembered=keep)
    with wiring.open_world(project) as world:
        planned = planned_in(world, project, options, listener)
    if planned.records:
        _keep(project, planned.records, listener)
    if keep and options == PlanOptions(remembered=True):
        announce_plan(project, planned.plan, listener)
    return planned.plan


def _keep(project: Project, records: RecordSnapshot, listener: Listener) -> None:
    """Keeps the records for searches, which go without where that is not possible."""
    try:
        record_copy.keep(project, records)
    except OSError as error:
        name = record_copy.NAME
        listener.notice(f"{name} cannot be written: {error.strerror}; searches ask the target")


def undo(project: Project, run: str, listener: Listener = SILENT) -> Plan:
    """The reverse of a run as a plan, as far as the target allows one.

    Raises StateError where there is no such run, or it cannot be undone now.
    """
    return plan(project, PlanOptions(undo=run), listener)


def plan_in(
    world: World,
    project: Project,
    options: PlanOptions | None = None,
    listener: Listener = SILENT,
) -> Plan:
    """As `plan`, with connectors that are open already."""
    return planned_in(world, project, options, listener).plan


def planned_in(
    world: World,
    project: Project,
    options: PlanOptions | None = None,
    listener: Listener = SILENT,
) -> Planned:
    """The same, with what the plan was made from, if the options ask for it."""
    options = options or PlanOptions()
    try:
        planned = pipeline.plan_with_context(project, world, options, listener.step)
    except TargetRejected as refusal:
        if unknown := unknown_fields(project, world.target):
            raise ConfigError(unknown) from refusal
        raise
    for notice in world.source.notices:
        listener.notice(notice)
    made = planned.plan
    if options.undo:
        return planned
    periods = unknown_periods(project, world.target)
    if errors := [one for one in periods if one.severity is Severity.ERROR]:
        raise ConfigError(errors)
    if _lacks_prices(made):
        periods += unnamed_periods(project, world.target)
    opened = [one for one in made.findings if one.code == OPEN_RUN]
    others = [one for one in made.findings if one.code != OPEN_RUN]
    stale = () if options.as_of else stale_day(project, world.clock)
    findings = (*opened, *stale, *project.warnings, *periods, *others)
    return replace(planned, plan=replace(made, findings=findings))


def _lacks_prices(plan: Plan) -> bool:
    """Whether anything is billed whose price is unknown."""
    unpriced = any(line.price is None and (line.quantity or line.units) for line in plan.ledger)
    return bool(plan.summary.prices_unknown) or unpriced
