"""Selects a part of a plan: the requested changes, with what they need."""

from collections.abc import Sequence
from functools import cached_property
from itertools import chain

from msgspec import Struct

from trueup.model.change import Change
from trueup.model.finding import Finding
from trueup.model.mapping_state import RowKey
from trueup.model.plan import LedgerLine
from trueup.planning.context import PlanContext
from trueup.planning.references import ReferenceGraph
from trueup.planning.selection.arguments import parse_customer, parse_selector
from trueup.stages.order import with_needs


class SelectionRequest(Struct, frozen=True):
    """The request, as given on the command line."""

    targets: tuple[str, ...] = ()  # MAPPING or MAPPING:KEY
    exclude: tuple[str, ...] = ()
    customer: str = ""  # key or name

    @property
    def text(self) -> str:
        """The request as display text."""
        parts = [f"only {', '.join(self.targets)}"] if self.targets else []
        parts += [f"only customer {self.customer}"] if self.customer else []
        parts += [f"without {', '.join(self.exclude)}"] if self.exclude else []
        return "; ".join(parts)


class Selection(Struct, frozen=True):
    """The part of a plan that a selection keeps."""

    text: str  # as people read it
    changes: frozenset[str]  # ids
    rows: frozenset[RowKey]
    records: frozenset[tuple[str, int | None]]  # mapping and id of records without a row
    unselected_keys: frozenset[str]  # keys of rows that are not in it
    rows_outside: int
    changes_outside: int

    def has_finding(self, finding: Finding) -> bool:
        """Whether it is about one of the rows, or about the project as a whole.

        An unreadable row may be any of the rows.
        """
        if finding.mapping and finding.key:
            return (finding.mapping, finding.key) in self.rows
        return finding.key not in self.unselected_keys

    def has_line(self, line: LedgerLine) -> bool:
        """Whether it is the ledger line of one of the rows or records."""
        if line.key:
            return (line.mapping, line.key) in self.rows
        return (line.mapping, line.record) in self.records


def select(context: PlanContext, request: SelectionRequest) -> Selection | None:
    """Returns the selection; None if everything is selected.

    Raises EngineError for an unknown mapping or row, and for a name of several rows.
    """
    if not request.text:
        return None
    return _SelectionBuilder(context, request).build()


class _SelectionBuilder:
    """One selection, step by step."""

    def __init__(self, context: PlanContext, request: SelectionRequest) -> None:
        self._context, self._request = context, request
        self._targets = [parse_selector(context, target) for target in request.targets]
        self._target_rows = {(one.mapping, one.key) for one in self._targets if one.key}
        self._whole_mappings = {one.mapping for one in self._targets if not one.key}
        self._excluded = [parse_selector(context, one) for one in request.exclude]
        self._customer = parse_customer(context, request.customer) if request.customer else None
        self._graph = ReferenceGraph(context, self._customer[0] if self._customer else "")
        self._changes = [
            change
            for state in context.states.values()
            for group in state.changes.values()
            for change in group
        ]
        self._rows_of = {change.id: context.rows_of(change) for change in self._changes}

    def build(self) -> Selection:
        """The selection."""
        kept, requested = self._select_changes()
        rows = self._select_rows(kept, requested)
        needed = len(kept - requested)
        every_key = {key for state in self._context.states.values() for key in state.rows}
        return Selection(
            text=self._request.text + (f", with {needed} that they need" if needed else ""),
            changes=frozenset(kept),
            rows=frozenset(rows),
            records=frozenset(
                (line.mapping, line.record)
                for line in self._context.ledger
                if self._has_orphan(line)
            ),
            unselected_keys=frozenset(every_key.difference(key for _, key in rows)),
            rows_outside=len(self._rows - rows),
            changes_outside=len(self._changes) - len(kept),
        )

    @cached_property
    def _rows(self) -> set[RowKey]:
        """Every row that the plan may be about."""
        context = self._context
        found = {row for rows in self._rows_of.values() for row in rows}
        found |= {(line.mapping, line.key) for line in context.ledger if line.key}
        for name, state in context.states.items():
            keys = chain(state.ready, state.blocked, state.skipped, state.record_ids)
            found |= {(name, key) for key in keys}
        findings = chain(context.findings, *(state.findings for state in context.states.values()))
        return found | {
            (finding.mapping, finding.key)
            for finding in findings
            if finding.key and finding.mapping in context.states
        }

    @cached_property
    def _members(self) -> set[RowKey]:
        """Returns the customer, and every row that refers to it, directly or through others."""
        if self._customer is None:
            return self._rows
        return self._graph.descendants(self._rows, [self._customer])

    @cached_property
    def _dropped(self) -> set[RowKey]:
        """The rows that are excluded by key, with all that refer to them."""
        keys = [(one.mapping, one.key) for one in self._excluded if one.key]
        return self._graph.descendants(self._rows, keys) if keys else set()

    def _select_changes(self) -> tuple[set[str], set[str]]:
        """Returns ids of the selected changes, and of those among them that were requested."""
        requested = {change.id for change in self._changes if self._is_requested(change)}
        dropped = {change.id for change in self._changes if self._is_dropped(change)}
        needed = with_needs(self._changes, requested)
        requested &= _without_dependants(self._changes, needed, dropped)
        return with_needs(self._changes, requested), requested

    def _is_requested(self, change: Change) -> bool:
        rows = self._rows_of[change.id]
        made = change.makes.mapping if change.makes else ""
        is_target = (
            not self._targets
            or not self._target_rows.isdisjoint(rows)
            or not self._whole_mappings.isdisjoint((change.mapping, made))
        )
        return is_target and not self._members.isdisjoint(rows)

    def _is_dropped(self, change: Change) -> bool:
        rows = self._rows_of[change.id]
        is_excluded = any(one.selects(change, rows) for one in self._excluded)
        return is_excluded or not self._dropped.isdisjoint(rows)

    def _select_rows(self, kept: set[str], requested: set[str]) -> set[RowKey]:
        """Returns the requested rows, and those that they need."""
        rows = {
            row
            for row in self._members
            if not self._targets or row in self._target_rows or row[0] in self._whole_mappings
        }
        changed = {row for id_ in kept for row in self._rows_of[id_]}
        changed |= {
            (change.adjustment.row.mapping, change.adjustment.row.key)
            for change in self._changes
            if change.adjustment
            and change.id in kept - requested  # its line of the ledger comes along
        }
        if self._targets:
            rows = self._graph.ancestors(rows)
        rows |= {cause for row in rows for cause in self._causes(row)}
        if self._excluded:
            rows -= self._excluded_rows(rows, changed)
        return (rows | changed) & self._rows

    def _excluded_rows(self, rows: set[RowKey], changed: set[RowKey]) -> set[RowKey]:
        """Rows that are excluded, wait for an excluded change, or are blocked by such a row."""
        excluded = {
            row for row in self._rows if any(one.selects_row(row) for one in self._excluded)
        }
        excluded |= self._dropped
        waiting = {row for group in self._rows_of.values() for row in group} - changed
        return excluded | {
            row for row in rows if row in waiting or not excluded.isdisjoint(self._causes(row))
        }

    def _causes(self, row: RowKey) -> list[RowKey]:
        """The rows through which a blocked row is blocked, up to the one at fault."""
        found: list[RowKey] = []
        states = self._context.states
        cause = states[row[0]].because.get(row[1])
        while cause and cause not in found:
            found.append(cause)
            cause = states[cause[0]].because.get(cause[1])
        return found

    def _has_orphan(self, line: LedgerLine) -> bool:
        """Whether the line of a record without a row belongs to the selection."""
        if line.key or line.record is None:
            return False
        row = (line.mapping, line.key)
        above = self._graph.ancestors_of_record(line.mapping, line.record)
        if self._targets and line.mapping not in self._whole_mappings:
            return False
        if any(one.selects_row(row) or (one.mapping, one.key) in above for one in self._excluded):
            return False
        return self._customer is None or self._customer in above


def _without_dependants(changes: Sequence[Change], kept: set[str], dropped: set[str]) -> set[str]:
    """Removes changes that need an excluded change, or are sent only together with one."""
    left = kept - dropped
    while True:
        broken = {
            change.id
            for change in changes
            if change.id in left and dropped.intersection((*change.needs, *change.together))
        }
        if not broken:
            return left
        left -= broken
        dropped = dropped | broken
