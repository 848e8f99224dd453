"""Renders changes that only one of two plans has, or both with differences."""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal

from trueup.model.change import Action, Change, FieldChange, RowRef
from trueup.model.comparison import ChangePair
from trueup.planning.comparison import FACTS, SENT
from trueup.render import changes
from trueup.render.formatting import count, known_as, money, signed, word
from trueup.render.layout import Cell, Line, free
from trueup.render.sanitize import sanitize
from trueup.render.style import Paint
from trueup.render.view import View

MOST = 20
"""Lines of a section that are shown; `-v` shows all."""

ARROW = "→"
NONE = "-"
NOT_WRITTEN = "(not written)"
_ON_ITS_LINE = frozenset({"a month"})
"""Facts that are shown on the first line of a change."""


def titled(title: str, lines: Sequence[Line], view: View) -> list[Line]:
    """Returns the lines below a heading, with their number; only the first ones unless verbose."""
    if not lines:
        return []
    shown = lines if view.verbose or len(lines) <= MOST + 1 else lines[:MOST]
    more = len(lines) - len(shown)
    rest = [free(f"and {count(more, 'line')} more (-v shows them)", view.style.dim, 2)]
    return [free(title, view.style.heading), *shown, *(rest if more else [])]


def change_sections(pairs: Sequence[ChangePair], view: View) -> list[list[Line]]:
    """Changes that appear, vanish and differ, each under a heading; marks with `-v` only."""
    shown = [pair for pair in pairs if view.verbose or not is_mark(pair)]
    appear = [pair for pair in shown if pair.before is None]
    vanish = [pair for pair in shown if pair.after is None]
    differ = [pair for pair in shown if pair.before is not None and pair.after is not None]
    style = view.style
    sections = [
        _section("Changes that appear", appear, style.add, view),
        _section("Changes that vanish", vanish, style.remove, view),
        _section("Changes that differ", differ, style.change, view),
    ]
    if marks := len(pairs) - len(shown):
        text = f"{count(marks, 'mark')} in {view.names.source} differ too (-v shows them)"
        sections.append([free(text, style.dim)])
    return sections


def is_mark(pair: ChangePair) -> bool:
    """Returns whether it only writes back to the source."""
    return pair.change.action is Action.WRITE_BACK


def _section(title: str, pairs: Sequence[ChangePair], paint: Paint, view: View) -> list[Line]:
    lines = [line for pair in pairs for line in _pair(pair, paint, view)]
    return titled(f"{title}: {len(pairs):,}", lines, view)


def _pair(pair: ChangePair, paint: Paint, view: View) -> Iterator[Line]:
    change = pair.change
    name = f"{changes.symbol(change.action)} {word(change.mapping)} {known_as(change.name)}"
    is_in_both = pair.before is not None and pair.after is not None
    what = "" if is_in_both else changes.units(change) if change.units else str(change.action)
    cells = (Cell(name, paint, wraps=True), Cell(what), Cell(_effect(pair, view)))
    yield Line(cells, "changes", 2)
    if pair.before is not None and pair.after is not None:
        for fact in pair.facts:
            if fact not in _ON_ITS_LINE:
                text = _fact(fact, pair.before, pair.after, view)
                yield Line((Cell(fact), Cell(text, wraps=True)), "parts", 6)
    for field in pair.fields:
        named = field.after or field.before
        text = f"{_field(field.before)} {ARROW} {_field(field.after)}"
        yield Line(
            (Cell(sanitize(named.field if named else "")), Cell(text, wraps=True)), "parts", 6
        )


def _effect(pair: ChangePair, view: View) -> str:
    """The effect on the run rate; of a change that both plans have, before and after."""
    before, after = (one.monthly if one else None for one in (pair.before, pair.after))
    if before == after:
        return ""
    if pair.before is not None and pair.after is not None:
        return f"{_shown(before, view)} {ARROW} {_shown(after, view)} a month"
    return f"{_shown(before if after is None else after, view)} a month"


def _fact(name: str, before: Change, after: Change, view: View) -> str:
    if name == SENT:
        other = {key for key in {*before.values, *after.values} if _differs(key, before, after)}
        return ", ".join(sorted(map(sanitize, other)))
    fact = FACTS[name]
    return f"{_shown(fact(before), view)} {ARROW} {_shown(fact(after), view)}"


def _differs(key: str, before: Change, after: Change) -> bool:
    return before.values.get(key) != after.values.get(key)


def _field(field: FieldChange | None) -> str:
    return NOT_WRITTEN if field is None else changes.after(field)


def _shown(value: object, view: View) -> str:
    """Returns a fact as display text."""
    match value:
        case None:
            return NONE
        case Decimal():
            return money(value, view.currency, signed=True)
        case RowRef():
            return known_as(value.name or value.key)
        case date():
            return value.isoformat()
        case (int(first), int(second)):
            return f"{signed(second - first)} ({first} to {second})"
        case _:
            return sanitize(str(value))
