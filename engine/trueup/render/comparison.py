"""Renders the effect of a change of configuration for a terminal."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal

from trueup.model.comparison import Comparison, LedgerPair, LeftOutRows
from trueup.model.plan import Blocked, LedgerLine
from trueup.render.comparison_changes import ARROW, change_sections, is_mark, titled
from trueup.render.comparison_money import Total, invoices, months, run_rate, totals
from trueup.render.findings import remedy_text
from trueup.render.formatting import (
    count,
    every,
    known_as,
    marked,
    money,
    number,
    sentence,
    signed,
    some,
    word,
)
from trueup.render.formatting import counts as listed
from trueup.render.layout import Cell, Line, free
from trueup.render.ledger import name_of
from trueup.render.sanitize import sanitize
from trueup.render.style import PLAIN, WIDTH, Paint, Style
from trueup.render.text import page
from trueup.render.view import View
from trueup.render.wording import class_text

SAME = "No difference: both configurations plan the same."
_NONE = "-"


def comparison_text(comparison: Comparison, style: Style = PLAIN, *, verbose: bool = False) -> str:
    """Returns the whole page, ending in a line break; the summary is at its end."""
    after = comparison.after
    view = View(after.currency, after.names, style, verbose)
    summed = [free(summary(comparison), style.heading)]
    sections = [
        _head(comparison),
        _money(comparison, view),
        _invoices(comparison, view),
        _blocked("Blocked now", comparison.newly_blocked, view, style.error),
        _blocked("Released", comparison.released, view, style.add),
        _limits(comparison, view),
        _left_out("Left out now", comparison.newly_left_out, view),
        _left_out("No longer left out", comparison.no_longer_left_out, view),
        _ledger(comparison.ledger, view),
        *change_sections(comparison.changes, view),
        summed,
    ]
    return page((section for section in sections if section), style.columns or WIDTH)


def summary(comparison: Comparison) -> str:
    """Returns the effect of the change of configuration in one line."""
    if not comparison.differs:
        return SAME
    month = _change(run_rate(comparison), comparison.after.currency)
    rows = {
        "newly blocked": len(comparison.newly_blocked),
        "released": len(comparison.released),
        "newly left out": sum(len(one.names) for one in comparison.newly_left_out),
        "no longer left out": sum(len(one.names) for one in comparison.no_longer_left_out),
    }
    lines = {"lines differ": len(comparison.ledger)}
    parts = [
        _figures("changes", counts(comparison)),
        _figures("rows", rows),
        _figures("ledger", lines),
    ]
    if month:
        parts.append(f"{month} a month")
    return f"Compared with {sanitize(comparison.other)}: {'; '.join(filter(None, parts))}."


def _figures(what: str, many: Mapping[str, int]) -> str:
    """Returns `changes: 2 appear, 1 differ`; "" if all figures are zero."""
    texts = [f"{number:,} {text}" for text, number in many.items() if number]
    return f"{what}: {', '.join(texts)}" if texts else ""


def counts(comparison: Comparison) -> dict[str, int]:
    """Returns how many changes appear, vanish and differ; write-backs are counted separately."""
    pairs = [pair for pair in comparison.changes if not is_mark(pair)]
    return {
        "appear": sum(pair.before is None for pair in pairs),
        "vanish": sum(pair.after is None for pair in pairs),
        "differ": sum(pair.before is not None and pair.after is not None for pair in pairs),
        "marks in the source differ": len(comparison.changes) - len(pairs),
    }


def _head(comparison: Comparison) -> list[Line]:
    after = comparison.after
    calls = count(comparison.calls, "call")
    extra = f"{comparison.extra_calls:,} of them for the other configuration alone"
    rows = [
        ("Before", sanitize(comparison.other)),
        ("After", "this project"),
        ("Both of", f"{sanitize(after.source)} and {sanitize(after.target)}: {calls}, {extra}"),
        ("As of", after.as_of.isoformat()),
        *([("A part", sanitize(after.selection))] if after.selection else []),
        *(("Note", sanitize(note)) for note in comparison.notes),
    ]
    return [Line((Cell(label), Cell(text, wraps=True)), "head") for label, text in rows]


def _table(title: str, kind: str, rows: Sequence[Total], view: View) -> list[Line]:
    if not rows:
        return []
    names = ("before", "after", "change")
    heads = [Cell(name, view.style.heading, right=True) for name in names]
    found = [Line((Cell(title, view.style.heading), *heads), kind, heading=True)]
    for row in rows:
        amounts = [
            marked(money(amount, view.currency, signed=row.signed), price_unknown=lacks)
            for amount, lacks in zip((row.before, row.after), row.lacks, strict=True)
        ]
        change = _change(row, view.currency) or _NONE
        cells = [
            Cell(text, right=True, label=name)
            for name, text in zip(names, (*amounts, change), strict=True)
        ]
        found.append(Line((Cell(f"  {row.label}"), *cells), kind))
    return found


def _change(total: Total, currency: str) -> str:
    """Returns the difference of both amounts; "" if there is none."""
    text = money(total.change, currency, signed=True) if total.change else ""
    return marked(text, price_unknown=any(total.lacks))


def _money(comparison: Comparison, view: View) -> list[Line]:
    """Returns the money of either plan."""
    rows = [row for row in totals(comparison) if row.before or row.after or any(row.lacks)]
    return _table("Money", "money", rows, view)


def _invoices(comparison: Comparison, view: View) -> list[Line]:
    """Invoices that differ, and their sums by month."""
    rows = [
        Total(
            known_as(invoice.customer.name or invoice.customer.key)
            + (f", from {invoice.start.isoformat()}" if invoice.start else ", charged once"),
            invoice.before,
            invoice.after,
            lacks=invoice.lacks,
        )
        for invoice in invoices(comparison)
    ]
    if not rows:
        return []
    table = _table("Invoices", "invoices", rows, view)
    shown = titled("", table[1:], view)[1:]
    sums = [row for row in months(comparison) if row.change]
    return [table[0], *shown, *_table("Months", "invoices", sums, view)]


def _blocked(title: str, rows: Sequence[Blocked], view: View, paint: Paint) -> list[Line]:
    """Rows at fault with their reasons, and how many rows depend on those."""
    if not rows:
        return []
    at_fault = [line for row in rows if not row.because for line in _blocked_row(row, view, paint)]
    waiting = Counter(row.mapping for row in rows if row.because)
    found = titled(f"{title}: {count(len(rows), 'row')}", at_fault, view) or [
        free(f"{title}: {count(len(rows), 'row')}", view.style.heading)
    ]
    if waiting:
        text = f"because of the rows that they depend on: {listed(waiting)}"
        found.append(free(text, view.style.dim, 2))
    return found


def _blocked_row(row: Blocked, view: View, paint: Paint) -> Iterator[Line]:
    cells = (Cell(word(row.mapping), paint), Cell(known_as(row.name or row.key)))
    for position, finding in enumerate(row.findings):
        start = cells if not position else (Cell(""), Cell(""))
        text = sentence(sanitize(finding.text))
        advice = f" {ARROW} {remedy_text(finding, view)}" if finding.remedy else ""
        yield Line((*start, Cell(f"{text}{advice}", wraps=True)), "blocked", 2)


def _limits(comparison: Comparison, view: View) -> list[Line]:
    over = [free(sanitize(one.text), view.style.error, 2) for one in comparison.newly_exceeded]
    kept = [free(sanitize(one.text), view.style.add, 2) for one in comparison.no_longer_exceeded]
    return titled("Over limits now", over, view) + titled("No longer over limits", kept, view)


def _left_out(title: str, groups: Sequence[LeftOutRows], view: View) -> list[Line]:
    names = every if view.verbose else some
    lines = [
        Line(
            (
                Cell(count(len(group.names), group.mapping)),
                Cell(f"{sentence(sanitize(group.reason))}: {names(group.names)}", wraps=True),
            ),
            "left out",
            2,
        )
        for group in groups
    ]
    return titled(title, lines, view)


def _ledger(pairs: Sequence[LedgerPair], view: View) -> list[Line]:
    """Returns lines that move: their class, the unexplained units, and the money."""
    found = [_ledger_line(pair, view) for pair in pairs]
    return titled(f"Ledger: {count(len(pairs), 'line')} that differ", found, view)


def _ledger_line(pair: LedgerPair, view: View) -> Line:
    before, after = pair.before, pair.after
    parts = [
        ("should be", _both(before, after, lambda line: _known(line.quantity))),
        ("moved", _both(before, after, lambda line: signed(line.moved))),
        ("held", _both(before, after, lambda line: signed(line.held_units))),
        ("unexplained", _both(before, after, lambda line: _known(line.unexplained, sign=True))),
        ("a month", _both(before, after, lambda line: _amount(line.monthly, view))),
    ]
    classes = _both(before, after, lambda line: class_text(line.class_, view.names))
    stays = class_text(pair.line.class_, view.names)
    texts = [f"{label} {text}" for label, text in parts if text]
    cells = (
        Cell(classes or stays, view.style.warn if classes else view.style.dim, wraps=True),
        Cell(name_of(pair.line)),
        Cell(", ".join(texts), wraps=True),
    )
    return Line(cells, "ledger", 2)


def _both(
    before: LedgerLine | None, after: LedgerLine | None, text_of: Callable[[LedgerLine], str]
) -> str:
    """Returns `before → after` if the two differ, otherwise ""."""
    first = text_of(before) if before else _NONE
    second = text_of(after) if after else _NONE
    return "" if first == second else f"{first} {ARROW} {second}"


def _known(value: Decimal | int | None, *, sign: bool = False) -> str:
    if value is None:
        return "?"
    return signed(value) if sign else number(value)


def _amount(value: Decimal | None, view: View) -> str:
    return "?" if value is None else money(value, view.currency, signed=True)
