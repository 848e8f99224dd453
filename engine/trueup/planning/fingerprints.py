"""Fingerprints of source rows, by which apply sees whether a row moved since the plan was made."""

from trueup.model.change import SeenRow
from trueup.model.mapping import MappingSpec
from trueup.planning.context import PlanContext
from trueup.planning.needs import GONE, row_print, volatile
from trueup.ports.source import Row


def seen_row(context: PlanContext, mapping: MappingSpec, key: str) -> SeenRow:
    """The row as planning read it."""
    return SeenRow(mapping.source.table, key, row_print(stable_columns(context, mapping, key)))


def gone_row(mapping: MappingSpec, key: str) -> SeenRow:
    """The fact that there is no such row."""
    return SeenRow(mapping.source.table, key, GONE)


def stable_columns(context: PlanContext, mapping: MappingSpec, key: str) -> Row:
    """The row without the columns that runs write themselves: they do not count as a change."""
    skipped = volatile(context.project).get(mapping.source.table)
    row = context.states[mapping.name].rows[key]
    if not skipped:
        return row
    return {name: value for name, value in row.items() if name not in skipped}
