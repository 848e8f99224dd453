"""Renders a tab's changes: one line for each, with its fields; equal ones are collapsed."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import takewhile
from typing import assert_never

from msgspec.structs import replace

from trueup.model.catalogue import SystemNames
from trueup.model.change import Action, Change, FieldChange, Reason, Unknown
from trueup.render.amounts import is_shown
from trueup.render.folding import FoldedChanges, fold, is_drift
from trueup.render.formatting import count, known_as, money, sentence, some
from trueup.render.joined import joined_name
from trueup.render.layout import Cell, Line, free
from trueup.render.sanitize import ELLIPSIS, LONGEST, clip, sanitize
from trueup.render.style import Paint, Style
from trueup.render.view import View
from trueup.render.wording import reason_text, why_changed

UNKNOWN = "(known after apply)"
NOTHING = "\N{EN DASH}"
VALUE_COLUMNS = 40
FEW = 2
FOUND_BY = {
    "match": "found by match",
    "identity": "found by its identity",
    "decision": "by decision",
}

_SYMBOLS = {
    Action.LINK: "→",
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.DEACTIVATE: "-",
    Action.ADJUST: "±",
    Action.WRITE_BACK: "←",
}


def desired(changes: Sequence[Change], view: View) -> list[Line]:
    """Returns the lines of the plan's changes, without those of `drift`, collapsed if equal.

    Write-backs are shown with `-v` only, unless they have money: the summary counts them.
    """
    shown = [
        change
        for change in changes
        if not is_drift(change) and is_shown(change, verbose=view.verbose)
    ]
    return _change_lines(tidied(shown), view)


def drift(changes: Sequence[Change], view: View) -> list[Line]:
    """Returns the lines of changes that only restore edited values, under their own heading."""
    edited = tidied([change for change in changes if is_drift(change)])
    inside = [
        replace(line, indent=line.indent + 2, kind=line.kind and f"{line.kind} of drift")
        for line in _change_lines(edited, view)
    ]
    return (
        [free(reason_text(Reason.DRIFT, view.names), view.style.warn, 2), *inside] if edited else []
    )


def tidied(changes: Sequence[Change]) -> list[Change]:
    """Sorts by mapping, records before write-backs, by name.

    A link and the update of the same record are merged: the link takes the update's fields.
    """
    position = {
        mapping: place
        for place, mapping in enumerate(dict.fromkeys(change.mapping for change in changes))
    }
    links = {(change.mapping, change.keys) for change in changes if change.action is Action.LINK}
    updates = {
        (change.mapping, change.keys): change
        for change in changes
        if change.action is Action.UPDATE
    }
    found = []
    for change in changes:
        row = (change.mapping, change.keys)
        if change.action is Action.LINK and row in updates:
            found.append(
                replace(
                    change, fields=updates[row].fields, notes=(*change.notes, *updates[row].notes)
                )
            )
        elif not (change.action is Action.UPDATE and row in links):
            found.append(change)
    last = Action.WRITE_BACK
    return sorted(
        found, key=lambda one: (position[one.mapping], one.action is last, one.name.casefold())
    )


def symbol(action: Action) -> str:
    """Returns the sign before a change's line."""
    return _SYMBOLS[action]


def before(field: FieldChange) -> str:
    """Returns the display text of the present value."""
    return NOTHING if field.before is None else sanitize(field.shown_before) or NOTHING


def after(field: FieldChange) -> str:
    """Returns the display text of the new value; a fixed word if it is unknown until apply."""
    return UNKNOWN if isinstance(field.after, Unknown) else sanitize(field.shown_after) or NOTHING


def where(change: Change, names: SystemNames) -> str:
    """Returns what is written, by entity and id; an adjustment is new, for the service it names."""
    if change.action is Action.WRITE_BACK:
        return f"{names.source} {sanitize(change.entity)}"
    record = record_of(change)
    if record is None:
        return f"{sanitize(change.entity)}, new"
    return f"{sanitize(change.entity)} {'for ' if change.is_append else ''}{record}"


def record_of(change: Change) -> int | str | None:
    """Returns the id of the record that is written; None if it is new, or in the source.

    An adjustment creates a record: it is shown as the field that names its service, with the
    service's id.
    """
    if change.record is None or change.action is Action.WRITE_BACK:
        return None
    if not change.is_append:
        return change.record
    field = next((name for name, value in change.values.items() if value == change.record), "")
    return f"{sanitize(field)} {change.record}" if field else None


def units(*changes: Change) -> str:
    """Returns the effect of adjustments: `12 → 15 units from 2026-11-15`, merged by day."""
    by_day: dict[str, list[str]] = {}
    for change in changes:
        before, after = change.units or (0, 0)
        day = f" from {change.adjustment.day.isoformat()}" if change.adjustment else ""
        by_day.setdefault(day, []).append(f"{before} → {after}")
    return "; ".join(f"{', '.join(steps)} units{day}" for day, steps in by_day.items())


def effect(changes: Sequence[Change], view: View) -> str:
    """Returns the effect of the changes on the next invoice and on the monthly bill."""
    return ", ".join(part for part in effects(changes, view) if part)


def effects(changes: Sequence[Change], view: View) -> tuple[str, str]:
    """Returns the two amounts, the second with a mark if a price is unknown."""
    ids = [change.id for change in changes]
    invoice, month = view.money.invoice.known(ids), view.money.month.known(ids)
    parts = [] if month is None else [f"{_amount(month, view)} a month"]
    parts += ["price unknown"] if any(change.price_unknown for change in changes) else []
    return "" if invoice is None else f"{_amount(invoice, view)} this invoice", ", ".join(parts)


def notes(change: Change, view: View) -> list[str]:
    """Returns further notes: one-off charges, lost money, the change's own notes."""
    once, lost = view.money.once.of(change.id), view.money.lost.of(change.id)
    found = []
    if once:
        why = "for periods before the present one" if change.adjustment else "a fee"
        found.append(f"{_amount(once, view)} of it once, {why}")
    if lost and lost > 0:
        found.append(f"{money(lost, view.currency)} of earlier days is billed to nobody")
    elif lost:
        found.append(f"{money(-lost, view.currency)} of credit is owed for earlier days")
    return found + [sentence(sanitize(note)) for note in change.notes]


def group_notes(group: FoldedChanges, view: View) -> list[str]:
    """Returns the notes of the change that represents the group; of halves, those of each."""
    shown = group.changes if group.is_joined else (group.first,)
    return [*dict.fromkeys(note for change in shown for note in notes(change, view))]


def _amount(amount: Decimal, view: View) -> str:
    return money(amount, view.currency, signed=True)


def _change_lines(changes: Sequence[Change], view: View) -> list[Line]:
    return [line for group in fold(changes, verbose=view.verbose) for line in _group(group, view)]


def _group(group: FoldedChanges, view: View) -> list[Line]:
    if not group.alike:
        return [_others(group, view)]
    head = _adjustment(group, view) if group.first.action is Action.ADJUST else _head(group, view)
    found = [head, *_fields(group.first, view)]
    if len(group.changes) > 1 and not group.is_joined:
        found.append(free(some([change.name for change in group.changes]), view.style.dim, 6))
    noted = group_notes(group, view)
    return found + [free(note, view.style.dim, 6) for note in noted]


def _head(group: FoldedChanges, view: View) -> Line:
    change, many = group.first, len(group.changes)
    name = known_as(change.name) if many == 1 else count(many, change.mapping)
    place = (
        where(change, view.names)
        if many == 1 or change.action is Action.WRITE_BACK
        else sanitize(change.entity)
    )
    cells = (
        Cell(f"{symbol(change.action)} {name}", paint_of(change.action, view.style)),
        Cell(place + (", new" if many > 1 and change.action is Action.CREATE else "")),
        Cell(_aside(group, view), view.style.dim),
    )
    return Line(cells, "head", 2)


def _aside(group: FoldedChanges, view: View) -> str:
    change, many = group.first, len(group.changes)
    match change.action:
        case Action.CREATE:
            each = " each" if many > 1 else ""
            remark = (
                ""
                if view.verbose
                else f"{count(len(change.fields), 'field')}{each} (-v shows them)"
            )
        case Action.LINK:
            remark = FOUND_BY.get(change.how, sanitize(change.how)) + (
                "" if view.verbose else _fills(change)
            )
        case Action.DEACTIVATE:
            remark = "to be switched off"
        case Action.UPDATE | Action.WRITE_BACK | Action.ADJUST:
            remark = ""
        case _:
            assert_never(change.action)
    return ", ".join(part for part in (remark, effect(group.changes, view)) if part)


def _fills(change: Change) -> str:
    """Returns the fields that were empty until now: by name if they are few."""
    filled = [sanitize(field.field) for field in change.fields if before(field) == NOTHING]
    if not filled:
        return ""
    return (
        f", fills {' and '.join(filled)}"
        if len(filled) <= FEW
        else f", fills {count(len(filled), 'empty field')}"
    )


def _adjustment(group: FoldedChanges, view: View) -> Line:
    cells = [
        Cell(f"± {known_as(joined_name(group.changes))}", view.style.change),
        Cell(units(*group.changes)),
        *(Cell(text) for text in effects(group.changes, view)),
    ]
    cells += (
        [Cell(sanitize(f"stays in {view.names.target}"), view.style.warn)] if view.verbose else []
    )
    return Line(tuple(cells), "adjust", 2)


def _fields(change: Change, view: View) -> list[Line]:
    match change.action:
        case Action.CREATE:
            return [_value(field, view) for field in change.fields] if view.verbose else []
        case Action.ADJUST:
            return []
        case Action.LINK if not view.verbose:
            return [_difference(field, view) for field in change.fields if before(field) != NOTHING]
        case Action.LINK | Action.UPDATE | Action.DEACTIVATE | Action.WRITE_BACK:
            ordered = sorted(change.fields, key=lambda field: field.reason is Reason.DRIFT)
            return [_difference(field, view) for field in ordered]
        case _:
            assert_never(change.action)


def _value(field: FieldChange, view: View) -> Line:
    return Line((Cell(sanitize(field.field)), Cell(_cut(after(field), view))), "value", 6)


def _difference(field: FieldChange, view: View) -> Line:
    old, new = _telling(before(field), after(field), view)
    cells = (
        Cell(sanitize(field.field)),
        Cell(old),
        Cell("→"),
        Cell(new),
        Cell(
            why_changed(field, view.names),
            view.style.warn if field.reason is Reason.DRIFT else view.style.dim,
        ),
    )
    return Line(cells, "field", 6, gap=2)


def _others(group: FoldedChanges, view: View) -> Line:
    fields = ", ".join(dict.fromkeys(sanitize(field.field) for field in group.first.fields))
    more = "" if group.first.action is Action.WRITE_BACK else " more"
    text = f"{symbol(group.first.action)} {count(len(group.changes), group.first.mapping)}{more}"
    aside = f"{fields}, each with values of its own (-v shows them)"
    place = (
        where(group.first, view.names)
        if group.first.action is Action.WRITE_BACK
        else sanitize(group.first.entity)
    )
    return Line(
        (
            Cell(text, paint_of(group.first.action, view.style)),
            Cell(place),
            Cell(aside, view.style.dim),
        ),
        "head",
        2,
    )


def paint_of(action: Action, style: Style) -> Paint:
    """The colour of a change's line."""
    match action:
        case Action.CREATE:
            return style.add
        case Action.UPDATE | Action.ADJUST:
            return style.change
        case Action.DEACTIVATE:
            return style.remove
        case Action.LINK | Action.WRITE_BACK:
            return style.link
        case _:
            assert_never(action)


def _cut(text: str, view: View) -> str:
    return clip(text, LONGEST if view.verbose else VALUE_COLUMNS)


def _telling(old: str, new: str, view: View) -> tuple[str, str]:
    """Returns both texts, shortened so that their difference is still visible."""
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False)))
    if shared > VALUE_COLUMNS // 2 and max(len(old), len(new)) > VALUE_COLUMNS and not view.verbose:
        start = shared - VALUE_COLUMNS // 4
        old, new = ELLIPSIS + old[start:], ELLIPSIS + new[start:]
    return _cut(old, view), _cut(new, view)
