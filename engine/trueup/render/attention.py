"""What of a plan needs a person, and the money of leaving it: data for every output.

Each held seat counts at the row at fault, each unexplained one at its own row; so the items add up
to the ledger's totals. A ledger line with an unknown side is in no total, and has no money.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from trueup.model.change import RowRef
from trueup.model.finding import Finding, Severity
from trueup.model.finding_codes import DEPENDS
from trueup.model.money import exact
from trueup.model.plan import LedgerClass, LedgerLine, LedgerTotals, Plan
from trueup.render.belonging import Belonging
from trueup.render.findings import held_findings, own
from trueup.render.pennies import NOTHING, PENNY, Spread, penny, spread
from trueup.stages.ledger_totals import totals as ledger_totals
from trueup.stages.summary import waits

LEDGER = "ledger"
"""Code of an item that is a line of the ledger."""


_ONLY_WAITS = frozenset({DEPENDS, "waits-its-turn", "waits-for-its-other-half"})
"""Codes of rows that only wait for another row or change."""


class NeedKind(StrEnum):
    """Why something needs a person."""

    BLOCKED = "blocked"  # a fault to correct
    HELD = "held"  # it waits for a decision, or for a day
    DIFFERENCE = "differs"  # the two sides differ, and nothing explains it
    UNKNOWN = "not known"  # one of the two sides is not known


class Item(Struct, frozen=True):
    """One row that a person must look at."""

    kind: NeedKind
    row: RowRef
    findings: tuple[Finding, ...]  # what is wrong, and what to do
    customer: RowRef | None = None
    tab: str = ""
    because: tuple[RowRef, ...] = ()  # the rows up to the one at fault
    holds_back: Mapping[str, int] = {}
    units: Decimal = Decimal(0)  # that are billed wrong because of it
    monthly: Decimal | None = None  # their money, to the penny; None: none, or not known
    unpriced: int = 0  # lines of the ledger without a price
    record: int | None = None  # of a line of the ledger

    @property
    def identity(self) -> Hashable:
        """What tells its row from others; services without a row may have the same name."""
        row = self.row
        return (row.mapping, row.key) if row.key else (row.mapping, self.record, row.name)

    @property
    def is_stopped(self) -> bool:
        """Whether it is blocked or held; otherwise a line of the ledger needs a person."""
        return self.kind in {NeedKind.BLOCKED, NeedKind.HELD}

    @property
    def needs_person(self) -> bool:
        """Whether it needs a person itself, or has units that are billed wrong because of it."""
        return self.at_fault or bool(self.units)

    @property
    def at_fault(self) -> bool:
        """Whether it needs a person itself; otherwise it waits for another row or change."""
        return any(finding.code not in _ONLY_WAITS for finding in self.findings)


class Billing(Struct, frozen=True):
    """The ledger's totals to the penny: `under` - `over` = `moved` + `held` + `unexplained`."""

    under: Decimal
    over: Decimal
    moved: Decimal
    held: Decimal
    unexplained: Decimal


ROUNDING = 3 * PENNY
"""The largest rounding error of five sums."""


def billing(plan: Plan) -> Billing:
    """Returns what is billed wrong now, and how much of it is moved, held or unexplained."""
    return in_pennies(ledger_totals(plan.ledger))


def in_pennies(totals: LedgerTotals) -> Billing:
    """Returns the sums of a ledger as every output shows them.

    Each sum is rounded by itself, except one: the unexplained sum is what remains. If no line is
    unexplained, the next sum that has lines takes the rounding difference.
    """
    under, over = penny(totals.under.monthly), penny(totals.over.monthly)
    moved, held = penny(totals.moved.monthly), penny(totals.held.monthly)
    unexplained = penny(totals.unexplained.monthly)
    off = under - over - moved - held - unexplained
    if abs(off) > ROUNDING:
        pass  # documents of older versions do not have the parts of a difference
    elif totals.unexplained.lines > totals.unexplained.unpriced:
        unexplained += off
    elif totals.held.lines > totals.held.unpriced:
        held += off
    elif totals.over.lines > totals.over.unpriced:
        over += off
    else:
        under -= off
    return Billing(under, over, moved, held, unexplained)


def items(plan: Plan) -> list[Item]:
    """All that needs a person or waits, in the plan's order; blocked and held rows first."""
    belonging, totals = Belonging(plan), billing(plan)
    lines = [line for line in plan.ledger if is_known(line)]
    held, units, unpriced = _held(lines, totals.held)
    found = [
        Item(
            NeedKind.HELD if waits(row) else NeedKind.BLOCKED,
            RowRef(row.mapping, row.key, row.name),
            tuple(own(row)) or row.findings,
            belonging.customer_of(row),
            row.tab,
            row.because,
            row.holds_back,
        )
        for row in plan.blocked
    ]
    found += [_of_finding(finding, belonging) for finding in held_findings(plan)]
    rows = {(item.row.mapping, item.row.key) for item in found}
    found += [item for item in _held_elsewhere(lines) if item.row[:2] not in rows]
    priced = [_with_money(item, held, units, unpriced) for item in found]
    return [*priced, *_differences(lines, totals.unexplained), *_unknown(plan.ledger)]


def monthly_of(found: Iterable[Item]) -> Decimal | None:
    """Returns the money of items together; None if none is known."""
    known = [item.monthly for item in found if item.monthly is not None]
    return sum(known, NOTHING) if known else None


def _held_elsewhere(lines: Iterable[LedgerLine]) -> list[Item]:
    """Returns rows at fault as the ledger names them: they may be outside a selection."""
    found: dict[tuple[str, str], Item] = {}
    for line in lines:
        for one in line.held:
            finding = Finding(
                one.code, Severity.HOLD, one.reason, mapping=one.row.mapping, key=one.row.key
            )
            item = Item(NeedKind.HELD, one.row, (finding,), line.customer_row)
            found.setdefault((one.row.mapping, one.row.key), item)
    return [*found.values()]


def is_known(line: LedgerLine) -> bool:
    """Returns whether the line is in the totals."""
    return line.class_ is not LedgerClass.UNKNOWN and line.units is not None


def by_money(found: Iterable[Item]) -> list[Item]:
    """Sorts by money, the largest first; items without money by what they hold back."""
    return sorted(
        found,
        key=lambda item: (
            -abs(item.monthly or NOTHING),
            -abs(item.units),
            -sum(item.holds_back.values()),
            item.row.name.casefold(),
        ),
    )


def by_name(found: Iterable[Item]) -> list[Item]:
    """Sorts by the row's name."""
    return sorted(found, key=lambda item: (item.row.name.casefold(), item.row))


def _name(mapping: str, key: str) -> str:
    return f"{mapping}\n{key}"


def _held(
    lines: Sequence[LedgerLine], total: Decimal
) -> tuple[Spread, Mapping[str, Decimal], Mapping[str, int]]:
    """Returns money, units and lines without a price, by the row at fault."""
    money: dict[str, Decimal] = {}
    units: dict[str, Decimal] = {}
    unpriced: dict[str, int] = {}
    for line in lines:
        for one in line.held:
            name, amount = _name(one.row.mapping, one.row.key), line.money(one.units)
            units[name] = units.get(name, Decimal(0)) + one.units
            if amount is None:
                unpriced[name] = unpriced.get(name, 0) + 1
            else:
                money[name] = money.get(name, Decimal(0)) + exact(amount)
    return spread(money, total), units, unpriced


def _with_money(
    item: Item, held: Spread, units: Mapping[str, Decimal], unpriced: Mapping[str, int]
) -> Item:
    name = _name(item.row.mapping, item.row.key)
    if name not in units:
        return item
    return replace(item, units=units[name], monthly=held.of(name), unpriced=unpriced.get(name, 0))


def _of_finding(finding: Finding, belonging: Belonging) -> Item:
    row = RowRef(finding.mapping, finding.key, finding.name)
    return Item(NeedKind.HELD, row, (finding,), belonging.customer_of(row))


def _differences(lines: Sequence[LedgerLine], total: Decimal) -> list[Item]:
    """Returns lines with units that remain after apply without an explanation."""
    left = [line for line in lines if line.unexplained]
    known = {
        str(n): exact(amount)
        for n, line in enumerate(left)
        if (amount := line.unmoved_money(line.unexplained)) is not None
    }
    money = spread(known, total)
    return [
        _of_line(
            NeedKind.DIFFERENCE,
            line,
            units=line.unexplained or Decimal(0),
            monthly=money.of(str(n)),
            unpriced=0 if str(n) in known else 1,
        )
        for n, line in enumerate(left)
    ]


def _unknown(ledger: Iterable[LedgerLine]) -> list[Item]:
    return [_of_line(NeedKind.UNKNOWN, line) for line in ledger if not is_known(line)]


def _of_line(
    kind: NeedKind,
    line: LedgerLine,
    units: Decimal = Decimal(0),
    monthly: Decimal | None = None,
    unpriced: int = 0,
) -> Item:
    finding = Finding(
        LEDGER,
        Severity.WARNING,
        line.text,
        line.remedy,
        None,
        line.mapping,
        line.key,
        line.name,
        line.commands,
    )
    row = RowRef(line.mapping, line.key, line.name)
    return Item(
        kind,
        row,
        (finding,),
        line.customer_row,
        units=units,
        monthly=monthly,
        unpriced=unpriced,
        record=line.record,
    )
