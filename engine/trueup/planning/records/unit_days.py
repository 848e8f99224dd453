"""Reads from which day to which the rows of a mapping have units, by the days of their changes."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import NamedTuple

from msgspec import Struct

from trueup.expressions import EVALUATION_ERRORS, evaluate
from trueup.expressions.namespace import Namespace
from trueup.expressions.unreadable import NotRead
from trueup.model.finding import Finding, Place
from trueup.model.mapping import AppendSpec, MappingSpec, Reference
from trueup.model.mapping_state import Row, UnreadableRows
from trueup.model.verdict import Topic, Verdict
from trueup.planning.context import PlanContext


class Span(Struct, frozen=True):
    """The days of a row: from its first change to the one that left nothing."""

    first: date
    end: date | None  # the first day without it; None if it goes on


class UnreadChange(NamedTuple):
    """A change whose day, units or row cannot be read."""

    name: str  # `license_change log-1`
    why: str  # with its name
    place: Place | None = None


class _Change(NamedTuple):
    """A change of units, pending or not."""

    day: date | None  # None: it, or the units, cannot be read
    units: Decimal
    is_pending: bool
    unread: UnreadChange | None = None


class UnitDays:
    """The days on which the rows of one mapping with a ledger have units."""

    def __init__(self, context: PlanContext, mapping: MappingSpec) -> None:
        self._context, self._mapping = context, mapping

    def span(self, key: str) -> Span | None:
        """Returns the days of a row; None if they are not known."""
        changes = self._changes.get(key, ())
        days = [change.day for change in changes if change.day is not None]
        if not days or len(days) < len(changes) or None in self._changes:
            return None
        is_over = sum(change.units for change in changes) == 0
        return Span(min(days), max(days) if is_over else None)

    def unread(self, *keys: str) -> UnreadChange | None:
        """Returns a change of the rows, or one that may be theirs, that cannot be read, if any."""
        changes = (change for key in (*keys, None) for change in self._changes.get(key, ()))
        return next((change.unread for change in changes if change.unread), None)

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

    def _read(self) -> Iterator[tuple[str | None, _Change]]:
        """Row and change, of all changes that move units; their mapping has its turn later."""
        if self._pending is None:
            return
        mapping, spec = self._pending
        namespace, pushed = self._context.namespace_of(mapping), self._context.snapshot.pushed
        decisions = self._context.decisions(mapping.name, Topic.UNITS)
        for key, row, fault in self._rows(mapping):
            verdict = decisions[key].verdict if key in decisions else None
            is_decided = verdict in (Verdict.ARCHIVE, Verdict.IGNORE)
            is_done = is_decided or (mapping.name, key) in pushed
            found = _change(mapping, spec, namespace, row, is_done=is_done)
            if found is None:
                continue
            owner, change = found
            if key and owner is not None and change.day is not None:
                yield owner, change
            elif verdict is not Verdict.IGNORE:
                yield owner, change._replace(day=None, unread=_unread(mapping, key, fault))

    def _rows(self, mapping: MappingSpec) -> Iterator[tuple[str, Row, Finding | None]]:
        """Key, row, and what cannot be read of it, of all changes; the key may be unknown, ""."""
        column = self._context.key_column(mapping)
        for row in self._context.tables[mapping.source.table]:
            yield str(row[column]), row, None
        unreadable = self._context.unreadable.get(mapping.source.table, UnreadableRows({}))
        for key, one in unreadable.rows.items():
            yield key, one.row, one.findings[0]
        for one in unreadable.keyless:
            yield "", one.row, one.findings[0]


def _unread(mapping: MappingSpec, key: str, fault: Finding | None) -> UnreadChange:
    name = f"{mapping.name} {key}" if key else f"the row of {mapping.source.table} without a key"
    if fault is None:
        return UnreadChange(name, f"day or units of {name} are not known")
    return UnreadChange(name, fault.text, fault.place)


def _change(
    mapping: MappingSpec, spec: AppendSpec, namespace: Namespace, row: Row, *, is_done: bool
) -> tuple[str | None, _Change] | None:
    """Returns the row of a change, or None if it is unread, and the change.

    Returns None for a change without a row, or without units. The day is None if day or units
    cannot be read.
    """
    names = namespace.names(row)

    def value(name: str) -> object:
        return evaluate(getattr(mapping.fields[name].value, "raw", None), names)

    units, day, is_pending = Decimal(1), None, not is_done
    with suppress(InvalidOperation, *EVALUATION_ERRORS):  # its own turn reports it
        units = Decimal(str(value(spec.units_field) or 0))
        found = value(spec.day_field)
        day = found.date() if isinstance(found, datetime) else found
    if not units:
        return None
    where = mapping.source.where
    if is_pending and where is not None:
        with suppress(*EVALUATION_ERRORS):
            is_pending = bool(evaluate(where.raw, names))
    change = _Change(day if isinstance(day, date) else None, units, is_pending)
    reference = mapping.fields[spec.in_turn].value
    try:
        key = evaluate(reference.of.raw, names) if isinstance(reference, Reference) else None
    except NotRead:
        return None, change
    except EVALUATION_ERRORS:
        return None
    return None if key is None else (str(key), change)
