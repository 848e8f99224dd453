"""Compares two plans of the same rows and records.

Places, notes, reasons and the names of rows are not compared: a comment or an empty line in a
mapping moves places, and none of them changes what is written.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import TypeVar

from trueup.model.change import Change, RowRef
from trueup.model.comparison import (
    ChangePair,
    Comparison,
    FieldPair,
    LedgerPair,
    LeftOutRows,
)
from trueup.model.plan import Blocked, GuardExceeded, LedgerLine, LeftOut, Plan

_Item = TypeVar("_Item")

FACTS: Mapping[str, Callable[[Change], object]] = {
    "action": lambda change: change.action,
    "record": lambda change: change.record,
    "takes over from": lambda change: change.succeeds,
    "units": lambda change: change.units,
    "day": lambda change: change.adjustment.day if change.adjustment else None,
    "a month": lambda change: change.monthly,
    "this invoice": lambda change: change.invoice_amount,
    "invoice from": lambda change: change.invoice.start if change.invoice else None,
    "earlier days": lambda change: change.lost,
}
"""What two changes are compared by, besides their fields and the values that they send."""

SENT = "values sent"
"""The fact of changes that send other values, where no field shows it."""


def compare(
    before: Plan,
    after: Plan,
    other: str,
    *,
    calls: int = 0,
    extra_calls: int = 0,
    notes: tuple[str, ...] = (),
) -> Comparison:
    """Returns all differences. `other` is the display name of the configuration of `before`."""
    newly_blocked, released = _moved(before.blocked, after.blocked, _row)
    newly_exceeded, no_longer = _moved(before.exceeded, after.exceeded, _limit)
    return Comparison(
        other=other,
        before=before,
        after=after,
        calls=calls,
        extra_calls=extra_calls,
        changes=tuple(_change_pairs(before.changes, after.changes)),
        newly_blocked=newly_blocked,
        released=released,
        newly_left_out=tuple(_left_out(before.left_out, after.left_out)),
        no_longer_left_out=tuple(_left_out(after.left_out, before.left_out)),
        ledger=tuple(_ledger_pairs(before.ledger, after.ledger)),
        newly_exceeded=newly_exceeded,
        no_longer_exceeded=no_longer,
        notes=notes,
    )


def _moved(
    before: Iterable[_Item], after: Iterable[_Item], key: Callable[[_Item], Hashable]
) -> tuple[tuple[_Item, ...], tuple[_Item, ...]]:
    """Returns items that only the second plan has, and items that only the first plan has."""
    first = {key(item): item for item in before}
    second = {key(item): item for item in after}
    return (
        tuple(item for name, item in second.items() if name not in first),
        tuple(item for name, item in first.items() if name not in second),
    )


def _row(blocked: Blocked) -> Hashable:
    return blocked.mapping, blocked.key


def _limit(exceeded: GuardExceeded) -> Hashable:
    return exceeded.limit


def _change_pairs(before: Iterable[Change], after: Iterable[Change]) -> Iterator[ChangePair]:
    """Pairs changes by their id, then those of one row whose ids differ: a create and a link."""
    first = {change.id: change for change in before}
    second = {change.id: change for change in after}
    by_row: dict[Hashable, list[Change]] = defaultdict(list)
    for id_, change in first.items():
        if id_ not in second:
            by_row[change.mapping, change.keys[:1]].append(change)
    for id_, change in second.items():
        counterpart = first.get(id_)
        if counterpart is None and (same_row := by_row[change.mapping, change.keys[:1]]):
            counterpart = same_row.pop(0)
        pair = _change_pair(counterpart, change)
        if pair.before is None or pair.fields or pair.facts:
            yield pair
    for vanished in by_row.values():
        yield from (ChangePair(change, None) for change in vanished)


def _change_pair(before: Change | None, after: Change) -> ChangePair:
    if before is None:
        return ChangePair(None, after)
    first = {field.field: field for field in before.fields}
    second = {field.field: field for field in after.fields}
    fields = tuple(
        FieldPair(first.get(name), second.get(name))
        for name in dict.fromkeys([*first, *second])
        if _written(first.get(name)) != _written(second.get(name))
    )
    facts = [
        name for name, fact in FACTS.items() if _compared(fact(before)) != _compared(fact(after))
    ]
    if not fields and not facts and before.values != after.values:
        facts.append(SENT)
    return ChangePair(before, after, fields, tuple(facts))


def _compared(fact: object) -> object:
    """What a fact is compared by; a row has another name where only its label differs."""
    return fact[:2] if isinstance(fact, RowRef) else fact


def _written(field: object) -> tuple[object, ...]:
    """What a field will hold; a marker that equals no value if the plan does not write it."""
    return (getattr(field, "after", None), field is None)


def _left_out(before: Iterable[LeftOut], after: Iterable[LeftOut]) -> Iterator[LeftOutRows]:
    """Returns rows that only the second plan leaves out, for any reason."""
    known = {(group.mapping, key) for group in before for key in group.keys}
    for group in after:
        rows = [
            (name, key)
            for name, key in zip(group.names, group.keys, strict=True)
            if (group.mapping, key) not in known
        ]
        if rows:
            names, keys = zip(*rows, strict=True)
            yield LeftOutRows(group.mapping, group.reason, names, keys)


def _ledger_pairs(
    before: Iterable[LedgerLine], after: Iterable[LedgerLine]
) -> Iterator[LedgerPair]:
    """Pairs lines of one row; lines without a row, orphans, by their record."""
    first = {_ledger_key(line): line for line in before}
    second = {_ledger_key(line): line for line in after}
    for key in dict.fromkeys([*second, *first]):
        pair = LedgerPair(first.get(key), second.get(key))
        if (
            pair.before is None
            or pair.after is None
            or _figures(pair.before) != _figures(pair.after)
        ):
            yield pair


def _ledger_key(line: LedgerLine) -> Hashable:
    return line.mapping, line.key or line.record


def _figures(line: LedgerLine) -> tuple[object, ...]:
    sides = (line.class_, line.quantity, line.units, line.pending)
    return (*sides, line.moved, line.held_units, line.unexplained, line.monthly)
