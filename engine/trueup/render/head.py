"""Renders the head of a plan for a terminal: the money, the billing errors, the verdict."""

from collections.abc import Sequence
from decimal import Decimal

from trueup.model.change import Action
from trueup.model.plan import Plan
from trueup.render.changes import symbol
from trueup.render.findings import remedy_text
from trueup.render.formatting import count, known_as, marked, money, number, signed
from trueup.render.layout import Cell, Line, free
from trueup.render.overview import (
    TOP,
    Balance,
    Figure,
    MoneyLine,
    Overview,
    balance,
    divided,
    figures,
    money_lines,
    open_runs,
    refusals,
    summed,
    verdict,
    waiting,
)
from trueup.render.sanitize import sanitize
from trueup.render.view import View
from trueup.render.wording import stays_text

MORE, LESS, NET = "more", "less", "net"
INVOICE, MONTH = "this invoice", "a month"


def runs_first(plan: Plan, view: View) -> list[Line]:
    """Returns that a run is open, which comes first because no plan can be applied then."""
    found = []
    for finding in open_runs(plan):
        found.append(free(f"! {sanitize(finding.text)}", view.style.error))
        found.append(free(f"→ {remedy_text(finding, view)}", indent=4))
    return found


def money_table(seen: Overview, view: View) -> list[Line]:
    """Returns what changes on this invoice run, a month and a year."""
    rows = figures(seen)
    if not rows:
        return []
    heads = [Cell(text, view.style.heading, right=True) for text in (MORE, LESS, NET)]
    found = [Line((Cell("Money", view.style.heading), *heads), "money", heading=True)]
    return found + [_figure(row, view) for row in rows]


def _figure(row: Figure, view: View) -> Line:
    more, less, net = (
        "" if amount is None else _signed(amount, view) for amount in (row.more, row.less, row.net)
    )
    texts = {MORE: more, LESS: less, NET: marked(net, price_unknown=row.price_unknown)}
    cells = [Cell(text, right=True, label=label) for label, text in texts.items()]
    return Line((Cell(_label(row)), *cells), "money")


def _label(row: Figure | Balance) -> str:
    return f"    {row.label}" if row.is_part else f"  {row.label}"


def balance_table(seen: Overview, view: View) -> list[Line]:
    """Returns what is billed wrong now, and how much of it is moved, held or unexplained."""
    rows = balance(seen)
    if not rows:
        return []
    cells = (
        Cell("Billed now", view.style.heading),
        Cell("units", view.style.heading, right=True),
        Cell(MONTH, view.style.heading, right=True),
        Cell(""),
    )
    return [Line(cells, "balance", heading=True), *(_balance(row, view) for row in rows)]


def _balance(row: Balance, view: View) -> Line:
    units = "" if row.units is None else signed(row.units) if row.signed else number(row.units)
    amount = "" if row.money is None else money(row.money, view.currency, signed=row.signed)
    cells = (
        Cell(_label(row)),
        Cell(units, right=True, label="units"),
        Cell(amount, right=True),
        Cell(row.note, view.style.dim),
    )
    return Line(cells, "balance")


def verdict_lines(seen: Overview, view: View) -> list[Line]:
    """Returns whether the plan can be signed, what waits, and the limits that it exceeds."""
    paint = view.style.error if refusals(seen.plan) else view.style.heading
    found = [Line((Cell("Can be signed", view.style.heading), Cell(verdict(seen), paint)), "sign")]
    if text := waiting(seen):
        found.append(Line((Cell("Needs a person", view.style.heading), Cell(text)), "sign"))
    for guard in seen.plan.exceeded:
        text = f"{sanitize(guard.text)} (--over {sanitize(guard.limit)})"
        found.append(Line((Cell("Limit", view.style.error), Cell(text, view.style.error)), "sign"))
    return found


def top_lines(seen: Overview, view: View) -> list[Line]:
    """Returns the changes that matter most, and the sum of the others."""
    every = money_lines(seen)
    most = None if view.verbose else TOP
    shown, rest = divided(every, lambda line: line.weight, view.arrangement, most)
    if not every:
        return []
    cells = (
        Cell("What matters most", view.style.heading),
        Cell("units", view.style.heading),
        Cell(INVOICE, view.style.heading, right=True),
        Cell(MONTH, view.style.heading, right=True),
    )
    found = [Line(cells, "top", heading=True), *(_top(line, view) for line in shown)]
    if rest:
        found.append(_rest(rest, view))
    if any(change.is_append for line in every for change in line.changes):
        found.append(free(f"± {sanitize(stays_text(view.names))}", view.style.dim, 2))
    return found


def _top(line: MoneyLine, view: View) -> Line:
    units = units_of(line)
    invoice, month = amounts_of(line, view)
    is_mark = all(change.action is Action.WRITE_BACK for change in line.changes)
    sign = "±" if units else symbol(Action.WRITE_BACK if is_mark else Action.CREATE)
    return Line(
        (
            Cell(f"  {sign} {known_as(line.name)}", view.style.change),
            Cell(units),
            Cell(invoice, right=True, label=INVOICE),
            Cell(month, right=True, label=MONTH),
        ),
        "top",
    )


def units_of(line: MoneyLine) -> str:
    """`12 → 15`, for each change of the line that has units."""
    pairs = [change.units for change in line.changes if change.units]
    return ", ".join(f"{before} → {after}" for before, after in pairs)


def amounts_of(line: MoneyLine, view: View) -> tuple[str, str]:
    """Returns the effect on the next invoice and a month; a question mark without a price."""
    unknown = line.price_unknown
    invoice = _signed(line.invoice, view) if line.invoice or not unknown else ""
    month = _signed(line.month, view) if line.is_billed_monthly else ""
    return marked(invoice, price_unknown=unknown), marked(month, price_unknown=unknown)


def _rest(rest: Sequence[MoneyLine], view: View) -> Line:
    invoice, month = amounts_of(summed(rest), view)
    hint = "" if view.verbose else " (-v shows them)"
    return Line(
        (
            Cell(f"  and {count(len(rest), 'line')} more{hint}", view.style.dim),
            Cell(""),
            Cell(invoice, right=True, label=INVOICE),
            Cell(month, right=True, label=MONTH),
        ),
        "top",
    )


def _signed(amount: Decimal, view: View) -> str:
    return money(amount, view.currency, signed=True)
