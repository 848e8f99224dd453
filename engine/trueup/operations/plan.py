"""Makes plans, checked against the tenant. Nothing is written in either system."""

from msgspec.structs import replace

from trueup import pipeline, wiring
from trueup.errors import ConfigError, TargetRejected
from trueup.model.arguments import require, require_text
from trueup.model.finding import Severity
from trueup.model.finding_codes import OPEN_RUN
from trueup.model.plan import Plan
from trueup.model.project import Project
from trueup.model.record_snapshot import RecordSnapshot
from trueup.operations import record_copy
from trueup.operations.arguments import require_common
from trueup.operations.fixed_day import stale_day
from trueup.operations.listener import SILENT, Listener
from trueup.operations.notify import announce_plan
from trueup.pipeline import Planned, PlanOptions
from trueup.planning.tenant_checks import unknown_fields, unknown_periods, unnamed_periods
from trueup.ports.target import CachePolicy
from trueup.ports.world import World

_FROM_METADATA = frozenset(
    {"value-does-not-fit", "expression-failed", "unknown-name", "price-unknown"}
)
"""Codes of findings that a picklist, a length or a flag of the tenant may be the reason of."""


def plan(
    project: Project,
    options: PlanOptions | None = None,
    listener: Listener = SILENT,
    *,
    keep: bool = True,
    fresh: bool = False,
) -> Plan:
    """Returns the plan: what the target lacks, and what apply would do about it.

    The records that were read are kept for searches, and a complete plan for the present day sends
    notices. With `keep` false nothing is sent, and nothing of the plan or the target is kept on
    this machine; the rows of a Dataverse are (`source.cache`), because otherwise each such plan
    would load every table in full. The target's metadata may be kept from an earlier plan, if it is
    recent and nothing contradicts it; not if `fresh` is true or `keep` is false. The same holds for
    records, if the project is configured to read only what changed, and the plan is no undo. With
    `fresh`, the rows of a Dataverse are loaded in full as well.

    Raises ConfigError, with places, if mappings name what the tenant does not have, and EngineError
    if a side cannot be read, or the options name no row, or several.
    """
    require_common(project, listener, options)
    require("keep", keep, bool)
    require("fresh", fresh, bool)
    options = replace(options or PlanOptions(), keep_records=keep)
    metadata = CachePolicy.RENEWED if fresh else CachePolicy.USED
    if not keep:
        metadata = CachePolicy.IGNORED
    records = CachePolicy.IGNORED if options.undo else metadata
    with wiring.open_world(project, metadata=metadata, records=records, refresh=fresh) as world:
        planned = planned_in(world, project, options, listener)
    if planned.records:
        _keep(project, planned.records, listener)
    if keep and options == PlanOptions(keep_records=True):
        announce_plan(project, planned.plan, listener)
    return planned.plan


def _keep(project: Project, records: RecordSnapshot, listener: Listener) -> None:
    """Keeps the records for searches; a failure is only reported."""
    try:
        record_copy.keep(project, records)
    except OSError as error:
        name = record_copy.name_of(project)
        listener.notice(f"{name} cannot be written: {error.strerror}; searches read the target")


def undo(project: Project, run: str, listener: Listener = SILENT) -> Plan:
    """Returns the reverse of a run as a plan, as far as the target allows one.

    Raises StateError if there is no such run, or it cannot be undone now, and EngineError for an
    empty text, which would otherwise give the plan of everything.
    """
    require_text("run", run)
    return plan(project, PlanOptions(undo=run), listener)


def plan_in(
    world: World,
    project: Project,
    options: PlanOptions | None = None,
    listener: Listener = SILENT,
) -> Plan:
    """As `plan`, with open connectors."""
    return planned_in(world, project, options, listener).plan


def planned_in(
    world: World,
    project: Project,
    options: PlanOptions | None = None,
    listener: Listener = SILENT,
) -> Planned:
    """As `plan_in`, with what the plan was made from, if the options ask for it.

    If the target's metadata has changed since it was kept, the plan is made again.
    """
    options = options or PlanOptions()
    calls_before = world.target.calls
    try:
        planned = _planned(world, project, options, listener)
        if not world.target.renew(_in_doubt(project, planned.plan)):
            return _noticed(planned, world, listener)
    except (ConfigError, TargetRejected):
        if not world.target.renew(_entities(project)):
            raise
    planned = _planned(world, project, options, listener)
    calls = world.target.calls + world.target.spared - calls_before
    summary = replace(planned.plan.summary, read_calls=calls)
    planned = replace(planned, plan=replace(planned.plan, summary=summary))
    return _noticed(planned, world, listener)


def _noticed(planned: Planned, world: World, listener: Listener) -> Planned:
    for notice in world.source.notices:
        listener.notice(notice)
    for notice in world.target.notices:
        listener.step(notice)  # of most plans, so it is shown to those who want details
    return planned


def _entities(project: Project) -> set[str]:
    return {mapping.target.entity for mapping in project.mappings.values()}


def _in_doubt(project: Project, plan: Plan) -> set[str]:
    """Returns entities whose kept metadata lacks something that the plan needs."""
    findings = [*plan.findings, *(finding for row in plan.blocked for finding in row.findings)]
    named = {finding.mapping for finding in findings if finding.code in _FROM_METADATA}
    mappings = [project.mappings[name] for name in named & project.mappings.keys()]
    entities = {mapping.target.entity for mapping in mappings}
    for mapping in mappings:
        if mapping.ledger and mapping.ledger.price:
            owner = mapping.ledger.price.per.mapping
            entities.add(project.mappings[owner or mapping.name].target.entity)
    return entities


def _planned(world: World, project: Project, options: PlanOptions, listener: Listener) -> Planned:
    try:
        planned = pipeline.plan_with_context(
            project, world, options, listener.step, listener.progress
        )
    except TargetRejected as refusal:
        if unknown := unknown_fields(project, world.target):
            raise ConfigError(unknown) from refusal
        raise
    made = planned.plan
    if options.undo:
        return planned
    periods = unknown_periods(project, world.target)
    if errors := [period for period in periods if period.severity is Severity.ERROR]:
        raise ConfigError(errors)
    if _lacks_prices(made):
        periods += unnamed_periods(project, world.target)
    opened = [finding for finding in made.findings if finding.code == OPEN_RUN]
    others = [finding for finding in made.findings if finding.code != OPEN_RUN]
    stale = () if options.as_of else stale_day(project, world.clock)
    findings = (*opened, *stale, *project.warnings, *periods, *others)
    return replace(planned, plan=replace(made, findings=findings))


def _lacks_prices(plan: Plan) -> bool:
    """Returns whether anything is billed whose price is unknown."""
    unpriced = any(line.price is None and (line.quantity or line.units) for line in plan.ledger)
    return bool(plan.summary.prices_unknown) or unpriced
