"""Reads from which day to which the rows of a mapping have units, by the days of their changes."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import NamedTuple

from msgspec import Struct

from trueup.expressions import EVALUATION_ERRORS, evaluate
from trueup.expressions.namespace import Namespace
from trueup.expressions.unreadable import NotRead
from trueup.model.mapping import AppendSpec, MappingSpec, Reference
from trueup.model.mapping_state import Row, UnreadableRows
from trueup.model.verdict import Topic, Verdict
from trueup.planning.context import PlanContext


class Span(Struct, frozen=True):
    """The days of a row: from its first change to the one that left nothing."""

    first: date
    end: date | None  # the first day without it; None if it goes on


class _Change(NamedTuple):
    """A change of units, pending or not."""

    day: date | None  # None: it cannot be read
    units: Decimal
    is_pending: bool


class UnitDays:
    """The days on which the rows of one mapping with a ledger have units."""

    def __init__(self, context: PlanContext, mapping: MappingSpec) -> None:
        self._context, self._mapping = context, mapping

    def span(self, key: str) -> Span | None:
        """Returns the days of a row; None if they are not known."""
        changes = self._changes.get(key, ())
        days = [change.day for change in changes if change.day is not None]
        if not days or len(days) < len(changes) or self._has_unassigned:
            return None
        is_over = sum(change.units for change in changes) == 0
        return Span(min(days), max(days) if is_over else None)

    def are_unread(self, *keys: str) -> bool:
        """Whether changes of the rows, or changes that may be theirs, have days that are unread."""
        changes = (change for key in keys for change in self._changes.get(key, ()))
        return self._has_unassigned or any(change.day is None for change in changes)

    def with_pending(self) -> list[str]:
        """Returns the rows that have pending changes."""
        return [
            key
            for key, changes in self._changes.items()
            if key is not None and any(change.is_pending for change in changes)
        ]

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
