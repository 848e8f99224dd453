"""A new plan, as commands make one: with what of the project's files is left out, and what the tenant does not know."""

from collections.abc import Sequence
from dataclasses import replace

from engine import pipeline
from engine.errors import ConfigError, TargetRejected
from engine.model.finding import Finding, Severity
from engine.model.plan import Plan
from engine.model.project import Project
from engine.pipeline import PlanOptions, Tell
from engine.planning.checkup import unknown_fields, unknown_periods, unnamed_periods
from engine.ports import World


def planned(project: Project, said: Sequence[Finding], world: World, options: PlanOptions, tell: Tell) -> Plan:
    """The plan. `said` of the project's files stands in it too.

    Raises ConfigError, with places, where mappings name what the tenant does not have; else as the pipeline does.
    """
    try:
        plan = pipeline.plan(project, world, options, tell)
    except TargetRejected as refusal:
        if unknown := unknown_fields(project, world.target):
            raise ConfigError(unknown) from refusal
        raise
    if options.undo:
        return plan
    periods = unknown_periods(project, world.target)
    if faults := [one for one in periods if one.severity is Severity.ERROR]:
        raise ConfigError(faults)
    if _unpriced(plan):
        periods += unnamed_periods(project, world.target)
    return replace(plan, findings=(*said, *periods, *plan.findings))


def _unpriced(plan: Plan) -> bool:
    """Is anything billed of which nobody knows the price?"""
    lacks = any(line.price is None and (line.quantity or line.units) for line in plan.ledger)
    return bool(plan.summary.prices_unknown) or lacks
