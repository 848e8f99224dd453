"""The ledger as a table: only where Work 365 and Autotask differ, with the money, and what it comes to."""

from collections.abc import Sequence
from decimal import Decimal

from engine.model.plan import LedgerClass, LedgerLine
from engine.render.harmless import clean
from engine.render.layout import Cell, Line, free
from engine.render.style import Paint, Style
from engine.render.view import View
from engine.render.words import brief, count, known_as, money, number, sentence, signed

ORDER = (
    LedgerClass.MISSING,
    LedgerClass.UNDER_BILLED,
    LedgerClass.OVER_BILLED,
    LedgerClass.ORPHAN,
    LedgerClass.UNKNOWN,
    LedgerClass.HELD,
    LedgerClass.MATCH,
)
"""What loses money first."""


def lines(ledger: Sequence[LedgerLine], view: View) -> list[Line]:
    """Nothing where there is no ledger; one line where all agrees."""
    if not ledger:
        return []
    told = [line for line in sorted_by_class(ledger) if view.verbose or (differs(line) and not waits(line))]
    found = [_heading(view.style)] if told else [free("Ledger", view.style.heading)]
    found += [drawn for line in told for drawn in _line(line, view)]
    found += [free(text, view.style.dim, 2) for text in beside(ledger, verbose=view.verbose)]
    return found + [free(text, indent=2) for text in totals(ledger, view.currency)]


def differs(line: LedgerLine) -> bool:
    """Is there anything to say of it?"""
    return line.class_ is not LedgerClass.MATCH


def waits(line: LedgerLine) -> bool:
    """Is there nothing to say of it but that its changes are held, which stands above?"""
    return line.class_ is LedgerClass.HELD and not line.difference


def beside(ledger: Sequence[LedgerLine], *, verbose: bool = False) -> list[str]:
    """How many wait, and how many agree: lines that are counted rather than told."""
    waiting, agreeing = sum(map(waits, ledger)), sum(not differs(line) for line in ledger)
    found = []
    if waiting and not verbose:
        verb = "waits" if waiting == 1 else "wait"
        found.append(f"{count(waiting, ledger[0].mapping)} {verb} for changes that are held (-v shows them)")
    if agreeing:
        verb = "agrees" if agreeing == 1 else "agree"
        found.append(f"{count(agreeing, ledger[0].mapping)} {verb} with Autotask")
    return found


def sorted_by_class(ledger: Sequence[LedgerLine]) -> list[LedgerLine]:
    """By class, what loses money first; within a class in the plan's order."""
    return sorted(ledger, key=lambda line: ORDER.index(line.class_))


def difference(line: LedgerLine) -> str:
    """`+2`, or a question mark where nobody can tell."""
    return "?" if line.difference is None else signed(line.difference)


def a_month(line: LedgerLine, currency: str) -> str:
    """The money of the difference; which way it goes is in the class and in the difference."""
    if not differs(line) or not line.difference:
        return ""
    if line.monthly is None:
        return "price unknown"
    return f"{money(abs(line.monthly), currency)} a month"


def totals(ledger: Sequence[LedgerLine], currency: str) -> list[str]:
    """What is billed too little and too much a month, as far as prices are known."""
    found = []
    for said, above in (("Billed too little", True), ("Billed too much", False)):
        of_these = [line for line in ledger if differs(line) and line.difference and (line.difference > 0) is above]
        known = [abs(line.monthly) for line in of_these if line.monthly is not None]
        if of_these:
            unknown = len(of_these) - len(known)
            beside = f" and {count(unknown, 'line')} without a price" if unknown else ""
            found.append(f"{said}: {money(sum(known, Decimal(0)), currency)} a month{beside}.")
    return found


def _heading(style: Style) -> Line:
    cells = [Cell("Ledger", style.heading), Cell("")]
    cells += [Cell(text, right=True) for text in ("Work 365", "Autotask", "pending", "difference")]
    return Line(tuple(cells), "ledger")


def _line(line: LedgerLine, view: View) -> list[Line]:
    quantity = "-" if line.quantity is None else number(line.quantity)
    figures = (quantity, number(line.units), number(line.pending), difference(line))
    cells = [Cell(f"  {line.class_}", _paint(line.class_, view.style)), Cell(name_of(line))]
    cells += [Cell(figure, right=True) for figure in figures]
    cells += [Cell(a_month(line, view.currency), right=True), Cell(clean(line.text), view.style.dim)]
    found = [Line(tuple(cells), "ledger")]
    if line.remedy and line.class_ is not LedgerClass.HELD:  # of what is held, the way out stands above
        remedy = line.remedy if view.verbose else brief(line.remedy)
        found.append(free(f"→ {sentence(clean(remedy))}", indent=6))
    return found


def name_of(line: LedgerLine) -> str:
    """What people call it, the customer first."""
    name = known_as(line.name)
    customer = known_as(line.customer) if line.customer else ""
    return name if not customer or name.startswith(customer) else f"{customer}, {name}"


def _paint(class_: LedgerClass, style: Style) -> Paint:
    return style.dim if class_ is LedgerClass.MATCH else style.warn
