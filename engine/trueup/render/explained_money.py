"""Renders explained changes with the periods and prices of their money, and totals."""

from collections.abc import Callable
from decimal import Decimal
from shlex import quote

from trueup.model.change import Action, Change, ServiceTerms
from trueup.model.explanation import (
    ChangeExplanation,
    LedgerSum,
    PeriodAmount,
    TotalExplanation,
    TotalPart,
)
from trueup.model.money import exact
from trueup.render.amounts import MONTHS
from trueup.render.attention import in_pennies
from trueup.render.changes import after, before, paint_of, symbol, units, where
from trueup.render.customer_sentence import customer_sentence
from trueup.render.evaluation import row_place
from trueup.render.formatting import count, known_as, money, number, signed, unit_price
from trueup.render.formulas import formula_lines
from trueup.render.layout import Cell, Line, free
from trueup.render.pennies import penny, share, spread
from trueup.render.sanitize import sanitize
from trueup.render.view import View


def change_lines(explained: ChangeExplanation, view: View) -> list[Line]:
    """Returns one change: its effect, what it waits for, and the parts of its money."""
    change, style = explained.change, view.style
    what = units(change) if change.action is Action.ADJUST else where(change, view.names)
    head = f"{symbol(change.action)} {change.action} {known_as(change.name)}"
    found = [Line((Cell(head, paint_of(change.action, style)), Cell(what)))]
    facts = [("Change", sanitize(change.id)), ("Mapping", sanitize(change.place))]
    if explained.needs:
        names = "; ".join(
            dict.fromkeys(f"{need.mapping} {known_as(need.name)}" for need in explained.needs)
        )
        facts.append(("Waits for", names))
    facts += [("Undoes", sanitize(change.undoes))] if change.undoes else []
    facts += [("Note", sanitize(note)) for note in change.notes]
    if not change.together:
        sentence = customer_sentence(
            [change],
            lambda _: explained.service,
            explained.shown.invoice,
            explained.shown.month,
            view.currency,
        )
        facts += [("Customer", sentence)] if sentence else []
    facts += [
        ("Changed since", f"{row.table} {sanitize(row.key)}, {row_place(row)}")
        for row in explained.moved
    ]
    found += [Line((Cell(label), Cell(text)), "change fact", 2) for label, text in facts]
    shown = {field.field: field for field in change.fields}
    if change.is_undo:
        facts = [(name, f"{before(one)} → {after(one)}") for name, one in shown.items()]
        found += [
            Line((Cell(sanitize(name)), Cell(text)), "change fact", 4) for name, text in facts
        ]
    for name, formula in explained.sets:
        label = name
        if name in shown:
            label += f": {before(shown[name])} → {after(shown[name])}"
        found += formula_lines(label, formula, view)
    return found + _money(explained, view)


def _money(explained: ChangeExplanation, view: View) -> list[Line]:
    change, shown, found = explained.change, explained.shown, []
    if explained.terms:
        found.append(_fact("Price", price_text(explained.terms, view)))
    if explained.posted_until:
        found.append(_fact("Posted", f"until {explained.posted_until}: these days never change"))
    if change.monthly is not None and shown.month is not None:
        amount = money(shown.month, view.currency, signed=True)
        found.append(
            _fact("A month", amount + _month(change, change.monthly, explained.terms, view))
        )
    if change.invoice and shown.invoice is not None:
        start, end = change.invoice.start, change.invoice.end
        amount = money(shown.invoice, view.currency, signed=True)
        found.append(_fact("This invoice", f"{amount} for {start} to {end}"))
        found += _periods(explained, shown.invoice, view)
    if shown.once:
        why = "for periods before the present one" if change.adjustment else "a fee"
        amount = money(shown.once, view.currency, signed=True)
        found.append(_fact("Of it once", f"{amount}, {why}"))
    if shown.lost:
        amount = money(abs(shown.lost), view.currency)
        text = "of earlier days is billed to nobody" if shown.lost > 0 else "of credit is owed"
        found.append(_fact("Earlier days", f"{amount} {text}"))
    return found


def _month(change: Change, monthly: Decimal, terms: ServiceTerms | None, view: View) -> str:
    """Returns what the effect on the run rate is made of."""
    if terms is None or terms.price is None or terms.monthly is None:
        return ", by the end of its contract"
    # Of a longer period, a month's price has no end in pennies: the product would not be true.
    of_month = "" if terms.months == 1 else f" / {terms.months}"
    text = f" = {signed(change.unit_change)} x {unit_price(terms.price, view.currency)}{of_month}"
    ended = monthly - exact(terms.monthly * change.unit_change)
    if not ended:
        return text
    rest = money(ended, view.currency, signed=True)
    return f"{text}, and {rest} that ends with another contract"


def _fact(label: str, text: str) -> Line:
    return Line((Cell(label), Cell(text)), "change fact", 2)


def price_text(terms: ServiceTerms, view: View) -> str:
    """The price of a unit, for a period and a month."""
    if terms.price is None or not terms.months:
        return "unknown"
    price = unit_price(terms.price, view.currency)
    if terms.months == 1 or terms.monthly is None:
        return f"{price} a unit and month"
    months = "year" if terms.months == MONTHS else count(terms.months, "month")
    return f"{price} a unit and {months}, {money(terms.monthly, view.currency)} a month"


def _periods(explained: ChangeExplanation, invoice: Decimal, view: View) -> list[Line]:
    if explained.terms is None or explained.terms.price is None:
        return []
    change, parts = explained.change, [period.amount for period in explained.periods]
    amounts = share(invoice, parts)
    price = unit_price(explained.terms.price, view.currency)
    return [
        _period(one, amount, f"{signed(change.unit_change)} x {price}", view)
        for one, amount in zip(explained.periods, amounts, strict=True)
    ]


def _period(period: PeriodAmount, amount: Decimal, of: str, view: View) -> Line:
    share_ = "" if period.days == period.of_days else f" x {period.days} of {period.of_days} days"
    cells = (
        Cell(f"{period.first} to {period.last}"),
        Cell(f"{of}{share_}"),
        Cell(money(amount, view.currency, signed=True), right=True),
    )
    return Line(cells, "period", 6)


# Totals


ExplainCommand = Callable[[str], str]
"""Returns the command line that explains a subject."""


def explain_command(what: str) -> str:
    """Returns the command on a new plan of the project in the current folder."""
    return f"trueup explain {quote(what)}"


def total_lines(
    total: TotalExplanation, view: View, command: ExplainCommand = explain_command
) -> list[Line]:
    """Returns a total with all its parts, the largest first; they add up to it to the penny.

    `command` makes the command that explains a part.
    """
    style = view.style
    known = {str(n): part.amount for n, part in enumerate(total.parts) if part.amount is not None}
    amount = _shown(total)
    amounts = spread(known, amount)
    found = [_total_head(total, amount, view)]
    for position, part in enumerate(total.parts):
        found.append(_part(part, amounts.of(str(position)), total, view))
        if part.text:
            found.append(free(sanitize(part.text), style.dim, 6))
        if view.verbose:
            found.append(free(f"`{command(sanitize(part.what))}`", style.dim, 6))
    if total.parts and not view.verbose:
        text = f"`{command(sanitize(total.parts[0].what))}` explains the first; -v shows them all."
        found.append(free(text, style.dim))
    return found


def _shown(total: TotalExplanation) -> Decimal | None:
    """The amount to the penny, as the plan shows it beside the others."""
    if total.amount is None:
        return None
    if total.among is None:
        return penny(total.amount + total.beside) - penny(total.beside)
    sums = in_pennies(total.among)
    if total.sum_ is None:
        reasons = {one.code: one.amount.monthly for one in total.among.held_by_reason}
        return spread(reasons, sums.held).parts[total.reason]
    amounts = {
        LedgerSum.UNDER: sums.under,
        LedgerSum.OVER: sums.over,
        LedgerSum.MOVED: sums.moved,
        LedgerSum.HELD: sums.held,
        LedgerSum.UNEXPLAINED: sums.unexplained,
    }
    return amounts[total.sum_]


def _total_head(total: TotalExplanation, amount: Decimal | None, view: View) -> Line:
    label = total.label[:1].upper() + total.label[1:]
    unit = "a month" if total.per_month else ""
    note = count(len(total.parts), "row")
    if unpriced := sum(part.unpriced for part in total.parts):
        note += f", {unpriced:,} without a price"
    return Line(
        (
            Cell(label, view.style.heading),
            Cell("" if total.units is None else number(total.units), right=True),
            Cell("" if amount is None else money(amount, view.currency), right=True),
            Cell(f"{unit}  {note}".strip(), view.style.dim),
        ),
        "total",
    )


def _part(part: TotalPart, amount: Decimal | None, total: TotalExplanation, view: View) -> Line:
    units_ = "" if part.units is None else signed(part.units)
    text = "" if amount is None else money(amount, view.currency, signed=True)
    if part.unpriced and total.amount is not None and amount is None:
        text = "?"
    return Line(
        (
            Cell(f"  {known_as(part.name)}"),
            Cell(units_, right=True),
            Cell(text, right=True),
            Cell(""),
        ),
        "total",
    )
