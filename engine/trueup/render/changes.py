"""A tab's changes as lines: one for each change, its fields below it, equal ones folded."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from itertools import takewhile
from typing import assert_never

from engine.model.plan import Action, Change, FieldChange, Reason, Unknown
from engine.render.fold import Group, fold, is_drift
from engine.render.harmless import ELLIPSIS, LONGEST, clean, clip
from engine.render.layout import Cell, Line, free
from engine.render.style import Paint, Style
from engine.render.view import View
from engine.render.words import count, known_as, money, sentence, signed, some

UNKNOWN = "(known after apply)"
NOTHING = "\N{EN DASH}"
CANNOT_BE_UNDONE = "cannot be undone"
DRIFT_HEADING = "edited in Autotask, put back"
VALUE_COLUMNS = 40
FEW = 2
FOUND_BY = {"match": "found by match", "identity": "found by its identity", "decision": "by decision"}

_SYMBOLS = {
    Action.LINK: "→",
    Action.CREATE: "+",
    Action.UPDATE: "~",
    Action.DEACTIVATE: "-",
    Action.ADJUST: "±",
    Action.WRITE_BACK: "←",
}


def desired(changes: Sequence[Change], view: View) -> list[Line]:
    """What the plan wants, folded where it is equal; all but what `drift` tells."""
    return _told(tidied([change for change in changes if not is_drift(change)]), view)


def drift(changes: Sequence[Change], view: View) -> list[Line]:
    """Under a heading of their own: changes that do nothing but put back an edit."""
    edited = tidied([change for change in changes if is_drift(change)])
    inside = [
        replace(line, indent=line.indent + 2, kind=line.kind and f"{line.kind} of drift")
        for line in _told(edited, view)
    ]
    return [free(DRIFT_HEADING, view.style.warn, 2), *inside] if edited else []


def tidied(changes: Sequence[Change]) -> list[Change]:
    """In the order in which people look: by mapping, records before marks in Work 365, by name.

    A link and the update of the same record are one to look at: the link takes the update's fields.
    """
    position = {mapping: place for place, mapping in enumerate(dict.fromkeys(one.mapping for one in changes))}
    links = {(one.mapping, one.keys) for one in changes if one.action is Action.LINK}
    updates = {(one.mapping, one.keys): one for one in changes if one.action is Action.UPDATE}
    found = []
    for one in changes:
        row = (one.mapping, one.keys)
        if one.action is Action.LINK and row in updates:
            found.append(replace(one, fields=updates[row].fields, notes=(*one.notes, *updates[row].notes)))
        elif not (one.action is Action.UPDATE and row in links):
            found.append(one)
    last = Action.WRITE_BACK
    return sorted(found, key=lambda one: (position[one.mapping], one.action is last, one.name.casefold()))


def symbol(action: Action) -> str:
    """The sign at the head of a change's line."""
    return _SYMBOLS[action]


def before(field: FieldChange) -> str:
    """The value that is there, as people read it."""
    return NOTHING if field.before is None else clean(field.shown_before) or NOTHING


def after(field: FieldChange) -> str:
    """The value that will be there; what only apply will know is said to be so."""
    return UNKNOWN if isinstance(field.after, Unknown) else clean(field.shown_after) or NOTHING


def why(field: FieldChange) -> str:
    """Why it differs; of what is new that goes without saying."""
    return "" if field.reason is Reason.NEW else str(field.reason)


def where(change: Change) -> str:
    """What is written, by entity and id."""
    if change.action is Action.WRITE_BACK:
        return f"Work 365 {clean(change.entity)}"
    return clean(change.entity) + (f" {change.record}" if change.record is not None else ", new")


def units(change: Change) -> str:
    """What an adjustment does: `12 → 15 units from 2026-11-15`."""
    if change.units:
        said = f"{change.units[0]} → {change.units[1]} units"
    else:
        whole = [value for value in change.values.values() if isinstance(value, int)]
        said = f"{signed(whole[-1])} units" if whole else "units"
    day = first_day(change)
    return said + (f" from {day.isoformat()}" if day else "")


def first_day(change: Change) -> date | None:
    """The day from which an adjustment counts: the one day among the values that are sent."""
    return next((value for value in change.values.values() if isinstance(value, date)), None)


def effect(change: Change, currency: str) -> str:
    """What the change does to the bill each month, or that its price is not known."""
    said = []
    if change.monthly is not None:
        said.append(f"{money(change.monthly, currency, signed=True)} a month")
    if change.price_unknown:
        said.append("price unknown")
    return ", ".join(said)


def notes(change: Change, currency: str) -> list[str]:
    """What else there is to say: the amount for days that are past, the change's own notes."""
    once = money(change.one_off, currency, signed=True) if change.one_off else ""
    return ([f"{once} once for the days before (an estimate)"] if once else []) + [
        sentence(clean(n)) for n in change.notes
    ]


def _told(changes: Sequence[Change], view: View) -> list[Line]:
    return [line for group in fold(changes, verbose=view.verbose) for line in _group(group, view)]


def _group(group: Group, view: View) -> list[Line]:
    if not group.alike:
        return [_others(group, view)]
    head = _adjustment(group.first, view) if group.first.action is Action.ADJUST else _head(group, view)
    found = [head, *_fields(group.first, view)]
    if len(group.changes) > 1:
        found.append(free(some([change.name for change in group.changes]), view.style.dim, 6))
    return found + [free(note, view.style.dim, 6) for note in notes(group.first, view.currency)]


def _head(group: Group, view: View) -> Line:
    change, many = group.first, len(group.changes)
    name = known_as(change.name) if many == 1 else count(many, change.mapping)
    place = where(change) if many == 1 or change.action is Action.WRITE_BACK else clean(change.entity)
    cells = (
        Cell(f"{symbol(change.action)} {name}", paint_of(change.action, view.style)),
        Cell(place + (", new" if many > 1 and change.action is Action.CREATE else "")),
        Cell(_aside(change, many, view), view.style.dim),
    )
    return Line(cells, "head", 2)


def _aside(change: Change, many: int, view: View) -> str:
    match change.action:
        case Action.CREATE:
            each = " each" if many > 1 else ""
            said = "" if view.verbose else f"{count(len(change.fields), 'field')}{each} (-v shows them)"
        case Action.LINK:
            said = FOUND_BY.get(change.how, clean(change.how)) + ("" if view.verbose else _fills(change))
        case Action.DEACTIVATE:
            said = "to be switched off"
        case Action.UPDATE | Action.WRITE_BACK | Action.ADJUST:
            said = ""
        case _:
            assert_never(change.action)
    return ", ".join(part for part in (said, effect(change, view.currency)) if part)


def _fills(change: Change) -> str:
    """What was empty until now: by name where it is little."""
    filled = [clean(field.field) for field in change.fields if before(field) == NOTHING]
    if not filled:
        return ""
    return f", fills {' and '.join(filled)}" if len(filled) <= FEW else f", fills {count(len(filled), 'empty field')}"


def _adjustment(change: Change, view: View) -> Line:
    cells = (
        Cell(f"± {known_as(change.name)}", view.style.change),
        Cell(units(change)),
        Cell(effect(change, view.currency)),
        Cell(CANNOT_BE_UNDONE, view.style.warn),
    )
    return Line(cells, "adjust", 2)


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
    return Line((Cell(clean(field.field)), Cell(_cut(after(field), view))), "value", 6)


def _difference(field: FieldChange, view: View) -> Line:
    old, new = _telling(before(field), after(field), view)
    cells = (
        Cell(clean(field.field)),
        Cell(old),
        Cell("→"),
        Cell(new),
        Cell(why(field), view.style.warn if field.reason is Reason.DRIFT else view.style.dim),
    )
    return Line(cells, "field", 6, gap=2)


def _others(group: Group, view: View) -> Line:
    fields = ", ".join(dict.fromkeys(clean(field.field) for field in group.first.fields))
    more = "" if group.first.action is Action.WRITE_BACK else " more"
    text = f"{symbol(group.first.action)} {count(len(group.changes), group.first.mapping)}{more}"
    aside = f"{fields}, each with values of its own (-v shows them)"
    place = where(group.first) if group.first.action is Action.WRITE_BACK else clean(group.first.entity)
    return Line(
        (Cell(text, paint_of(group.first.action, view.style)), Cell(place), Cell(aside, view.style.dim)),
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
    """Both, cut to their columns in a way that still shows where they differ."""
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False)))
    if shared > VALUE_COLUMNS // 2 and max(len(old), len(new)) > VALUE_COLUMNS and not view.verbose:
        start = shared - VALUE_COLUMNS // 4
        old, new = ELLIPSIS + old[start:], ELLIPSIS + new[start:]
    return _cut(old, view), _cut(new, view)
