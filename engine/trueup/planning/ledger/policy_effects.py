"""Determines which parts of policies make a difference in a plan, for the coverage of tests."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from msgspec.structs import replace

from trueup.expressions import EVALUATION_ERRORS, evaluate
from trueup.model.coerce import to_number
from trueup.model.finding import Place
from trueup.model.mapping import MappingSpec, PolicyPart, Value
from trueup.model.plan import LedgerLine, Plan
from trueup.planning.context import PlanContext
from trueup.planning.ledger.policies import ABOVE_CEILING, Policies, Policy
from trueup.stages.ledger import ServiceLedger

_WITHOUT: Mapping[PolicyPart, Mapping[str, object]] = {
    PolicyPart.INCLUDED: {"included": Decimal(0)},
    PolicyPart.MINIMUM: {"minimum": Decimal(0)},
    PolicyPart.ROUNDING: {"rounding": None},
}
"""What a policy has instead, where a part of it is not set."""


def policy_effects(context: PlanContext, plan: Plan) -> frozenset[Place]:
    """Returns the places of the parts that decide units, days, holds or credits of a row.

    `context` must hold the ledgers of the plan: `PlanOptions.explained`.
    """
    found: set[Place] = set()
    for line in plan.ledger:
        mapping = context.project.mappings[line.mapping]
        known = context.explained.ledger_of(line)
        if not mapping.policy or not known or line.key not in context.states[mapping.name].rows:
            continue
        policies = Policies(context, mapping)
        parts = policies.parts(line.key, line.under)
        policy = policies.of(line.key, line.under)
        reached = {
            *_by_changes(known),
            *_by_quantity(context, mapping, line, policy),
            *_by_holds_and_credits(plan, mapping, line, known, policy),
        }
        found |= {value.place for part, value in parts.items() if part in reached}
    return frozenset(found)


def _by_changes(known: ServiceLedger) -> Iterator[PolicyPart]:
    """Returns increase and decrease, each of which gives the day of a change."""
    for change in known.changes:
        if change.step_units:
            yield PolicyPart.INCREASE if change.step_units > 0 else PolicyPart.DECREASE


def _by_quantity(
    context: PlanContext, mapping: MappingSpec, line: LedgerLine, policy: Policy
) -> Iterator[PolicyPart]:
    """Returns parts without which the row's quantity would give other units."""
    quantity = _quantity(context, line, mapping.ledger.quantity) if mapping.ledger else None
    if quantity is None or policy.failed:
        return
    for part, without in _WITHOUT.items():
        if replace(policy, **without).units(quantity) != policy.units(quantity):
            yield part


def _quantity(context: PlanContext, line: LedgerLine, value: Value) -> Decimal | None:
    """The row's quantity before its policy; None if it cannot be evaluated."""
    try:
        return to_number(evaluate(value.raw, context.names(line.mapping, line.key)))
    except EVALUATION_ERRORS:
        return None  # the plan has a finding about it


def _by_holds_and_credits(
    plan: Plan, mapping: MappingSpec, line: LedgerLine, known: ServiceLedger, policy: Policy
) -> Iterator[PolicyPart]:
    if any(one.code == ABOVE_CEILING for one in line.held):
        yield PolicyPart.CEILING
    keys = {change.key for change in known.changes}
    pending = mapping.ledger.pending if mapping.ledger else ""
    if policy.refund and any(
        change.lost is not None and change.lost < 0
        for change in plan.changes
        if change.mapping == pending and keys & {*change.keys}
    ):
        yield PolicyPart.REFUND
