"""Renders the changes of a plan by customer, tab or service, one line for each; and by kind."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from trueup.model.change import Action, Change, Reason
from trueup.render.amounts import is_shown
from trueup.render.changes import FOUND_BY, before
from trueup.render.changes import NOTHING as EMPTY
from trueup.render.formatting import count, known_as, marked, money, plural
from trueup.render.layout import Cell, Line, free
from trueup.render.overview import Group, Overview, counted, divided, groups, whole
from trueup.render.sanitize import sanitize
from trueup.render.view import View
from trueup.render.wording import reason_text

INVOICE, MONTH, WAITS = "this invoice", "a month", "waits"
MOST = 8
"""Groups that have a line each where there are many more."""

FEW = 3
"""Fields of one mapping that are named, the most frequent."""

TITLES = {"customer": "By customer", "tab": "By tab", "service": "By service"}


def collapsed(seen: Overview, view: View) -> list[Line]:
    """One line for each group, and one for all of them."""
    every = groups(seen, view.arrangement)
    if not any(group.changes for group in every):
        return []
    most = None if view.verbose else MOST
    shown, rest = divided(every, lambda group: group.weight, view.arrangement, most)
    has_waits = any(group.waits or group.waits_price_unknown for group in every)
    title = TITLES[view.arrangement.group]
    heads = (INVOICE, MONTH, *([WAITS] if has_waits else ()))
    cells = [Cell(title, view.style.heading), Cell("")]
    cells += [Cell(text, view.style.heading, right=True) for text in heads]
    found = [Line(tuple(cells), "groups", gap=2, heading=True)]
    found += [_line(known_as(one.row.name), one, view, has_waits=has_waits) for one in shown]
    if rest:
        found.append(_line(f"and {len(rest):,} more", whole(rest), view, has_waits=has_waits))
    if len(every) > 1:
        found.append(_line("all", whole(every), view, has_waits=has_waits))
    return found


def small(of: Sequence[Group], view: View) -> list[Line]:
    """Returns one line for all groups below the minimum amount."""
    every = whole(of)
    parts = [f"{len(of):,} with less money", counted(every.changes, marks=view.verbose)]
    for name, amount in ((INVOICE, every.invoice), (MONTH, every.month)):
        parts += [f"{_amount(amount, view)} {name}"] if amount else []
    return [free(", ".join(part for part in parts if part), view.style.dim)]


def _line(name: str, group: Group, view: View, *, has_waits: bool) -> Line:
    unknown = group.price_unknown
    invoice = marked(_amount(group.invoice, view), price_unknown=unknown)
    month = marked(_amount(group.month, view), price_unknown=unknown)
    cells = [
        Cell(f"  {name}"),
        Cell(counted(group.changes, marks=view.verbose), view.style.dim),
        Cell(invoice, right=True, label=INVOICE),
        Cell(month, right=True, label=MONTH),
    ]
    if has_waits:
        waits = marked(_amount(group.waits, view), price_unknown=group.waits_price_unknown)
        cells.append(Cell(waits, right=True, label=WAITS))
    return Line(tuple(cells), "groups", gap=2)


def _amount(amount: Decimal, view: View) -> str:
    return money(amount, view.currency, signed=True) if amount else ""


def by_kind(changes: Sequence[Change], tabs: Sequence[str], view: View) -> list[Line]:
    """One line for each mapping: how many of its rows are linked, new, changed, and how.

    `tabs`: in their order.
    """
    found = [
        Line((Cell("What changes", view.style.heading), Cell(""), Cell("")), "kinds", heading=True)
    ]
    last = ""
    kinds = dict.fromkeys((change.tab, change.mapping) for change in changes)
    for tab, mapping in sorted(kinds, key=lambda kind: tabs.index(kind[0])):
        here = [change for change in changes if (change.tab, change.mapping) == (tab, mapping)]
        done = [one for one in here if is_shown(one, verbose=view.verbose)]
        if done:
            cells = (
                Cell("" if tab == last else f"  {sanitize(tab)}"),
                Cell(plural(mapping)),
                Cell("; ".join(_kinds(done, view))),
            )
            found.append(Line(cells, "kinds"))
            last = tab
    return found if len(found) > 1 else []


def _kinds(changes: Sequence[Change], view: View) -> list[str]:
    found = []
    links = Counter(
        FOUND_BY.get(change.how, change.how) for change in changes if change.action is Action.LINK
    )
    if links:
        ways = ", ".join(f"{many:,} {sanitize(way)}" for way, many in links.items())
        total = counted([change for change in changes if change.action is Action.LINK])
        found.append(f"{total} ({ways})" if len(links) > 1 else f"{total} {next(iter(links))}")
    others = counted(
        [change for change in changes if change.action is not Action.LINK], marks=view.verbose
    )
    found += [others] if others else []
    return found + _fields(changes, view)


def _fields(changes: Sequence[Change], view: View) -> list[str]:
    """The fields whose values are replaced, by the reason."""
    by_reason: dict[str, Counter[str]] = {}
    for change in changes:
        if change.action in {Action.UPDATE, Action.DEACTIVATE}:
            for field in change.fields:
                if field.reason is Reason.FIRST and before(field) == EMPTY:
                    continue  # what was empty is filled: no value is lost
                why = reason_text(field.reason, view.names)
                by_reason.setdefault(why, Counter())[sanitize(field.field)] += 1
    return [f"{why}: {_counted(many)}" for why, many in by_reason.items()]


def _counted(many: Counter[str]) -> str:
    """Returns the most frequent fields, each with how many rows it changes in."""
    frequent = [f"{name} {n:,}" for name, n in many.most_common(FEW)]
    more = len(many) - len(frequent)
    return ", ".join(frequent) + (f" and {count(more, 'field')} more" if more else "")
