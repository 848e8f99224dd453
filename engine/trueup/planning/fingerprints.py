"""Fingerprints of source rows, by which apply detects changes since the plan was made."""

from trueup.model.change import SeenRow
from trueup.model.mapping import MappingSpec
from trueup.planning.context import PlanContext
from trueup.planning.needs import GONE, row_print, volatile
from trueup.ports.source import Row


def seen_row(context: PlanContext, mapping: MappingSpec, key: str) -> SeenRow:
    """Returns the row as planning read it."""
    return SeenRow(mapping.source.table, key, row_print(stable_columns(context, mapping, key)))


def gone_row(mapping: MappingSpec, key: str) -> SeenRow:
    """Returns the fact that there is no such row."""
    return SeenRow(mapping.source.table, key, GONE)


def stable_columns(context: PlanContext, mapping: MappingSpec, key: str) -> Row:
    """Returns the row without the columns that runs write: they do not count as a change."""
    skipped = volatile(context.project).get(mapping.source.table)
    row = context.states[mapping.name].rows[key]
    if not skipped:
        return row
    return {name: value for name, value in row.items() if name not in skipped}
