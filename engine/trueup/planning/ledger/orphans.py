"""Reports services that trueup manages and the target bills, without a row."""

from collections.abc import Iterator, Mapping
from functools import cached_property

from msgspec.structs import replace

from trueup.model.finding import named_apart
from trueup.model.mapping import MappingSpec
from trueup.model.mapping_state import RowKey
from trueup.model.plan import LedgerClass, LedgerLine
from trueup.planning.context import PlanContext
from trueup.planning.ledger.services import ServiceLedgers
from trueup.planning.references import ReferenceGraph
from trueup.stages.ledger import orphan

MOST = 3
"""Rows that are named; more are no hint."""


def orphan_lines(
    context: PlanContext, mapping: MappingSpec, services: ServiceLedgers
) -> Iterator[LedgerLine]:
    """Returns a line for each service with units that no row is linked to.

    They are the units of the plan's day, or of the last day on which trueup adjusted the service:
    units that end on a later day need nothing.
    """
    state = context.states[mapping.name]
    linked = {*state.record_ids.values(), *state.inferred_links.values()}
    linked |= {*state.left_records.values(), *services.counted}
    unreadable, candidates = _unreadable_rows(context, mapping), _Candidates(context, mapping)
    for record in state.records:
        if record in linked:
            continue
        ledger = services.of_record(record)
        day = max(context.as_of, ledger.last_day or context.as_of)
        units = ledger.units(day)
        if units:
            line = orphan(ledger, units, day, candidates.rows(record))
            context.explained.keep_ledger(line, ledger)
            if record in state.contested_records:
                line = _contested(line)
            yield _with_doubt(line, unreadable) if unreadable else line


def _contested(line: LedgerLine) -> LedgerLine:
    """Returns a line that several rows fit, without proof that they are billed; in no total."""
    text = "several rows fit it, and none of them is linked to it"
    return replace(
        line,
        text=text,
        class_=LedgerClass.UNKNOWN,
        difference=None,
        unexplained=None,
        monthly=None,
    )


def _with_doubt(line: LedgerLine, unreadable: int) -> LedgerLine:
    """Returns the line with a note that unreadable rows may be its own."""
    which = "the one" if unreadable == 1 else f"one of the {unreadable}"
    text = f"{line.text}; {which} that cannot be read may be its own"
    return replace(line, text=text, remedy=f"correct what cannot be read first; then {line.remedy}")


def _unreadable_rows(context: PlanContext, mapping: MappingSpec) -> int:
    """Returns how many rows cannot be read and have no known record."""
    state, unreadable = context.states[mapping.name], context.unreadable.get(mapping.source.table)
    unknown = [
        key
        for key in state.unreadable
        if key not in state.record_ids and key not in state.inferred_links
    ]
    return len(unknown) + (len(unreadable.without_key) if unreadable else 0)


class _Candidates:
    """Rows without a record that an orphan may belong to.

    They have the same references as the record, or siblings of those, such as another contract of
    the same customer.
    """

    def __init__(self, context: PlanContext, mapping: MappingSpec) -> None:
        self._context, self._mapping = context, mapping
        self._graph = ReferenceGraph(context)

    def rows(self, record: int) -> Mapping[str, str]:
        """Keys of these rows with their names, by name; nothing if there are too many."""
        parents = self._graph.parents_of_record(self._mapping.name, record)
        wanted = [self._kind(row) for row in parents]
        if not wanted:
            return {}
        found = [
            key
            for key, kinds in self._without_record.items()
            if all(one in kinds for one in wanted)
        ]
        if len(found) > MOST:
            return {}
        labels = {key: self._context.label(self._mapping.name, key) for key in found}
        names = named_apart(labels)
        return dict(sorted(names.items(), key=lambda row: (row[1], row[0])))

    @cached_property
    def _without_record(self) -> dict[str, set[object]]:
        """Rows without a record → what they refer to."""
        state = self._context.states[self._mapping.name]
        known = state.record_ids.keys() | state.inferred_links.keys()
        return {
            key: {self._kind(row) for row in self._graph.parents((self._mapping.name, key))}
            for key in state.rows
            if key not in known and key not in state.out_of_scope
        }

    def _kind(self, row: RowKey) -> object:
        """Returns a value that is equal for rows with the same parents; else the row itself."""
        parents = self._graph.parents(row)
        return (row[0], parents) if parents else row
