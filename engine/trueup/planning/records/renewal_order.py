"""Orders rows of one service by the days of their changes.

A question about a succession names the rows in that order, each with the one directly before it. If
the order is unclear, it names them all: it is never guessed.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

from msgspec import Struct

from trueup.expressions import EVALUATION_ERRORS, evaluate
from trueup.expressions.namespace import Namespace
from trueup.expressions.unreadable import NotRead
from trueup.model.mapping import AppendSpec, MappingSpec, Reference
from trueup.model.mapping_state import Row, UnreadableRows
from trueup.model.verdict import Topic, Verdict
from trueup.planning.context import PlanContext
from trueup.planning.records.handovers import SUCCEEDED, ancestors
from trueup.stages.match import NEVER_CREATED

LONGEST_OVERLAP = timedelta(days=31)
"""A renewal that is bought early begins up to so many days before the row that it renews ends."""


class Succession(NamedTuple):
    """A row and the one directly before it."""

    key: str
    of: str


class _Span(Struct, frozen=True):
    """The days of a row: from its first change to the one that left nothing."""

    first: date
    end: date | None  # the first day without it; None if it goes on


class _Change(NamedTuple):
    """A change of units, pending or not."""

    day: date | None  # None: it cannot be read
    units: Decimal
    is_pending: bool


class RenewalOrder:
    """The order of the rows of one mapping with a ledger."""

    def __init__(self, context: PlanContext, mapping: MappingSpec) -> None:
        self._context, self._mapping = context, mapping
        self._state = context.states[mapping.name]

    def candidates(self, key: str, owners: Iterable[str]) -> list[str]:
        """Returns rows whose place the row may take: of each succession, the last one.

        They refer to the same others as the row, and have a record or pending changes; `owners`
        have the record.
        """
        alike = filter(self._is_open, self._by_references.get(self._reference_keys(key), ()))
        found = dict.fromkeys(map(self._last_of, (*owners, *alike)))
        return [one for one in found if one != self._last_of(key)]

    def successions(self, key: str, candidates: Iterable[str]) -> list[Succession]:
        """Returns which row directly follows which, up to the row; none if it is unclear."""
        last = self._last_of(key)
        order = self.in_order([last, *candidates])
        if not order:
            return []
        return [
            Succession(self._first_of(later), earlier)
            for earlier, later in pairwise(order[: max(order.index(last), 1) + 1])
        ]

    def in_order(self, keys: Iterable[str]) -> list[str]:
        """Returns rows, each with all that it succeeds, by their days; none if that is unclear.

        It is clear if each begins after the one before it has begun, and not before that one ends.
        """
        spans: dict[str, _Span] = {}
        for key in keys:
            span = self._span_of_chain(key)
            if span is None:
                return []
            spans[key] = span
        order = sorted(spans, key=lambda one: spans[one].first)
        for earlier, later in pairwise(order):
            end = spans[earlier].end
            if end is None or not spans[earlier].first < end <= spans[later].first:
                return []
        return order

    def either_way(self, key: str, other: str) -> Succession:
        """Returns the two in the order of their ends; as they are given, if that is unknown."""
        first, second = (self._span_of_chain(one) for one in (other, key))
        if first and second and second.end and (first.end is None or first.end > second.end):
            key, other = other, key
        return Succession(self._first_of(key), other)

    def days_together(self, key: str, predecessor: str) -> timedelta | None:
        """Returns how long both rows had units, where the predecessor's end is known.

        None where days are not known, or where they do not overlap.
        """
        own, other = self._span(key), self._span(predecessor)
        if own is None or other is None or other.end is None or own.first >= other.end:
            return None
        return other.end - max(own.first, other.first)

    def begins_after(self, key: str, predecessor: str) -> bool:
        """Whether the row begins on a later day than the predecessor; both days are known."""
        own, other = self._span(key), self._span(predecessor)
        return own is not None and other is not None and own.first > other.first

    def are_days_unread(self, *keys: str) -> bool:
        """Whether changes of the rows, or changes that may be theirs, have days that are unread."""
        changes = (change for key in keys for change in self._changes.get(key, ()))
        return self._has_unassigned or any(change.day is None for change in changes)

    def refer_alike(self, key: str, other: str) -> bool:
        """Whether both rows refer to the same rows, so that one record serves both."""
        return self._reference_keys(key) == self._reference_keys(other)

    def _chain(self, key: str) -> list[str]:
        """The row and those before it, the nearest one first."""
        return [key, *ancestors(self._state.predecessors, key)]

    def _first_of(self, key: str) -> str:
        """The first row of the succession that the source still has: it may take a place."""
        return [one for one in self._chain(key) if one in self._state.rows][-1]

    def _last_of(self, key: str) -> str:
        """The last row of the succession that the row is in."""
        after = self._successors
        return [key, *ancestors(after, key)][-1]

    @cached_property
    def _successors(self) -> Mapping[str, str]:
        return {of: key for key, of in self._state.predecessors.items()}

    def _is_open(self, key: str) -> bool:
        """Whether the row has no record, and is not left out on purpose."""
        state = self._state
        skipped = state.skipped.get(key)
        is_left_out = skipped is not None and skipped.code not in (NEVER_CREATED, SUCCEEDED)
        is_ours = key not in state.out_of_scope and not is_left_out
        return is_ours and key not in state.record_ids

    @cached_property
    def _by_references(self) -> Mapping[tuple[object, ...], list[str]]:
        """Rows with pending changes, by what they refer to."""
        found: defaultdict[tuple[object, ...], list[str]] = defaultdict(list)
        for key, changes in self._changes.items():
            is_pending = any(change.is_pending for change in changes)
            if key is not None and key in self._state.rows and is_pending:
                found[self._reference_keys(key)].append(key)
        return dict(found)

    def _reference_keys(self, key: str) -> tuple[object, ...]:
        """Returns the keys of the rows that the row refers to; none if one cannot be evaluated."""
        names = self._context.names(self._mapping.name, key)
        try:
            return tuple(
                evaluate(spec.value.of.raw, names)
                for spec in self._mapping.fields.values()
                if isinstance(spec.value, Reference)
            )
        except EVALUATION_ERRORS:  # the row is blocked already, with the reason
            return (key,)

    # Days

    def _span_of_chain(self, key: str) -> _Span | None:
        """The days of the row and those before it; None if its own are not known."""
        last = self._span(key)
        spans = [self._span(one) for one in self._chain(key)]
        firsts = [span.first for span in spans if span]
        return _Span(min(firsts), last.end) if last else None

    def _span(self, key: str) -> _Span | None:
        changes = self._changes.get(key, ())
        days = [change.day for change in changes if change.day is not None]
        if not days or len(days) < len(changes) or self._has_unassigned:
            return None
        is_over = sum(change.units for change in changes) == 0
        return _Span(min(days), max(days) if is_over else None)

    @cached_property
    def _changes(self) -> Mapping[str | None, list[_Change]]:
        """The changes of each row; those of None are unreadable, and may belong to any row."""
        found: defaultdict[str | None, list[_Change]] = defaultdict(list)
        for key, change in self._read():
            found[key].append(change)
        return dict(found)

    @cached_property
    def _pending(self) -> tuple[MappingSpec, AppendSpec] | None:
        """The mapping of the changes."""
        ledger = self._mapping.ledger
        pending = self._context.project.mappings.get(ledger.pending) if ledger else None
        return (pending, pending.append) if pending and pending.append else None

    @cached_property
    def _unreadable(self) -> UnreadableRows:
        table = self._pending[0].source.table if self._pending else ""
        return self._context.unreadable.get(table, UnreadableRows({}))

    @property
    def _has_unassigned(self) -> bool:
        """Whether an unreadable change may belong to any row."""
        return None in self._changes or bool(self._unreadable.without_key)

    def _read(self) -> Iterator[tuple[str | None, _Change]]:
        """Row and change, of all changes that move units; their mapping has its turn later."""
        if self._pending is None:
            return
        mapping, spec = self._pending
        column, namespace = self._context.key_column(mapping), self._context.namespace_of(mapping)
        decisions = self._context.decisions(mapping.name, Topic.UNITS)
        settled = {
            key
            for key, one in decisions.items()
            if one.verdict in (Verdict.ARCHIVE, Verdict.IGNORE)
        }
        rows = {str(row[column]): row for row in self._context.tables[mapping.source.table]}
        rows |= {key: one.row for key, one in self._unreadable.rows.items()}
        for key, row in rows.items():
            is_done = key in settled or (mapping.name, key) in self._context.snapshot.pushed
            change = _change(mapping, spec, namespace, row, is_done=is_done)
            if change is not None:
                yield change


def _change(
    mapping: MappingSpec, spec: AppendSpec, namespace: Namespace, row: Row, *, is_done: bool
) -> tuple[str | None, _Change] | None:
    """Returns the row of a change, or None if it is unread, and the change.

    Returns None for a change without a row, or without units.
    """
    names = namespace.names(row)
    reference = mapping.fields[spec.in_turn].value

    def value(name: str) -> object:
        return evaluate(getattr(mapping.fields[name].value, "raw", None), names)

    try:
        key = evaluate(reference.of.raw, names) if isinstance(reference, Reference) else None
    except NotRead:
        return None, _Change(None, Decimal(1), is_pending=not is_done)
    except EVALUATION_ERRORS:  # its own turn reports it
        return None
    try:
        day, units = value(spec.day_field), Decimal(str(value(spec.units_field) or 0))
        where = mapping.source.where
        is_pending = not is_done and (where is None or bool(evaluate(where.raw, names)))
    except (InvalidOperation, *EVALUATION_ERRORS):  # its own turn reports it
        day, units, is_pending = None, Decimal(1), not is_done
    if key is None or not units:
        return None
    day = day.date() if isinstance(day, datetime) else day
    return str(key), _Change(day if isinstance(day, date) else None, units, is_pending)
