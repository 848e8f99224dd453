"""The texts of the HTML report of a plan, ready for the template."""

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal
from enum import StrEnum, auto

from msgspec import Struct

from trueup.model.change import Action, Change
from trueup.model.finding import Finding
from trueup.model.plan import Plan
from trueup.render import changes as change_text
from trueup.render.amounts import is_shown
from trueup.render.attention import Item, NeedKind
from trueup.render.crowds import Crowd, crowds_of
from trueup.render.findings import chain_text, place_text, remedy_text
from trueup.render.formatting import (
    counts,
    known_as,
    money,
    number,
    sentence,
    signed,
)
from trueup.render.head import units_of
from trueup.render.joined import joined, joined_name
from trueup.render.overview import (
    TOP,
    Group,
    MoneyLine,
    Overview,
    balance,
    counted,
    divided,
    figures,
    groups,
    money_lines,
    summed,
    whole,
)
from trueup.render.pennies import NOTHING, Spread, weight
from trueup.render.plan_tables import why
from trueup.render.sanitize import clip, sanitize
from trueup.render.view import Sort, View

MANY = 50
"""Entries that need a person and stand open; the others are folded away."""

VALUE_COLUMNS = 80
PRICE_UNKNOWN = "price unknown"

_DAY = r"\b\d{4}-\d\d-\d\d\b"
_AMOUNT = r"(?<!\w)[+-](?:[A-Z]{3} |[^\w\s])?[\d,]*\d(?:\.\d+)?"
_FIGURES = re.compile(f"(?P<figure>{_DAY}|{_AMOUNT})")
_PARTS = re.compile(f"`(?P<code>[^`]*)`|{_FIGURES.pattern}")
DONE = {
    Action.LINK: "link",
    Action.CREATE: "new",
    Action.UPDATE: "change",
    Action.DEACTIVATE: "switch off",
    Action.ADJUST: "adjust",
    Action.WRITE_BACK: "mark",
}
"""What is done, as a mark beside the row."""


class PieceKind(StrEnum):
    """The kind of a piece of a sentence."""

    WORDS = auto()
    CODE = auto()  # a command
    FIGURE = auto()  # a day, or an amount with its sign: it stays on one line


class Piece(Struct, frozen=True):
    """A piece of a sentence."""

    text: str
    kind: PieceKind = PieceKind.WORDS


Pieces = tuple[Piece, ...]


class MoneyRow(Struct, frozen=True):
    """A row of the table of money, or of what is billed now."""

    label: str
    is_part: bool
    cells: tuple[str, ...]
    note: str = ""


class AmountRow(Struct, frozen=True):
    """Something with units and money."""

    name: str
    units: str
    invoice: str
    month: str


class ReasonText(Struct, frozen=True):
    """Why something needs a person, and the remedy."""

    text: Pieces
    remedy: Pieces
    place: str


class FindingText(Struct, frozen=True):
    """A finding that stops no row."""

    severity: str
    name: str
    reason: ReasonText


class AttentionEntry(Struct, frozen=True):
    """One line of what needs a person, or several rows with exactly the same finding."""

    name: str
    state: str
    is_fault: bool
    units: str
    month: str
    reasons: tuple[ReasonText, ...]
    waits_for: str
    holds_back: str
    rows: tuple[AmountRow, ...]  # where it stands for several


class Entries(Struct, frozen=True):
    """What needs a person: open entries, collapsed entries, and the money of each."""

    shown: tuple[AttentionEntry, ...]
    folded: tuple[AttentionEntry, ...]
    folded_month: str
    left_out: AmountRow | None  # with less money than is to be shown
    month: str  # of all


class ChangeRow(Struct, frozen=True):
    """One change."""

    action: str
    name: str
    where: str
    what: tuple[Pieces, ...]
    why: str
    invoice: str
    month: str


class GroupBlock(Struct, frozen=True):
    """The changes of one customer, tab or service."""

    name: str
    counted: str
    invoice: str
    month: str
    waits: str
    rows: tuple[ChangeRow, ...] = ()


def money_rows(seen: Overview, view: View) -> list[MoneyRow]:
    """Returns what changes on this invoice run, a month and a year."""
    found = []
    for row in figures(seen):
        more, less, net = (
            "" if part is None else _signed(part, view) for part in (row.more, row.less, row.net)
        )
        cells = (more, less, beside(net, price_unknown=row.price_unknown))
        found.append(MoneyRow(row.label, row.is_part, cells))
    return found


def net_note(of: Spread, view: View, *, price_unknown: bool) -> Pieces:
    """Returns what to know of the sum: both sides, if there are two, and what it lacks."""
    sides = (_signed(part, view) for part in (of.more, of.less))
    note = " and ".join(sides) if of.more and of.less else ""
    return pieces(beside(note, price_unknown=price_unknown))


def balance_rows(seen: Overview, view: View) -> list[MoneyRow]:
    """Returns what is billed wrong now, and its parts."""
    found = []
    for row in balance(seen):
        units = "" if row.units is None else signed(row.units) if row.signed else number(row.units)
        amount = "" if row.money is None else money(row.money, view.currency, signed=row.signed)
        found.append(MoneyRow(row.label, row.is_part, (units, amount), row.note))
    return found


def top_rows(seen: Overview, view: View) -> list[AmountRow]:
    """Returns the changes that matter most; the last row is the sum of the others."""
    every = money_lines(seen)
    most = None if view.verbose else TOP
    shown, rest = divided(every, lambda line: line.weight, view.arrangement, most)
    found = [_top_row(known_as(line.name), units_of(line), line, view) for line in shown]
    if rest:
        found.append(_top_row(f"and {len(rest):,} more", "", summed(rest), view))
    return found


def _top_row(name: str, units: str, line: MoneyLine, view: View) -> AmountRow:
    unknown = line.price_unknown
    invoice = _signed(line.invoice, view) if line.invoice or not unknown else ""
    month = _signed(line.month, view) if line.is_billed_monthly else ""
    return AmountRow(name, units, invoice, beside(month, price_unknown=unknown))


def entries(seen: Overview, view: View) -> Entries:
    """What needs a person, the most expensive first."""
    crowds = crowds_of(seen.items, view.arrangement, each=view.verbose)
    large, small = divided(crowds, lambda crowd: crowd.weight, view.arrangement, None)
    shown, folded = large[:MANY], large[MANY:]
    many = sum(len(crowd.items) for crowd in small)
    left_out = AmountRow(f"{many:,} with less money", "", "", _month(small, view))
    return Entries(
        tuple(_entry(crowd, view) for crowd in shown),
        tuple(_entry(crowd, view) for crowd in folded),
        _month(folded, view) if any(crowd.weight for crowd in folded) else "",
        left_out if small else None,
        _month(crowds, view),
    )


def _month(crowds: Iterable[Crowd], view: View) -> str:
    every = Crowd(tuple(item for crowd in crowds for item in crowd.items))
    return _monthly(every.monthly or NOTHING, every.unpriced, view)


def _entry(crowd: Crowd, view: View) -> AttentionEntry:
    first, several = crowd.first, len(crowd.items) > 1
    return AttentionEntry(
        name=crowd.title,
        state=str(first.kind),
        is_fault=first.kind is NeedKind.BLOCKED,
        units=signed(crowd.units) if crowd.units else "",
        month=_monthly(crowd.monthly, crowd.unpriced, view),
        reasons=tuple(reason(finding, view) for finding in crowd.findings),
        waits_for=chain_text(first.because),
        holds_back="" if several else counts(first.holds_back),
        rows=tuple(_item(item, view) for item in crowd.items) if several else (),
    )


def _item(item: Item, view: View) -> AmountRow:
    return AmountRow(
        known_as(item.row.name or item.row.key),
        signed(item.units) if item.units else "",
        "",
        _monthly(item.monthly, item.unpriced, view),
    )


def _monthly(amount: Decimal | None, unpriced: int, view: View) -> str:
    shown = "" if amount is None else _signed(amount, view)
    return beside(shown, price_unknown=unpriced > 0)


def reason(finding: Finding, view: View) -> ReasonText:
    """A finding's text and remedy; its place with `-v`, or where it is about a file."""
    text, remedy = sentence(sanitize(finding.text)), remedy_text(finding, view)
    return ReasonText(pieces(text), pieces(remedy), place_text(finding, view))


def finding_row(finding: Finding, view: View) -> FindingText:
    """A finding that stops no row."""
    name = known_as(finding.name) if finding.name else ""
    return FindingText(str(finding.severity), name, reason(finding, view))


def pieces(text: str, *, has_commands: bool = True) -> Pieces:
    """Splits a sentence into its days, its amounts, and its commands between backticks."""
    found, end = [], 0
    for part in (_PARTS if has_commands else _FIGURES).finditer(text):
        kind = PieceKind.CODE if part.lastgroup == "code" else PieceKind.FIGURE
        found += [Piece(text[end : part.start()]), Piece(part[part.lastgroup or 0], kind)]
        end = part.end()
    found.append(Piece(text[end:]))
    return tuple(piece for piece in found if piece.text)


def group_blocks(seen: Overview, view: View) -> tuple[list[GroupBlock], GroupBlock | None]:
    """Returns the groups, and their sum if there are several.

    Write-backs are shown with `-v` only, unless they have money: the summary counts them.
    """
    every = groups(seen, view.arrangement)
    shown, small = divided(every, lambda group: group.weight, view.arrangement, None)
    blocks = [_block(known_as(group.row.name), group, view) for group in shown]
    if small:
        blocks.append(_block(f"{len(small):,} with less money", whole(small), view, listed=False))
    has_content = [
        block for block in blocks if block.counted or block.invoice or block.month or block.waits
    ]
    all_ = _block("all", whole(every), view, listed=False) if len(every) > 1 else None
    return has_content, all_


def _block(name: str, group: Group, view: View, *, listed: bool = True) -> GroupBlock:
    sums = (group.invoice, group.month, group.waits)
    invoice, month, waits = (_signed(amount, view) if amount else "" for amount in sums)
    return GroupBlock(
        name,
        counted(group.changes, marks=view.verbose),
        invoice,
        beside(month, price_unknown=group.price_unknown),
        beside(waits, price_unknown=group.waits_price_unknown),
        tuple(_row(one, view) for one in _ordered(group.changes, view)) if listed else (),
    )


def _ordered(changes: Sequence[Change], view: View) -> list[tuple[Change, ...]]:
    """Sorts by money or by name; then by mapping and name, write-backs last.

    Changes that are sent together or not at all are one row.
    """
    shown = [one for one in changes if is_shown(one, verbose=view.verbose)]
    position = {mapping: n for n, mapping in enumerate(dict.fromkeys(one.mapping for one in shown))}

    def order(row: Sequence[Change]) -> tuple[Decimal, bool, int, str]:
        change, ids = row[0], [one.id for one in row]
        amounts = view.money.invoice.total(ids), view.money.month.total(ids)
        heavy = weight(amounts, price_unknown=any(one.price_unknown for one in row))
        first = NOTHING if view.arrangement.sort is Sort.NAME else -heavy
        is_mark = change.action is Action.WRITE_BACK
        return first, is_mark, position[change.mapping], change.name.casefold()

    return sorted(joined(shown), key=order)


def _row(changes: Sequence[Change], view: View) -> ChangeRow:
    ids, money_ = [change.id for change in changes], view.money
    invoice, month = money_.invoice.known(ids), money_.month.known(ids)
    reasons = [sanitize(why(one, view.names)) for one in changes if one.action is not Action.CREATE]
    notes = [note for change in changes for note in change_text.notes(change, view)]
    monthly = "" if month is None else _signed(month, view)
    return ChangeRow(
        action=DONE[changes[0].action],
        name=known_as(joined_name(changes)),
        where="; ".join(change_text.where(change, view.names) for change in changes),
        what=tuple(
            pieces(line, has_commands=False)
            for line in dict.fromkeys((*_what(changes, view), *notes))
        ),
        why="; ".join(dict.fromkeys(reasons)),
        invoice="" if invoice is None else _signed(invoice, view),
        month=beside(monthly, price_unknown=any(change.price_unknown for change in changes)),
    )


def _what(changes: Sequence[Change], view: View) -> list[str]:
    change = changes[0]
    fields = [_field(change, position) for position in range(len(change.fields))]
    match change.action:
        case Action.ADJUST:
            return [change_text.units(*changes)]
        case Action.CREATE if not view.verbose:
            return [f"{len(fields):,} fields"] if fields else []
        case _:
            return fields


def _field(change: Change, position: int) -> str:
    field = change.fields[position]
    name, after = sanitize(field.field), clip(change_text.after(field), VALUE_COLUMNS)
    if change.action is Action.CREATE:
        return f"{name}: {after}"
    return f"{name}: {clip(change_text.before(field), VALUE_COLUMNS)} → {after}"


def left_out(plan: Plan) -> list[tuple[str, str]]:
    """Rows left out on purpose: how many, and why."""
    return [
        (counts({group.mapping: len(group.names)}), sentence(sanitize(group.reason)))
        for group in plan.left_out
    ]


def beside(amount: str, *, price_unknown: bool) -> str:
    """Returns the amount, with a mark if a part of it is unknown."""
    return ", ".join(part for part in (amount, PRICE_UNKNOWN if price_unknown else "") if part)


def _signed(amount: Decimal, view: View) -> str:
    return money(amount, view.currency, signed=True)
