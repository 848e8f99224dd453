"""The money of a change, by periods and prices, and the changes that it waits for."""

from collections.abc import Iterable
from datetime import date

from trueup.model.change import Action, Change, RowRef, SeenRow, ServiceTerms
from trueup.model.evaluation import SourceRow
from trueup.model.explanation import ChangeExplanation, Formula, PeriodAmount
from trueup.model.money import exact
from trueup.model.plan import Plan
from trueup.planning.context import PlanContext
from trueup.planning.explaining.formulas import formula
from trueup.planning.needs import GONE, row_print, volatile
from trueup.stages.append import ServiceDays
from trueup.stages.billing import open_parts


def explain_change(context: PlanContext, plan: Plan, change: Change) -> ChangeExplanation:
    """A change of the plan. `context` may be of a later reading than the plan."""
    by_id = {one.id: one for one in plan.changes}
    terms = change.adjustment.terms if change.adjustment else None
    posted = ServiceDays.of(change.seen.units or (), ()).posted_until
    return ChangeExplanation(
        change=change,
        sets=tuple(_sets(context, change)),
        terms=terms,
        periods=_periods(change, terms, posted, plan.as_of) if terms else (),
        posted_until=posted,
        needs=tuple(_ref(by_id[need]) for need in change.needs if need in by_id),
        moved=tuple(
            SourceRow(row.table, row.key)
            for row in change.seen.rows
            if _now(context, row) != row.fingerprint
        ),
    )


def _sets(context: PlanContext, change: Change) -> Iterable[tuple[str, Formula]]:
    """Returns what a write-back or a deactivation sets, by column or field."""
    mapping = context.project.mappings.get(change.mapping)
    if mapping is None:
        return
    key, state = change.keys[0], context.states[change.mapping]
    if change.action is Action.WRITE_BACK and mapping.write_back and state.has(key):
        record = state.records.get(state.record_ids.get(key, -1))
        names = {**context.names(change.mapping, key), "record": record}
        for column, value in mapping.write_back.set.items():
            yield column, formula(context, mapping, value, names)
    if change.action is Action.DEACTIVATE:
        names = context.namespaces[change.mapping].base()
        for field, value in mapping.deactivate.items():
            yield field, formula(context, mapping, value, names)


def _periods(
    change: Change, terms: ServiceTerms, posted: date | None, as_of: date
) -> tuple[PeriodAmount, ...]:
    """Returns the parts of the effect on the next invoice; none if it is unknown."""
    if change.adjustment is None or change.invoice is None:
        return ()
    parts = open_parts(change.unit_change, change.adjustment.day, terms, posted, as_of)
    return tuple(
        PeriodAmount(
            start=part.start,
            end=part.end,
            first=part.first,
            last=part.last,
            days=(part.last - part.first).days + 1,
            of_days=(part.end - part.start).days + 1,
            amount=exact(part.amount),
        )
        for part in parts
        if part.is_invoiced and part.amount
    )


def _ref(change: Change) -> RowRef:
    return RowRef(change.mapping, change.keys[0], change.name)


def _now(context: PlanContext, seen: SeenRow) -> str:
    """Returns the present fingerprint of a row."""
    key = context.project.catalogue.tables[seen.table].key
    rows = context.tables.get(seen.table, ())
    row = next((one for one in rows if one[key] == seen.key), None)
    return GONE if row is None else row_print(row, volatile(context.project).get(seen.table, ()))
