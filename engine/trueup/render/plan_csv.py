"""Renders one table of a plan as CSV."""

from trueup.model.plan import Plan
from trueup.render.csv_ import written
from trueup.render.noted import NOTHING_NOTED, Noted
from trueup.render.plan_tables import TableKind, rows_of


def plan_csv(plan: Plan, table: TableKind = TableKind.CHANGES, noted: Noted = NOTHING_NOTED) -> str:
    """Returns one table of the plan; text that could be a formula has an apostrophe in front."""
    return written(table.columns, rows_of(plan, table, noted))
