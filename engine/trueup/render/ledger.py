"""Renders the ledger as a table: billed units, due units, and the use of the difference."""

from collections.abc import Callable
from decimal import Decimal

from msgspec import Struct

from trueup.model.plan import LedgerClass, LedgerLine, Plan
from trueup.render.attention import billing, is_known
from trueup.render.formatting import known_as, money, number, sentence, signed
from trueup.render.layout import Cell, Line, free
from trueup.render.pennies import Spread, spread
from trueup.render.sanitize import sanitize
from trueup.render.style import Paint, Style
from trueup.render.view import View
from trueup.render.wording import class_text
from trueup.stages.ledger_totals import LineParts, parts_of

ORDER = (
    LedgerClass.MISSING,
    LedgerClass.UNDER_BILLED,
    LedgerClass.OVER_BILLED,
    LedgerClass.ORPHAN,
    LedgerClass.UNKNOWN,
    LedgerClass.MATCH,
)
"""The order of lines: those that lose money first."""


def lines(plan: Plan, view: View) -> list[Line]:
    """Returns the whole ledger; empty if there is none."""
    if not plan.ledger:
        return []
    found = [_heading(view)]
    for line, amount in priced(plan):
        found += _line(line, amount, view)
    return found


def priced(plan: Plan) -> list[tuple[LedgerLine, Decimal | None]]:
    """Returns the lines with the money of the billing error; those that lose money first.

    To the penny; together the amounts are what is billed too little less what is billed too much.
    """
    known = {str(n): line.monthly for n, line in enumerate(plan.ledger) if line.monthly is not None}
    total = billing(plan)
    money_ = spread(known, total.under - total.over)
    lines_ = [(line, money_.of(str(n))) for n, line in enumerate(plan.ledger)]
    return sorted(lines_, key=lambda pair: ORDER.index(pair[0].class_))


class LineMoney(Struct, frozen=True):
    """The monthly billing error of a line and its parts; None if there is none or unknown.

    To the penny; each column adds up to the total of the ledger.
    """

    wrong: Decimal | None
    moved: Decimal | None
    held: Decimal | None
    unexplained: Decimal | None


def line_money(plan: Plan) -> list[tuple[LedgerLine, LineMoney]]:
    """Returns the lines with the parts of their money; those that lose money first."""
    total = billing(plan)
    known = {
        str(n): parts
        for n, line in enumerate(plan.ledger)
        if is_known(line) and (parts := parts_of(line))
    }

    def part(of: Callable[[LineParts], Decimal | None], whole: Decimal) -> Spread:
        amounts = {n: of(parts) for n, parts in known.items()}
        return spread({n: one for n, one in amounts.items() if one}, whole)

    moved = part(lambda parts: parts.moved_money, total.moved)
    held = part(lambda parts: parts.held_money, total.held)
    unexplained = part(lambda parts: parts.unexplained_money, total.unexplained)
    positions = {id(line): str(n) for n, line in enumerate(plan.ledger)}
    found = []
    for line, wrong in priced(plan):
        n = positions[id(line)]
        found.append((line, LineMoney(wrong, moved.of(n), held.of(n), unexplained.of(n))))
    return found


def differs(line: LedgerLine) -> bool:
    """Returns whether the two sides differ, or are unknown."""
    return line.class_ is not LedgerClass.MATCH


def price_unknown(line: LedgerLine) -> bool:
    """Returns whether the two sides differ by units, or by a price, and the money is unknown."""
    is_wrong = differs(line) or line.repriced is None
    return is_wrong and line.monthly is None and line.unexplained is not None


def correction_text(line: LedgerLine, currency: str) -> str:
    """Returns the effect of a decision to correct: units and money."""
    billed = (line.units or 0) + line.pending
    wanted = line.difference or Decimal(0)
    effect = line.unmoved_money(wanted)
    amount = f", {money(effect, currency, signed=True)} a month" if effect is not None else ""
    return (
        f"On {line.day.isoformat()} {number(billed)} units are billed with all pending changes, "
        f"and {number(line.quantity or 0)} should be: "
        f"apply adjusts them by {signed(wanted)}{amount}. Another difference needs a new decision."
    )


COLUMNS = ("moved", "held", "unexplained", "a month")
"""Names of the columns after the two systems."""


def figures(line: LedgerLine, amount: Decimal | None, currency: str) -> list[str]:
    """Returns the cells of a line: both sides, the use of the difference, and its money.

    What moves and is held of a line with an unknown side is in no sum, and in no cell.
    """
    sides = (
        "-" if line.class_ is LedgerClass.ORPHAN else _known(line.quantity),
        _known(line.units),
    )
    known = is_known(line)
    becomes = [
        signed(line.moved) if known and line.moves_units else "",
        signed(line.held_units) if known and line.held_units else "",
    ]
    left = "?" if line.unexplained is None else signed(line.unexplained) if line.unexplained else ""
    if amount is None:
        money_cell = "price unknown" if price_unknown(line) else ""
    else:
        money_cell = money(amount, currency, signed=True) if amount else ""
    return [*sides, *becomes, left, money_cell]


def _known(value: Decimal | int | None) -> str:
    return "?" if value is None else number(value)


def _heading(view: View) -> Line:
    cells = [Cell("Ledger", view.style.heading), Cell("")]
    cells += [Cell(text, right=True) for text in (view.names.source, view.names.target, *COLUMNS)]
    return Line(tuple(cells), "ledger", heading=True)


def _line(line: LedgerLine, amount: Decimal | None, view: View) -> list[Line]:
    cells = [
        Cell(f"  {class_text(line.class_, view.names)}", _paint(line.class_, view.style)),
        Cell(name_of(line)),
    ]
    labels = (view.names.source, view.names.target, *COLUMNS)
    cells += [
        Cell(figure, right=True, label=label)
        for figure, label in zip(figures(line, amount, view.currency), labels, strict=True)
    ]
    found = [Line(tuple(cells), "ledger")]
    if line.text:
        found.append(free(sentence(sanitize(line.text)), view.style.dim, 6))
    if line.remedy:
        remedy = line.remedy if view.verbose else line.advice.brief()
        found.append(free(f"→ {sentence(sanitize(remedy))}", indent=6))
    return found


def name_of(line: LedgerLine) -> str:
    """Returns the display name, with the customer first, unless it begins with that name itself.

    A word that begins like the customer does not count: "Microsoft 365" does not name "Micro".
    """
    name = known_as(line.name)
    customer = known_as(line.customer) if line.customer else ""
    is_named = name.startswith(customer) and not name[len(customer) :][:1].isalnum()
    return name if not customer or is_named else f"{customer}, {name}"


def _paint(class_: LedgerClass, style: Style) -> Paint:
    return style.dim if class_ is LedgerClass.MATCH else style.warn
