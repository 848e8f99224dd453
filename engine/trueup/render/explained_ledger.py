"""Renders an explained line of the ledger: quantity, policy, units, pending changes, price."""

from decimal import Decimal

from trueup.model.evaluation import SourceRow
from trueup.model.explanation import LedgerExplanation, PendingExplanation
from trueup.model.plan import LedgerLine
from trueup.model.record_value import RecordValue
from trueup.render.attention import is_known
from trueup.render.evaluation import row_place
from trueup.render.explained_money import price_text
from trueup.render.formatting import money, number, sentence, signed
from trueup.render.formulas import formula_lines
from trueup.render.layout import Cell, Line, free
from trueup.render.ledger import name_of
from trueup.render.sanitize import sanitize
from trueup.render.values import literal
from trueup.render.view import View
from trueup.render.wording import class_text


def ledger_lines(explained: LedgerExplanation, view: View) -> list[Line]:
    """Both sides of one line, what moves it, and what it costs."""
    line, style = explained.line, view.style
    head = f"Ledger of {name_of(line)} on {line.day}"
    found = [Line((Cell(head, style.heading), Cell(class_text(line.class_, view.names))))]
    found += _quantity(explained, view)
    found += _units(explained, view)
    found += _pending(explained, view)
    found += _result(line, view)
    return found + _price(explained, view)


def _fact(label: str, figure: str, text: str = "") -> Line:
    return Line((Cell(label), Cell(figure, right=True), Cell(text)), "ledger fact", 2)


def _known(value: object) -> str:
    return "?" if value is None else number(value)  # type: ignore[arg-type]  # a number


def _quantity(explained: LedgerExplanation, view: View) -> list[Line]:
    line = explained.line
    orphan = not line.key
    figure = "0" if orphan else _known(line.quantity)
    found = [_fact("Should be billed", figure, sanitize(explained.counts_as_zero))]
    if explained.quantity:
        found += formula_lines("quantity", explained.quantity, view, indent=6)
    for one in explained.policy:
        is_set = one.formula.failed or one.formula.result not in {None, 0, ""}
        if is_set or view.verbose:
            result = f" {literal(one.formula.result)}" if one.formula.text else ""
            label = f"policy {one.part}{result}"
            found += formula_lines(label, one.formula, view, indent=6)
    return found


def _units(explained: LedgerExplanation, view: View) -> list[Line]:
    line = explained.line
    where = "" if line.record is None else f"record {line.record}"
    found = [_fact(f"{view.names.target} bills", _known(line.units), where)]
    for row in explained.units:
        covers = row.start <= line.day <= row.end
        if covers or view.verbose:
            text = f"{explained.units_entity} {row.id}: {row.units} units"
            text += ", posted" if row.posted else ""
            cells = (Cell(text), Cell(f"{row.start} to {row.end}", view.style.dim))
            found.append(Line(cells, "unit row", 6))
    return found


def _pending(explained: LedgerExplanation, view: View) -> list[Line]:
    found = [_fact("Pending", signed(explained.line.pending))]
    for one in explained.pending:
        found.append(_pending_line(one, view))
        found += [free(sentence(sanitize(note)), view.style.dim, 8) for note in one.notes]
    return found


def _pending_line(pending: PendingExplanation, view: View) -> Line:
    fate = sanitize(pending.held)
    if pending.change:
        how = "nothing is sent, marked by" if pending.is_marked_only else "sent by"
        fate = f"{how} {sanitize(pending.change)}"
    return Line(
        (
            Cell(f"{signed(pending.units)} from {pending.day}"),
            Cell(fate or "not sent", wraps=True),
            Cell(_place(pending.row), view.style.dim),
        ),
        "pending",
        6,
    )


def _place(row: SourceRow) -> str:
    return row_place(row) if row.place else f"{row.table} {sanitize(row.key)}"


def _result(line: LedgerLine, view: View) -> list[Line]:
    """Returns what becomes of the difference; without units where a side is not known."""
    found, known = [], is_known(line)
    if line.difference is not None and line.key:
        sides = f"{_known(line.quantity)} - {_known(line.units)} - {number(line.pending)}"
        found.append(_fact("Difference", signed(line.difference), f"= {sides}"))
    if known:
        found.append(_fact("This plan moves", signed(line.moved)))
    for one in line.held:
        text = f"{sanitize(one.code)}: {sanitize(one.reason)}"
        found.append(_fact("Held", signed(one.units) if known else "", text))
    if line.unexplained is not None:
        found.append(_fact("Explained by nothing", signed(line.unexplained)))
    if line.text:
        found.append(free(sentence(sanitize(line.text)), view.style.warn, 6))
    if line.remedy:
        found.append(free(f"→ {sentence(sanitize(line.advice.brief()))}", indent=6))
    return found


def _price(explained: LedgerExplanation, view: View) -> list[Line]:
    line = explained.line
    found = [_fact("Price", "", price_text(explained.terms, view))]
    taken = next((price for price in explained.prices if price.value is not None), None)
    found += [
        _record_value(price, view)
        for price in explained.prices
        if price is taken or view.verbose or taken is None
    ]
    if explained.per:
        found.append(_record_value(explained.per, view))
    if explained.terms.start:
        end = f" to {explained.terms.end}" if explained.terms.end else ""
        found.append(_fact("Periods", "", f"counted from {explained.terms.start}{end}"))
    if line.monthly is not None and (line.monthly or line.repriced):
        found.append(_fact("A month", "", _a_month(line, line.monthly, view.currency)))
    return found


def _a_month(line: LedgerLine, monthly: Decimal, currency: str) -> str:
    """Returns what the line is wrong by: units, and the price of another service."""
    amount, gap = money(monthly, currency, signed=True), (line.quantity or 0) - (line.units or 0)
    if not line.repriced:
        return f"{amount} for {signed(gap)} units"
    if not gap:
        return f"{amount} for the price of another service"
    other = money(line.repriced, currency, signed=True)
    return f"{amount} for {signed(gap)} units, of it {other} for the price of another service"


def _record_value(value: RecordValue, view: View) -> Line:
    record = f"{value.entity} {value.record}" if value.record is not None else value.entity
    cells = (Cell(sanitize(value.path)), Cell(literal(value.value)), Cell(record, view.style.dim))
    return Line(cells, "record value", 6)
