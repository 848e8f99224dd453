"""A line of the ledger: both sides, the policy, what is pending, and where the price comes from."""

from collections.abc import Iterable

from trueup.model.change import NO_TERMS
from trueup.model.evaluation import SourceRow
from trueup.model.explanation import (
    Formula,
    LedgerExplanation,
    PendingExplanation,
    PolicyExplanation,
)
from trueup.model.mapping import LedgerSpec, MappingSpec
from trueup.model.plan import LedgerLine, Plan
from trueup.model.record_value import RecordValue
from trueup.planning.context import PlanContext
from trueup.planning.explaining.formulas import formula
from trueup.planning.ledger.policies import Policies
from trueup.planning.ledger.terms import ServiceTermsReader
from trueup.stages.ledger import ServiceLedger


def explain_line(context: PlanContext, plan: Plan, line: LedgerLine) -> LedgerExplanation | None:
    """Returns a line of the plan's ledger; None if its mapping keeps no ledger any more."""
    mapping = context.project.mappings.get(line.mapping)
    if mapping is None or mapping.ledger is None:
        return None
    known = context.explained.ledger_of(line)
    prices, per = _prices(context, mapping, mapping.ledger, line, known)
    return LedgerExplanation(
        line=line,
        quantity=_quantity(context, mapping, mapping.ledger, line.key),
        counts_as_zero=_why_zero(context, line),
        policy=tuple(_policy(context, mapping, line)),
        units_entity=mapping.ledger.units.entity,
        units=known.rows_read if known else (),
        pending=tuple(_pending(context, plan, line, known, mapping.ledger.pending))
        if known
        else (),
        prices=prices,
        per=per,
        terms=known.terms if known else NO_TERMS,
    )


def _quantity(
    context: PlanContext, mapping: MappingSpec, spec: LedgerSpec, key: str
) -> Formula | None:
    if not key or not context.states[mapping.name].has(key):
        return None
    return formula(context, mapping, spec.quantity, context.names(mapping.name, key))


def _why_zero(context: PlanContext, line: LedgerLine) -> str:
    """Returns why the quantity is 0 in spite of its expression; "" if its expression gives it."""
    state = context.states[line.mapping]
    if not line.key:
        return "no row is linked to it"
    if not state.has(line.key):
        return "its row is gone"
    if line.key in state.out_of_scope:
        return "its row is out of scope"
    if line.key in state.skipped_because:
        mapping, key = state.skipped_because[line.key]
        return f"it is left out with {mapping} {context.label(mapping, key)}"
    return ""


def _policy(
    context: PlanContext, mapping: MappingSpec, line: LedgerLine
) -> Iterable[PolicyExplanation]:
    if line.key not in context.states[mapping.name].rows:
        return
    names = context.names(mapping.name, line.key)
    for part, value in Policies(context, mapping).parts(line.key, line.under).items():
        yield PolicyExplanation(part, formula(context, mapping, value, names))


def _pending(
    context: PlanContext, plan: Plan, line: LedgerLine, known: ServiceLedger, pending: str
) -> Iterable[PendingExplanation]:
    """Returns the pending changes of a line; `pending` is their mapping."""
    own = [change for change in plan.changes if change.mapping == pending]
    marked = {key: one.id for one in own if not one.adjustment for key in one.keys}
    sent = {key: one.id for one in own if one.adjustment for key in one.keys}
    held = {key: one.reason for one in line.held for key in one.keys}
    table = context.project.mappings[pending].source.table
    for change in known.changes:
        yield PendingExplanation(
            row=SourceRow(table, change.key),
            mapping=pending,
            day=change.day,
            units=change.units,
            notes=change.notes,
            change=sent.get(change.key) or marked.get(change.key, ""),
            is_marked_only=change.key in marked and change.key not in sent,
            held=held.get(change.key, ""),
        )


def _prices(
    context: PlanContext,
    mapping: MappingSpec,
    spec: LedgerSpec,
    line: LedgerLine,
    known: ServiceLedger | None,
) -> tuple[tuple[RecordValue, ...], RecordValue | None]:
    """Returns the values of the price, and the one of its period.

    A row that differs before its move has those of the record that it leaves.
    """
    if spec.price is None:
        return (), None
    reader = ServiceTermsReader(context, mapping, spec)
    number, key = line.record, line.key
    if known is not None and known.record != line.record:
        number, key = known.record, ""
    record = context.states[mapping.name].records.get(number) if number is not None else None
    prices = (reader.record_value(record, key, path) for path in spec.price.values)
    return tuple(prices), reader.record_value(record, key, spec.price.per)
