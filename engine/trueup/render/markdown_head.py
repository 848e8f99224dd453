"""Renders the head of a plan as Markdown: money, verdict, top changes, what needs a person."""

from collections.abc import Sequence
from decimal import Decimal

from trueup.model.plan import Plan
from trueup.render.attention import Item, NeedKind
from trueup.render.crowds import Crowd, crowds_of
from trueup.render.findings import chain_text
from trueup.render.formatting import counts, known_as, marked, money, number, signed
from trueup.render.group_lines import INVOICE, MONTH, MOST, TITLES, WAITS
from trueup.render.head import LESS, MORE, NET, amounts_of, units_of
from trueup.render.ledger import COLUMNS, figures, name_of, priced
from trueup.render.markdown_parts import bullets, literal, remedy, section, table
from trueup.render.overview import (
    TOP,
    Group,
    MoneyLine,
    Overview,
    balance,
    counted,
    divided,
    groups,
    money_lines,
    summed,
    verdict,
    waiting,
    whole,
)
from trueup.render.overview import figures as money_figures
from trueup.render.pennies import NOTHING
from trueup.render.view import View
from trueup.render.wording import class_text

MANY = 50
"""Rows that need a person and are listed; of more, the rest is summed up."""


def head(seen: Overview, view: View) -> list[str]:
    """Returns its parts, without empty ones."""
    return [
        _money(seen, view),
        _balance(seen, view),
        _verdict(seen),
        section("What matters most", _top(seen, view)),
        section("Needs a person", _items(seen, view)),
        section(TITLES[view.arrangement.group], _groups(seen, view)),
    ]


def _money(seen: Overview, view: View) -> str:
    rows = []
    for row in money_figures(seen):
        more, less, net = (_amount(part, view) for part in (row.more, row.less, row.net))
        rows.append((row.label, more, less, marked(net, price_unknown=row.price_unknown)))
    return table(("Money", f"{MORE}:", f"{LESS}:", f"{NET}:"), rows)


def _amount(amount: Decimal | None, view: View) -> str:
    return "" if amount is None else literal(money(amount, view.currency, signed=True))


def _balance(seen: Overview, view: View) -> str:
    rows = []
    for row in balance(seen):
        units = "" if row.units is None else signed(row.units) if row.signed else number(row.units)
        amount = "" if row.money is None else money(row.money, view.currency, signed=row.signed)
        rows.append((row.label, units, literal(amount), row.note))
    return table(("Billed now", "units:", f"{MONTH}:", ""), rows)


def _verdict(seen: Overview) -> str:
    lines = [f"**Can be signed:** {literal(verdict(seen))}"]
    if text := waiting(seen):
        lines.append(f"**Needs a person:** {literal(text)}.")
    return "<br>\n".join(lines)


def _top(seen: Overview, view: View) -> str:
    every = money_lines(seen)
    shown, rest = divided(
        every, lambda line: line.weight, view.arrangement, None if view.verbose else TOP
    )
    rows = [_top_row(line, view) for line in shown]
    if rest:
        invoice, month = amounts_of(summed(rest), view)
        rows.append((f"and {len(rest):,} more", "", literal(invoice), literal(month)))
    return table(("what", "units", f"{INVOICE}:", f"{MONTH}:"), rows)


def _top_row(line: MoneyLine, view: View) -> Sequence[str]:
    invoice, month = amounts_of(line, view)
    return literal(known_as(line.name)), units_of(line), literal(invoice), literal(month)


def _items(seen: Overview, view: View) -> str:
    crowds = crowds_of(seen.items, view.arrangement, each=view.verbose)
    most = None if view.verbose else MANY
    shown, rest = divided(crowds, lambda crowd: crowd.weight, view.arrangement, most)
    items_shown = [_crowd(crowd, view) for crowd in shown]
    if rest:
        more = Crowd(tuple(item for crowd in rest for item in crowd.items))
        beside = ", price unknown" if more.unpriced else ""
        amount = _amount(more.monthly or NOTHING, view)
        items_shown.append(f"and {len(more.items):,} more: {amount} a month{beside}")
    return bullets(items_shown)


def _crowd(crowd: Crowd, view: View) -> str:
    first = crowd.first
    reasons = [literal(finding.text) + remedy(finding) for finding in crowd.findings]
    if first.because:
        reasons.append(f"waits for {literal(chain_text(first.because))}")
    if first.holds_back and len(crowd.items) == 1:
        reasons.append(f"holds back {literal(counts(first.holds_back))}")
    return f"**{literal(crowd.title)}** {_state(first, crowd, view)}: {'; '.join(reasons)}"


def _state(first: Item, crowd: Crowd, view: View) -> str:
    parts = [str(first.kind)]
    if crowd.units and first.kind is not NeedKind.UNKNOWN:
        parts.append(f"{signed(crowd.units)} units")
    if crowd.monthly is not None:
        parts.append(f"{_amount(crowd.monthly, view)} a month")
    if crowd.unpriced:
        parts.append("price unknown")
    return ", ".join(parts)


def _groups(seen: Overview, view: View) -> str:
    every = groups(seen, view.arrangement)
    if not any(group.changes for group in every):
        return ""
    most = None if view.verbose else MOST
    shown, rest = divided(every, lambda group: group.weight, view.arrangement, most)
    rows = [_group(literal(known_as(group.row.name)), group, view) for group in shown]
    if rest:
        rows.append(_group(f"and {len(rest):,} more", whole(rest), view))
    if len(every) > 1:
        rows.append(_group("**all**", whole(every), view))
    return table(("", "changes", f"{INVOICE}:", f"{MONTH}:", f"{WAITS}:"), rows)


def _group(name: str, group: Group, view: View) -> Sequence[str]:
    amounts = (
        (group.invoice, group.price_unknown),
        (group.month, group.price_unknown),
        (group.waits, group.waits_price_unknown),
    )
    cells = (
        marked(_amount(amount or None, view), price_unknown=unknown) for amount, unknown in amounts
    )
    return name, counted(group.changes), *cells


def ledger_table(plan: Plan) -> str:
    """The whole ledger."""
    columns = ["", "row", literal(plan.names.source) + ":", literal(plan.names.target) + ":"]
    columns += [f"{name}:" for name in COLUMNS] + [""]
    rows = []
    for line, amount in priced(plan):
        advice = f" → {literal(line.advice.brief())}" if line.remedy else ""
        rows.append(
            (
                class_text(line.class_, plan.names),
                literal(name_of(line)),
                *(literal(cell) for cell in figures(line, amount, plan.currency)),
                literal(line.text) + advice,
            )
        )
    return table(columns, rows)
