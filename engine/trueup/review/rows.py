"""The rows of a plan, as the tabs, the ledger and the findings list them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple, assert_never

from msgspec import Struct

from trueup.model.change import Action, Change, RowRef
from trueup.model.finding import Finding
from trueup.model.note import Note
from trueup.model.plan import LedgerLine, Plan
from trueup.model.project import Project
from trueup.render import ledger
from trueup.render.attention import Item, NeedKind, is_known, items, monthly_of
from trueup.render.belonging import name_of
from trueup.render.changes import units, where
from trueup.render.formatting import known_as
from trueup.render.formatting import money as money_text
from trueup.render.ledger import LineMoney
from trueup.render.noted import Noted
from trueup.render.overview import Overview
from trueup.render.pennies import NOTHING, weight
from trueup.render.plan_tables import reasons_of, why
from trueup.render.report import DONE, Pieces, pieces
from trueup.render.text import loose, ordered_tabs
from trueup.render.wording import class_text
from trueup.review.owners import NO_OWNERS, Owner, OwnerFinder, Owners, customer_name

FIELD_COLUMNS = 60
"""Columns that the names of a change's fields take in a list; its page has them all."""


Sums = tuple[Decimal | None, ...]
"""Amounts of a row; None: none, or unknown. Those of a group are their sums."""


class RowKey(NamedTuple):
    """A row by its mapping and its key."""

    mapping: str
    key: str


class Row(Struct, frozen=True):
    """A row of the source, with the changes of the plan and with what stops it."""

    ref: RowKey  # its key is empty for a record without a row
    keys: tuple[str, ...]  # of all rows in this line: changes of one day are merged
    name: str
    tab: str
    owners: Owners
    states: tuple[str, ...]  # `new`, `adjust`, `blocked`, …
    classes: tuple[str, ...]  # why it changes, and the codes of what stops it
    changes: tuple[Change, ...]
    items: tuple[Item, ...]  # why it needs a person, or waits
    invoice: Decimal | None  # on the next invoice; None: no money, or not known
    month: Decimal | None  # of the run rate
    needs: Decimal | None  # a month, of its items: what is stopped, and what nothing explains
    price_unknown: bool  # of one of its changes, at least
    needs_price_unknown: bool  # of one of its items, at least
    what: tuple[str, ...]  # a line for each change that is sent, or links
    notes: tuple[Note, ...]
    words: str

    @property
    def customer(self) -> str:
        """The customer's name; "" if there is none."""
        return customer_name(self.owners)

    @property
    def needs_person(self) -> bool:
        """Whether it needs a person itself, and does not only wait for another row."""
        return any(item.needs_person for item in self.items)

    @property
    def sums(self) -> Sums:
        """Its amounts: next invoice, run rate, and what needs a person."""
        return self.invoice, self.month, self.needs

    @property
    def weight(self) -> Decimal:
        """The largest of its amounts, without its sign; unbounded if a price is unknown."""
        unknown = self.price_unknown or self.needs_price_unknown
        return weight(self.sums, price_unknown=unknown)


class _Gathered(Struct):
    """The parts of one row, while they are collected."""

    mapping: str
    keys: list[str]
    changes: list[Change] = []
    items: list[Item] = []


def rows_of(project: Project, seen: Overview) -> tuple[Row, ...]:
    """Returns all rows of the plan that change, need a person, or wait, in the plan's order."""
    found: list[_Gathered] = []
    by_row: dict[RowKey, _Gathered] = {}
    for change in seen.plan.changes:
        here = _place(found, by_row, change.mapping, change.keys)
        here.changes.append(change)
    for item in items(seen.plan):
        keys = (item.row.key,) if item.row.key else ()
        here = _place(found, by_row, item.row.mapping, keys)
        here.items.append(item)
    tabs = {name: mapping.tab for name, mapping in project.mappings.items()}
    owners, noted = OwnerFinder(seen), Noted(project.notes)
    return tuple(_row(one, seen, tabs, owners, noted) for one in found)


def _place(
    found: list[_Gathered], by_row: dict[RowKey, _Gathered], mapping: str, keys: Sequence[str]
) -> _Gathered:
    """Returns the collected row with any of these keys, or a new one."""
    rows = [RowKey(mapping, key) for key in keys]
    known = [by_row[row] for row in rows if row in by_row]
    here = known[0] if known else _Gathered(mapping, [])
    if not known:
        found.append(here)
    for other in known[1:]:
        if other is not here and other in found:
            found.remove(other)
            rows += [RowKey(mapping, key) for key in other.keys]
            here.changes += other.changes
            here.items += other.items
    for row in rows:
        if row.key not in here.keys:
            here.keys.append(row.key)
        by_row[row] = here
    return here


def _row(
    one: _Gathered,
    seen: Overview,
    tabs: Mapping[str, str],
    owners: OwnerFinder,
    noted: Noted,
) -> Row:
    ids = [change.id for change in one.changes]
    invoice, month = seen.money.invoice, seen.money.month
    name = _name(one)
    own = [RowRef(one.mapping, key, name) for key in one.keys]
    owned_by = owners.of_row(own, one.changes, one.items)
    states = [DONE[change.action] for change in one.changes]
    states += [str(item.kind) for item in one.items]
    texts = [finding.text for item in one.items for finding in item.findings]
    above = [name_of(owned_by.of(owner)) for owner in Owner]
    notes = noted.of(one.mapping, one.keys)
    texts += [text for note in notes for text in (note.text, *note.tags, note.assignee)]
    words = " ".join((name, *above, one.mapping, *one.keys, *texts)).casefold()
    tab = tabs.get(one.mapping, "") or next((change.tab for change in one.changes), "")
    return Row(
        ref=RowKey(one.mapping, one.keys[0] if one.keys else ""),
        keys=tuple(one.keys),
        name=name,
        tab=tab,
        owners=owned_by,
        states=tuple(dict.fromkeys(states)),
        classes=tuple(dict.fromkeys(_classes(one, seen))),
        changes=tuple(one.changes),
        items=tuple(one.items),
        invoice=invoice.known(ids),
        month=month.known(ids),
        needs=monthly_of(one.items),
        price_unknown=any(change.price_unknown for change in one.changes),
        needs_price_unknown=any(item.unpriced for item in one.items),
        notes=notes,
        what=tuple(dict.fromkeys(_what(change, seen) for change in _records(one))),
        words=words,
    )


def _records(one: _Gathered) -> list[Change]:
    """Returns the changes without the write-backs to the source."""
    return [change for change in one.changes if change.action is not Action.WRITE_BACK]


def _what(change: Change, seen: Overview) -> str:
    """Returns what a change does, in short: units, fields, or the record."""
    names = seen.plan.names
    match change.action:
        case Action.ADJUST:
            return units(change)
        case Action.UPDATE | Action.DEACTIVATE | Action.WRITE_BACK:
            fields = known_as(", ".join(field.field for field in change.fields), FIELD_COLUMNS)
            return f"{where(change, names)}: {fields}"
        case Action.LINK:
            return f"{where(change, names)}, {why(change, names)}"
        case Action.CREATE:
            return where(change, names)
        case _:
            assert_never(change.action)


def _name(one: _Gathered) -> str:
    """Returns the display name; a write-back is named after its own table."""
    names = [*(change.name for change in _records(one)), *(change.name for change in one.changes)]
    names += [item.row.name for item in one.items]
    return next(filter(None, names), one.keys[0] if one.keys else "")


def _classes(one: _Gathered, seen: Overview) -> Iterator[str]:
    """Returns why the plan has its changes, and the codes of what stops it."""
    for change in one.changes:
        if change.action is not Action.CREATE:
            yield from reasons_of(change, seen.plan.names)
    for item in one.items:
        yield from (finding.code for finding in item.findings)


class Tab(Struct, frozen=True):
    """One tab with the figures beside its name."""

    name: str
    rows: int
    stopped: int  # rows that are blocked, held, not known or differ
    invoice: Decimal
    month: Decimal
    price_unknown: bool  # of one of their changes, at least: no sum has its amount


def tabs_of(project: Project, seen: Overview, rows: Iterable[Row]) -> tuple[Tab, ...]:
    """Returns the tabs of the mappings, with the four standard ones first."""
    names = dict.fromkeys(mapping.tab for mapping in project.mappings.values())
    by_tab: dict[str, list[Row]] = {name: [] for name in names}
    for row in rows:
        by_tab.setdefault(row.tab, []).append(row)
    return tuple(whole_of(name, seen, by_tab[name]) for name in ordered_tabs(by_tab))


def whole_of(name: str, seen: Overview, rows: Sequence[Row]) -> Tab:
    """Returns the figures of some rows under one name."""
    ids = [change.id for row in rows for change in row.changes]
    stopped = sum(1 for row in rows if row.items)
    invoice, month = seen.money.invoice.total(ids), seen.money.month.total(ids)
    return Tab(name, len(rows), stopped, invoice, month, any(row.price_unknown for row in rows))


class LedgerCell(Struct, frozen=True):
    """Units with their money a month."""

    units: str
    money: str = ""


class LedgerRow(Struct, frozen=True):
    """A line of the ledger with its cells."""

    ref: RowKey  # its key is empty for an orphan
    name: str
    owners: Owners
    states: tuple[str, ...]
    classes: tuple[str, ...]  # moved, held or unexplained; and the codes of findings that hold it
    line: LedgerLine
    cells: tuple[LedgerCell, ...]
    money: LineMoney
    text: Pieces
    remedy: Pieces
    notes: tuple[Note, ...]
    words: str

    @property
    def customer(self) -> str:
        """The customer's name; "" if there is none."""
        return customer_name(self.owners)

    @property
    def sums(self) -> Sums:
        """What is billed wrong a month, and its three parts."""
        money = self.money
        return money.wrong, money.moved, money.held, money.unexplained

    @property
    def weight(self) -> Decimal:
        """The largest of its amounts, without its sign; unbounded if its price is unknown."""
        return weight(self.sums, price_unknown=ledger.price_unknown(self.line))


def ledger_rows(project: Project, seen: Overview) -> tuple[LedgerRow, ...]:
    """Returns the whole ledger; lines that lose money come first."""
    plan, owners, noted = seen.plan, OwnerFinder(seen), Noted(project.notes)
    return tuple(
        _ledger_row(line, money, plan, owners.of_line(line), noted.of(line.mapping, [line.key]))
        for line, money in ledger.line_money(plan)
    )


def _ledger_row(
    line: LedgerLine, money: LineMoney, plan: Plan, owners: Owners, notes: tuple[Note, ...]
) -> LedgerRow:
    name = ledger.name_of(line)
    above = [name_of(owners.of(owner)) for owner in Owner]
    noted = [text for note in notes for text in (note.text, *note.tags, note.assignee)]
    words = (name, line.customer, *above, line.mapping, line.key, line.text, *noted)
    return LedgerRow(
        ref=RowKey(line.mapping, line.key),
        name=name,
        owners=owners,
        states=(class_text(line.class_, plan.names),),
        classes=tuple(_becomes(line)),
        line=line,
        cells=tuple(_cells(line, money, plan.currency)),
        money=money,
        text=pieces(line.text),
        remedy=pieces(line.remedy),
        notes=notes,
        words=" ".join(words).casefold(),
    )


def _cells(line: LedgerLine, money: LineMoney, currency: str) -> Iterator[LedgerCell]:
    """Returns the cells of a line: both sides, the use of the difference, what is unknown."""
    wanted, billed, moved, held, unexplained, wrong = ledger.figures(line, money.wrong, currency)
    amounts = (money.moved, money.held, money.unexplained)
    yield LedgerCell(wanted)
    yield LedgerCell(billed)
    for units_, amount in zip((moved, held, unexplained), amounts, strict=True):
        has_money = amount is not None and units_ not in {"", "?"}
        shown = money_text(amount, currency, signed=True) if has_money and amount else ""
        yield LedgerCell("" if units_ == "?" else units_, shown)
    yield LedgerCell("" if is_known(line) else str(NeedKind.UNKNOWN))
    yield LedgerCell("", wrong)


def _becomes(line: LedgerLine) -> Iterator[str]:
    """Returns what the difference is: moved, held or unexplained; and why it is held."""
    if not is_known(line):
        yield str(NeedKind.UNKNOWN)
    else:
        parts = {"moved": line.moves_units, "held": line.held, "unexplained": line.unexplained}
        yield from (name for name, part in parts.items() if part)
    yield from dict.fromkeys(one.code for one in line.held)


class FindingRow(Struct, frozen=True):
    """A finding that stops no row."""

    ref: RowKey  # its key is empty for one about a file or a table
    name: str
    owners: Owners
    states: tuple[str, ...]  # its severity
    classes: tuple[str, ...]  # its code
    finding: Finding
    words: str
    weight: Decimal = NOTHING
    sums: Sums = ()
    notes: tuple[Note, ...] = ()


def finding_rows(seen: Overview) -> tuple[FindingRow, ...]:
    """Returns the findings that no tab shows; those that may need a person come first."""
    found = []
    for one in loose(seen.plan):
        key = RowKey(one.mapping, one.key)
        words = (one.name, one.mapping, one.key, one.code, one.text)
        row = RowRef(one.mapping, one.key, one.name)
        owners = Owners(seen.belonging.customer_of(row) if one.key else None)
        text, state = " ".join(words).casefold(), (str(one.severity),)
        found.append(FindingRow(key, one.name, owners, state, (one.code,), one, text))
    return tuple(found)


class EndedRow(Struct, frozen=True):
    """The result of one change of a run."""

    name: str
    states: tuple[str, ...]
    about: str  # what it does and where, in words
    texts: tuple[str, ...]  # what the target answered, and the proof
    is_done: bool
    remedy: Pieces = ()
    because: str = ""  # the change that it waits for
    owners: Owners = NO_OWNERS
    classes: tuple[str, ...] = ()
    sums: Sums = ()
    notes: tuple[Note, ...] = ()

    @property
    def weight(self) -> Decimal:
        """Sorts changes that failed or were held first."""
        return NOTHING if self.is_done else Decimal(1)

    @property
    def words(self) -> str:
        """The text that a search looks at."""
        return " ".join((self.name, self.about, *self.texts)).casefold()
