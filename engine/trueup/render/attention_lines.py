"""Renders what needs a person as lines: the most expensive first, with the remedy."""

from collections import Counter
from collections.abc import Sequence

from trueup.model.finding import Finding
from trueup.render.attention import Item, NeedKind
from trueup.render.crowds import Crowd, crowds_of
from trueup.render.findings import chain_text, holds_back, place_text, remedy_text
from trueup.render.formatting import counts, marked, money, sentence, signed, some
from trueup.render.layout import Cell, Line, free
from trueup.render.overview import Overview, divided
from trueup.render.pennies import NOTHING
from trueup.render.sanitize import sanitize
from trueup.render.style import Paint
from trueup.render.view import View

FEW = 5
"""Items that are shown if there are many more."""

TITLE = "Needs a person"
LISTED_BY = "`trueup show FILE --format csv --table waiting` lists them all"


def lines(seen: Overview, view: View) -> list[Line]:
    """Returns the list; empty if nothing needs a person."""
    if not seen.items:
        return []
    crowds = crowds_of(seen.items, view.arrangement, each=view.verbose)
    most = None if view.verbose else FEW
    shown, rest = divided(crowds, lambda crowd: crowd.weight, view.arrangement, most)
    heading = Line(
        (
            Cell(TITLE, view.style.heading),
            Cell(""),
            Cell("units", view.style.heading, right=True),
            Cell("a month", view.style.heading, right=True),
        ),
        "needs",
        heading=True,
    )
    found = [heading, *(line for crowd in shown for line in _crowd(crowd, view))]
    return found + _rest([item for crowd in rest for item in crowd.items], view)


def _crowd(crowd: Crowd, view: View) -> list[Line]:
    item, many = crowd.first, len(crowd.items)
    title = crowd.title
    findings = crowd.findings
    reason = sentence(sanitize(findings[0].text)) if findings else ""
    amount = "" if crowd.monthly is None else money(crowd.monthly, view.currency, signed=True)
    cells = (
        Cell(
            f"  ! {title}: {reason}" if reason else f"  ! {title}",
            _paint(item.kind, view),
            wraps=True,
        ),
        Cell(str(item.kind)),
        Cell(signed(crowd.units) if crowd.units else "", right=True, label="units"),
        Cell(marked(amount, price_unknown=crowd.unpriced > 0), right=True, label="a month"),
    )
    found = [Line(cells, "needs")]
    for number, finding in enumerate(findings):
        found += [free(sentence(sanitize(finding.text)), indent=6)] if number else []
        found += _way_out(finding, view)
    if item.because:
        found.append(free(f"waits for {chain_text(item.because)}", view.style.dim, 6))
    if many > 1:
        names = some([one.row.name or one.row.key for one in crowd.items])
        found.append(free(f"{names} (-v shows each)", view.style.dim, 6))
    if crowd.units and not view.verbose:
        return found
    return found + holds_back([one.holds_back for one in crowd.items], view.style)


def _way_out(finding: Finding, view: View) -> list[Line]:
    """Returns the remedy, and with `-v` the place of the rule."""
    remedy, place = remedy_text(finding, view), place_text(finding, view)
    found = [free(f"→ {remedy}", indent=6)] if remedy else []
    return [*found, free(place, view.style.dim, 6)] if place else found


def _paint(kind: NeedKind, view: View) -> Paint:
    return view.style.error if kind is NeedKind.BLOCKED else view.style.warn


def _rest(items: Sequence[Item], view: View) -> list[Line]:
    """Returns a line that counts the items that are not shown, with their money."""
    if not items:
        return []
    rest = Crowd(tuple(items))
    amount = money(rest.monthly or NOTHING, view.currency, signed=True)
    cells = (
        Cell(f"  and {len(items):,} more", view.style.dim),
        Cell(""),
        Cell(signed(rest.units), right=True, label="units"),
        Cell(marked(amount, price_unknown=rest.unpriced > 0), right=True, label="a month"),
    )
    mappings = counts(Counter(item.row.mapping for item in items))
    hint = LISTED_BY if view.verbose else f"-v shows them, {LISTED_BY}"
    return [Line(cells, "needs"), free(f"{mappings} ({hint})", view.style.dim, 6)]
