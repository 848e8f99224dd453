"""Renders a plan as an Excel workbook: its head, and a sheet per table with totals."""

from collections.abc import Sequence
from decimal import Decimal

from msgspec import Struct

from trueup.model.plan import Amount, Plan
from trueup.render.attention import NeedKind, items
from trueup.render.csv_ import Cells
from trueup.render.noted import NOTHING_NOTED, Noted
from trueup.render.overview import Overview, overview, verdict
from trueup.render.overview import waiting as waiting_text
from trueup.render.partial_reads import LABEL as IN_PART
from trueup.render.partial_reads import partial_reads
from trueup.render.pennies import NOTHING
from trueup.render.plan_tables import TableKind, rows_of, waiting_rows
from trueup.render.text import outside_text, summary
from trueup.render.workbook import Content, Look, Sheet, SheetFormula, Workbook, column_name

EFFECTS = frozenset({
    "this invoice", "of it once", "run rate", "annual", "lost", "held a month",
    "unexplained a month", "repriced", "monthly",
})  # fmt: skip
"""Columns of money that have a total."""

PRICE = "price"
"""A column of money, or of the word that a price is unknown; it has no total."""

WIDTHS = {
    "customer": 28, "name": 44, "service": 32, "reason": 28, "remedy": 60, "text": 60, "note": 32,
    "key": 16, "before": 28, "after": 28, "waits for": 36, "entity": 20, "mapping": 16,
    "noted": 44,
}  # fmt: skip
WIDTH = 14
HEAD_WIDTHS = (32, 18, 18, 18, 18)
LINE = 72
"""Characters in a line of the head's text."""

_ONLY = {"held": {"held units", "held a month"}, "differs": {"unexplained units",
         "unexplained a month"}}  # fmt: skip


class Page(Struct, frozen=True):
    """A sheet of one table."""

    title: str
    columns: tuple[str, ...]
    rows: Sequence[Cells]

    def total(self, name: str) -> SheetFormula:
        """The sum of a column."""
        return self._formula(name, "SUM({})", self._amounts(name))

    def more(self, name: str) -> SheetFormula:
        """The sum of what is above zero in a column."""
        above = [amount for amount in self._amounts(name) if amount > 0]
        return self._formula(name, 'SUMIF({},">0")', above)

    def less(self, name: str) -> SheetFormula:
        """The sum of what is below zero in a column."""
        below = [amount for amount in self._amounts(name) if amount < 0]
        return self._formula(name, 'SUMIF({},"<0")', below)

    def _amounts(self, name: str) -> list[Decimal]:
        return [cell for row in self.rows if isinstance(cell := row.get(name), Decimal)]

    def _formula(self, name: str, text: str, amounts: Sequence[Decimal]) -> SheetFormula:
        """Over the cells below the heading; of a sheet without rows that is one empty cell."""
        column, last = column_name(self.columns.index(name)), max(len(self.rows), 1) + 1
        cells = f"{self.title}!${column}$2:${column}${last}"
        return SheetFormula(f"={text.format(cells)}", sum(amounts, NOTHING))


def plan_xlsx(plan: Plan, noted: Noted = NOTHING_NOTED) -> bytes:
    """The workbook. The same plan gives the same bytes.

    Raises EngineError if the extra `excel` is missing.
    """
    pages = _pages(plan, noted)
    book = Workbook(f"Plan of {plan.as_of.isoformat()}", plan.as_of, plan.currency)
    _write_head(book.add("Summary"), overview(plan), pages)
    for page in pages.values():
        _write(book.add(page.title), page)
    return book.finished()


def _pages(plan: Plan, noted: Noted) -> dict[str, Page]:
    held = tuple(name for name in TableKind.WAITING.columns if name not in _ONLY["differs"])
    differs = tuple(name for name in TableKind.WAITING.columns if name not in _ONLY["held"])
    found = items(plan)

    def waiting(*kinds: NeedKind) -> list[Cells]:
        chosen = (item for item in found if item.kind in kinds)
        return waiting_rows(chosen, plan.currency, noted)

    pages = (
        Page("Changes", TableKind.CHANGES.columns, rows_of(plan, TableKind.CHANGES, noted)),
        Page("Fields", TableKind.FIELDS.columns, rows_of(plan, TableKind.FIELDS)),
        Page("Blocked", held, waiting(NeedKind.BLOCKED)),
        Page("Held", held, waiting(NeedKind.HELD)),
        Page("Differences", differs, waiting(NeedKind.DIFFERENCE, NeedKind.UNKNOWN)),
        Page("Ledger", TableKind.LEDGER.columns, rows_of(plan, TableKind.LEDGER, noted)),
        Page("Findings", TableKind.FINDINGS.columns, rows_of(plan, TableKind.FINDINGS)),
    )
    return {page.title: page for page in pages}


def _write(sheet: Sheet, page: Page) -> None:
    """The heading, the rows, and below them the totals."""
    sheet.set_widths([WIDTHS.get(name, WIDTH) for name in page.columns])
    for column, name in enumerate(page.columns):
        is_money = name in EFFECTS
        sheet.put(0, column, name, Look.HEADING_RIGHT if is_money else Look.HEADING)
        look = Look.EFFECT if is_money else Look.PRICE if name == PRICE else Look.TEXT
        for row, cells in enumerate(page.rows, start=1):
            sheet.put(row, column, cells.get(name), look)
    sheet.set_table(len(page.rows), len(page.columns))
    if page.rows and EFFECTS.intersection(page.columns):
        _write_totals(sheet, page)


def _write_totals(sheet: Sheet, page: Page) -> None:
    row = len(page.rows) + 1
    sheet.put(row, 0, "total", Look.TOTAL_TEXT)
    for column, name in enumerate(page.columns):
        if name in EFFECTS:
            sheet.put(row, column, page.total(name), Look.TOTAL)


def _write_head(sheet: Sheet, seen: Overview, pages: dict[str, Page]) -> None:
    """Writes the head of a plan; formulas compute its money from the other sheets."""
    sheet.set_widths(HEAD_WIDTHS)
    row = _write_about(sheet, seen)
    row = _write_money(sheet, row + 1, pages["Changes"])
    if not seen.plan.undo_of:  # an undo has no ledger: nothing is known of what is billed wrong
        _write_balance(sheet, row + 1, seen, pages)


def _write_about(sheet: Sheet, seen: Overview) -> int:
    """Writes the plan's facts, and whether it can be signed. Returns the next free row."""
    plan = seen.plan
    sheet.put(0, 0, f"Plan of {plan.as_of.isoformat()}", Look.TITLE)
    texts = [
        (plan.names.source, plan.source),
        (plan.names.target, plan.target),
        (IN_PART, "; ".join(partial_reads(plan))),
        ("Undoes", f"run {plan.undo_of}" if plan.undo_of else ""),
        ("A part", "" if plan.undo_of else plan.selection),
        ("Not shown", outside_text(plan.outside) if plan.outside else ""),
        ("In short", summary(plan, seen)),
        ("Can be signed", verdict(seen)),
        ("Needs a person", waiting_text(seen)),
        *(("Limit", f"{guard.text} (--over {guard.limit})") for guard in plan.exceeded),
    ]
    row = 1
    for label, text in texts:
        if text:
            sheet.put(row, 0, label, Look.LONG)
            sheet.put_long(row, (1, len(HEAD_WIDTHS) - 1), text, len(text) // LINE + 1)
            row += 1
    return row


def _write_money(sheet: Sheet, row: int, changes: Page) -> int:
    """Writes the effect of the changes on money. Returns the next free row."""
    rows: list[tuple[str, SheetFormula | None, SheetFormula | None, SheetFormula]] = [
        (label, changes.more(name), changes.less(name), changes.total(name))
        for label, name in (
            ("This invoice run", "this invoice"),
            ("of it once", "of it once"),
            ("A month", "run rate"),
            ("A year", "annual"),
        )
    ]
    rows.append(("Earlier days, billed to nobody", None, None, changes.more("lost")))
    rows.append(("Earlier days, credit owed", None, None, changes.less("lost")))
    _write_headings(sheet, row, ("Money", "more", "less", "net"))
    for number, (label, *amounts) in enumerate(rows, start=row + 1):
        sheet.put(number, 0, label)
        for column, amount in enumerate(amounts, start=1):
            sheet.put(number, column, amount, Look.EFFECT)
    return row + len(rows) + 1


def _write_balance(sheet: Sheet, row: int, seen: Overview, pages: dict[str, Page]) -> None:
    """Writes what is billed wrong now, and its parts."""
    of, at = seen.ledger, seen.billing
    held = pages["Blocked"].total("held a month") + pages["Held"].total("held a month")
    left = pages["Differences"].total("unexplained a month")
    rows: list[tuple[str, Amount, Content, Look]] = [
        ("Billed too little", of.under, at.under, Look.AMOUNT),
        ("Billed too much", of.over, at.over, Look.AMOUNT),
        ("this plan moves", of.moved, at.moved, Look.EFFECT),
        ("held or blocked", of.held, held, Look.EFFECT),
        ("explained by nothing", of.unexplained, left, Look.EFFECT),
    ]
    _write_headings(sheet, row, ("Billed now", "units", "a month", "lines", "without a price"))
    for number, (label, amount, money, look) in enumerate(rows, start=row + 1):
        sheet.put(number, 2, money, look)
        for column, content in enumerate(
            (label, amount.units, None, amount.lines, amount.unpriced)
        ):
            sheet.put(number, column, content)
    last = row + len(rows) + 1
    sheet.put(last, 0, "not known, in no sum")
    sheet.put(last, 3, of.unknown)


def _write_headings(sheet: Sheet, row: int, names: Sequence[str]) -> None:
    for column, name in enumerate(names):
        sheet.put(row, column, name, Look.HEADING_RIGHT if column else Look.HEADING)
