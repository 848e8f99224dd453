"""The figures at the head of a plan, as data: every output shows the same ones."""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from trueup.model.change import Action, Change, RowRef
from trueup.model.finding import Finding
from trueup.model.finding_codes import OPEN_RUN
from trueup.model.plan import Amount, LedgerTotals, Plan
from trueup.render.amounts import PlanMoney, has_money, plan_money
from trueup.render.attention import Billing, Item, NeedKind, billing, is_known, items, monthly_of
from trueup.render.belonging import NO_CUSTOMER, NO_SERVICE, Belonging
from trueup.render.formatting import count, money
from trueup.render.joined import joined, joined_name
from trueup.render.pennies import NOTHING, weight
from trueup.render.style import PLAIN, Style
from trueup.render.view import ARRANGEMENT, Arrangement, GroupBy, Sort, View
from trueup.stages.ledger_totals import totals

TOP = 10
"""Lines that a shortened list shows."""


Shown = TypeVar("Shown")


class MoneyLine(Struct, frozen=True):
    """A change with money, or several that are sent together or not at all."""

    changes: tuple[Change, ...]
    invoice: Decimal
    month: Decimal

    @property
    def is_billed_monthly(self) -> bool:
        """Whether an effect on the monthly bill is known."""
        return any(change.monthly is not None for change in self.changes)

    @property
    def name(self) -> str:
        """The display name: the row that gains units, then the rows that lose them."""
        return joined_name(self.changes)

    @property
    def weight(self) -> Decimal:
        """The larger of both effects, without its sign; unbounded if a price is unknown."""
        return weight((self.invoice, self.month), price_unknown=self.price_unknown)

    @property
    def price_unknown(self) -> bool:
        """Whether a part of its money is unknown."""
        return any(change.price_unknown for change in self.changes)


class Group(Struct, frozen=True):
    """The changes of one customer, tab or service, or of several, and what waits there."""

    row: RowRef
    changes: tuple[Change, ...]
    invoice: Decimal
    month: Decimal
    waits: Decimal  # money a month of what is blocked or held; no unexplained differences
    waits_price_unknown: bool
    weight: Decimal  # for sorting: amounts that cancel each other count too

    @property
    def price_unknown(self) -> bool:
        """Whether a part of the money of its changes is unknown."""
        return any(change.price_unknown for change in self.changes)


class Figure(Struct, frozen=True):
    """One row of the table of money; None for an empty cell."""

    label: str
    more: Decimal | None
    less: Decimal | None
    net: Decimal | None
    is_part: bool = False  # of the row above it
    price_unknown: bool = False  # of a change, at least: the sum may lack its amount


class Balance(Struct, frozen=True):
    """One row of the ledger's totals."""

    label: str
    units: Decimal | None
    money: Decimal | None
    note: str
    signed: bool = True
    is_part: bool = False  # of the two rows at the top


class Overview(Struct, frozen=True):
    """The figures of a plan, for its head."""

    plan: Plan
    money: PlanMoney
    ledger: LedgerTotals
    billing: Billing
    items: tuple[Item, ...]  # what needs a person; rows that wait for others are left out
    belonging: Belonging

    @property
    def needy_rows(self) -> int:
        """How many rows the items are about: one that is blocked may also differ in the ledger."""
        return len({item.identity for item in self.items})


def overview(plan: Plan) -> Overview:
    """The figures of the plan."""
    own = tuple(item for item in items(plan) if item.needs_person)
    return Overview(
        plan, plan_money(plan), totals(plan.ledger), billing(plan), own, Belonging(plan)
    )


def view_of(
    seen: Overview,
    style: Style = PLAIN,
    *,
    verbose: bool = False,
    arrangement: Arrangement = ARRANGEMENT,
) -> View:
    """Returns the options with which lines of the plan are rendered."""
    plan = seen.plan
    return View(plan.currency, plan.names, style, verbose, arrangement, seen.money)


def open_runs(plan: Plan) -> list[Finding]:
    """The findings that a run is open."""
    return [finding for finding in plan.findings if finding.code == OPEN_RUN]


def figures(seen: Overview) -> list[Figure]:
    """Returns the effect of the changes on money; none if they have none."""
    if not any(has_money(change) for change in seen.plan.changes):
        return []
    money_ = seen.money
    found = [Figure("This invoice run", *_sides(money_.invoice.more, money_.invoice.less))]
    if money_.once.parts:
        found.append(
            Figure("of it once", *_sides(money_.once.more, money_.once.less), is_part=True)
        )
    found.append(Figure("A month", *_sides(money_.month.more, money_.month.less)))
    found.append(Figure("A year", *_sides(money_.year.more, money_.year.less)))
    if money_.lost.more:
        found.append(Figure("Earlier days, billed to nobody", None, None, money_.lost.more))
    if money_.lost.less:
        found.append(Figure("Earlier days, credit owed", None, None, money_.lost.less))
    return [replace(row, price_unknown=money_.price_unknown) for row in found]


def _sides(more: Decimal, less: Decimal) -> tuple[Decimal, Decimal, Decimal]:
    return more, less, more + less


def balance(seen: Overview) -> list[Balance]:
    """Returns the monthly billing error and its parts; none if nothing is wrong."""
    of, at = seen.ledger, seen.billing
    is_even = not (of.under.lines or of.over.lines or of.unknown)
    if is_even and not (of.moved.lines or of.held.lines or of.unexplained.lines):
        return []
    moved_lines, left_lines = lines_of(of.moved), lines_of(of.unexplained)
    moved_lines += _not_in_part(seen.plan)
    found = [
        Balance("Billed too little", of.under.units, at.under, lines_of(of.under), signed=False),
        Balance("Billed too much", of.over.units, at.over, lines_of(of.over), signed=False),
        *(
            Balance(label, amount.units, money_, note, is_part=True)
            for label, amount, money_, note in (
                ("this plan moves", of.moved, at.moved, moved_lines),
                ("held or blocked", of.held, at.held, lines_of(of.held)),
                ("explained by nothing", of.unexplained, at.unexplained, left_lines),
            )
        ),
    ]
    if of.unknown:
        note = f"{count(of.unknown, 'line')}, in no sum"
        found.append(Balance("Not known", None, None, note))
    return found


def _not_in_part(plan: Plan) -> str:
    """Returns how many lines a selection shows without the adjustments that move their units."""
    if not plan.selection:
        return ""
    sent = {one.adjustment.row[:2] for one in plan.changes if one.adjustment}
    without = sum(
        line.moves_units and (line.mapping, line.key) not in sent
        for line in plan.ledger
        if is_known(line)
    )
    return f", {without:,} not in this part of the plan" if without else ""


def lines_of(amount: Amount) -> str:
    """Returns how many lines the amount adds up, and how many of them have no price."""
    without = f", {amount.unpriced:,} without a price" if amount.unpriced else ""
    return f"{count(amount.lines, 'line')}{without}" if amount.lines else ""


def refusals(plan: Plan) -> list[str]:
    """Returns why the plan cannot be applied as it is."""
    found = [f"{count(len(open_runs(plan)), 'run')} open"] if open_runs(plan) else []
    if plan.exceeded:
        found.append(f"over {count(len(plan.exceeded), 'limit')}")
    return found


def doubts(seen: Overview) -> list[str]:
    """Returns what to check before signing."""
    summary, of = seen.plan.summary, seen.ledger
    found = [
        f"{count(many, 'price')} {what}"
        for many, what in ((summary.prices_unknown, "unknown"), (summary.prices_zero, "of zero"))
        if many
    ]
    if of.unexplained.lines:
        cost = _cost(seen.billing.unexplained, of.unexplained, seen.plan.currency)
        found.append(f"{cost} that nothing explains")
    if of.unknown:
        found.append(f"{count(of.unknown, 'line')} of the ledger not known")
    if seen.money.lost.more:
        found.append(f"{money(seen.money.lost.more, seen.plan.currency)} lost for earlier days")
    if seen.money.lost.less:
        owed = money(-seen.money.lost.less, seen.plan.currency)
        found.append(f"{owed} of credit owed for earlier days")
    return found


def signing(seen: Overview) -> tuple[bool | None, str]:
    """Returns whether the plan can be signed, and why not or what to look at first.

    None if there is nothing to sign.
    """
    if refused := refusals(seen.plan):
        return False, "; ".join(refused)
    if not seen.plan.changes:
        return None, ""
    found = doubts(seen)
    return True, f"after a look at {', '.join(found)}" if found else ""


def verdict(seen: Overview) -> str:
    """Returns whether the plan can be signed, as a sentence."""
    can_be, why = signing(seen)
    if can_be is None:
        return "There is nothing to sign."
    if not can_be:
        return f"No: {why}."
    return f"Yes, {why}." if why else "Yes."


def waiting(seen: Overview) -> str:
    """Returns how many rows need a person, and the cost of leaving them; "" if none does."""
    currency, of = seen.plan.currency, seen.ledger
    many = {kind: sum(item.kind is kind for item in seen.items) for kind in NeedKind}
    parts = []
    if rows := len({item.identity for item in seen.items if item.is_stopped}):
        cost = _cost(seen.billing.held, of.held, currency)
        until = f": {cost} until they are settled" if cost else ""
        parts.append(f"{count(rows, 'row')} blocked or held{until}")
    if many[NeedKind.DIFFERENCE]:
        cost = _cost(seen.billing.unexplained, of.unexplained, currency)
        parts.append(f"{count(many[NeedKind.DIFFERENCE], 'unexplained difference')}: {cost}")
    if many[NeedKind.UNKNOWN]:
        parts.append(f"{count(many[NeedKind.UNKNOWN], 'line')} of the ledger not known")
    return "; ".join(parts)


def _cost(amount: Decimal, of: Amount, currency: str) -> str:
    """Returns the money, and the lines without known money; "" without lines."""
    if not of.lines:
        return ""
    beside = f" and {count(of.unpriced, 'line')} without a price" if of.unpriced else ""
    return f"{money(amount, currency, signed=True)} a month{beside}"


def money_lines(seen: Overview) -> list[MoneyLine]:
    """Returns changes with money, the largest first."""
    found = []
    for changes in joined(seen.plan.changes):
        if any(map(has_money, changes)):
            ids = [change.id for change in changes]
            month, invoice = seen.money.month.total(ids), seen.money.invoice.total(ids)
            found.append(MoneyLine(changes, invoice, month))
    return sorted(found, key=lambda line: (-line.weight, line.name.casefold()))


def summed(lines: Iterable[MoneyLine]) -> MoneyLine:
    """Returns lines as one, such as those that a shortened list only counts."""
    every = tuple(lines)
    return MoneyLine(
        tuple(change for line in every for change in line.changes),
        sum((line.invoice for line in every), NOTHING),
        sum((line.month for line in every), NOTHING),
    )


def groups(seen: Overview, arrangement: Arrangement) -> list[Group]:
    """Returns all changes, grouped by the arrangement; changes without a group come last."""
    by = arrangement.group
    changes: dict[RowRef, list[Change]] = {}
    for change in seen.plan.changes:
        changes.setdefault(seen.belonging.group_of(change, by), []).append(change)
    waits = _waits(seen.items, by)
    found = []
    for row in dict.fromkeys([*changes, *waits]):
        here, held = tuple(changes.get(row, ())), waits.get(row, [])
        found.append(_group(row, here, held, seen))
    none = {NO_CUSTOMER, NO_SERVICE}

    def order(group: Group) -> tuple[bool, Decimal, str]:
        first = NOTHING if arrangement.sort is Sort.NAME else -group.weight
        return group.row in none, first, group.row.name.casefold()

    return found if by is GroupBy.TAB else sorted(found, key=order)


def _group(row: RowRef, changes: tuple[Change, ...], held: Sequence[Item], seen: Overview) -> Group:
    ids = [change.id for change in changes]
    month, invoice = seen.money.month, seen.money.invoice
    waits = monthly_of(held) or NOTHING
    unpriced = any(item.unpriced for item in held)
    return Group(
        row,
        changes,
        invoice.total(ids),
        month.total(ids),
        waits,
        unpriced,
        weight(
            (invoice.gross(ids), month.gross(ids), waits),
            price_unknown=unpriced or any(change.price_unknown for change in changes),
        ),
    )


def whole(of: Iterable[Group]) -> Group:
    """Returns groups as one, such as those that a shortened list only counts."""
    every = tuple(of)
    return Group(
        RowRef("", ""),
        tuple(change for group in every for change in group.changes),
        sum((group.invoice for group in every), NOTHING),
        sum((group.month for group in every), NOTHING),
        sum((group.waits for group in every), NOTHING),
        any(group.waits_price_unknown for group in every),
        sum((group.weight for group in every), NOTHING),
    )


def _waits(found: Iterable[Item], by: GroupBy) -> dict[RowRef, list[Item]]:
    """Returns the blocked and held rows with units, by their customer."""
    waiting: dict[RowRef, list[Item]] = {}
    if by is GroupBy.CUSTOMER:
        for item in found:
            if item.is_stopped and (item.monthly is not None or item.unpriced):
                waiting.setdefault(item.customer or NO_CUSTOMER, []).append(item)
    return waiting


def divided(
    found: Sequence[Shown],
    weight: Callable[[Shown], Decimal],
    arrangement: Arrangement,
    most: int | None,
) -> tuple[list[Shown], list[Shown]]:
    """Returns what is shown, and what is only counted: small groups, and those beyond `most`."""
    large = [one for one in found if weight(one) >= arrangement.min_amount]
    shown = large if most is None or len(large) <= most + 1 else large[:most]
    kept = {id(one) for one in shown}
    return shown, [one for one in found if id(one) not in kept]


def counted(changes: Sequence[Change], *, marks: bool = False) -> str:
    """Returns `2 links, 5 new, 3 adjusted`; with `marks` also write-backs."""
    words = {
        Action.LINK: ("link", "links"),
        Action.CREATE: ("new", "new"),
        Action.UPDATE: ("changed", "changed"),
        Action.DEACTIVATE: ("switched off", "switched off"),
        Action.ADJUST: ("adjusted", "adjusted"),
        Action.WRITE_BACK: ("mark", "marks"),
    }
    many = {
        action: sum(change.action is action for change in changes)
        for action in words
        if marks or action is not Action.WRITE_BACK
    }
    return ", ".join(f"{n:,} {words[action][n > 1]}" for action, n in many.items() if n)
