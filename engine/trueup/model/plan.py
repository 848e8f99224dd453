"""The plan: waves of changes, findings, ledger, digests. Apply executes it without decisions."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from trueup.model.catalogue import UNNAMED, SystemNames
from trueup.model.change import Change, RowRef
from trueup.model.finding import Advice, Command, Finding

FORMAT = 2
"""Version of the plan document. Documents of version 1 are read too (see `plan_v1`)."""


class Blocked(Struct, frozen=True):
    """A row that is not written because of findings, with the rows that it holds back."""

    mapping: str
    key: str
    name: str
    tab: str
    findings: tuple[Finding, ...]  # its own
    because: tuple[
        RowRef, ...
    ] = ()  # the rows up to the one at fault; empty: it is at fault itself
    holds_back: Mapping[str, int] = {}  # mapping → rows blocked by this one


class LedgerClass(StrEnum):
    """How the billed units compare with the units that should be billed."""

    MATCH = "match"
    UNDER_BILLED = "under-billed"
    OVER_BILLED = "over-billed"
    MISSING = "missing"  # under-billed: not in the target at all, and not created by this plan
    ORPHAN = "orphan"  # over-billed: in the target, and no row behind it
    UNKNOWN = "unknown"  # one of the two sides is not known; in no total


class HeldUnits(Struct, frozen=True):
    """Pending units of one row that this plan does not send, for one reason."""

    units: Decimal
    code: str  # of the finding that stops them
    reason: str
    keys: tuple[str, ...]  # of the pending changes
    row: RowRef  # at fault: the change itself, or a row that it depends on


class LedgerLine(Struct, frozen=True):
    """One row with a quantity, compared with the service that bills it.

    If both sides are known: quantity - units = moved + held + unexplained.
    """

    mapping: str
    key: str  # empty for an orphan
    name: str
    record: int | None
    customer: str  # the customer's name; empty if it is unknown
    customer_row: RowRef | None
    under: tuple[RowRef, ...]  # the rows that it belongs to: contract, customer, …
    day: date  # the day on which both sides are compared
    quantity: Decimal | None  # what should be billed; None for an orphan, or not known
    units: int | None  # what the target bills now, on that day; None: not known
    pending: Decimal  # units of all changes that are not in the target yet, held ones included
    difference: Decimal | None  # quantity - units - pending
    moved: int  # units that this plan adds, or takes away
    held: tuple[HeldUnits, ...]
    unexplained: Decimal | None  # what is left after apply, and explained by nothing pending
    class_: LedgerClass
    price: Decimal | None  # per unit and month; None: unknown
    monthly: Decimal | None
    """Money of quantity - units per month, with `repriced`; None: a part is unknown."""

    text: str = ""  # why
    remedy: str = ""  # the way out
    commands: tuple[Command, ...] = ()  # of the remedy
    repriced: Decimal | None = Decimal(0)
    """Money per month by which units of a row that moves to another service cost more than at
    `price`: this plan moves them, or they are still on the old one. None: a price is unknown."""

    @property
    def advice(self) -> Advice:
        """The remedy with its commands."""
        return Advice(self.remedy, self.commands)

    @property
    def held_units(self) -> Decimal:
        """Pending units that this plan does not send."""
        return sum((one.units for one in self.held), Decimal(0))

    @property
    def moves_units(self) -> bool:
        """Whether this plan moves units, also where it adds none: to a service with another price.

        Of a row that differs, `repriced` is about units that are left if nothing is corrected.
        """
        if self.difference and self.unexplained == self.difference:
            return bool(self.moved)
        return bool(self.moved) or self.repriced != 0

    def money(self, units: Decimal | int | None) -> Decimal | None:
        """Returns the monthly cost of units at the line's price; None if either is unknown."""
        return None if self.price is None or units is None else self.price * units

    def unmoved_money(self, units: Decimal | None) -> Decimal | None:
        """Returns the monthly cost of units of the difference that this plan does not move."""
        amount, other = self.money(units), Decimal(0) if self.moves_units else self.repriced
        return None if amount is None or other is None else amount + other


class Amount(Struct, frozen=True):
    """A sum over ledger lines."""

    lines: int = 0
    units: Decimal = Decimal(0)
    monthly: Decimal = Decimal(0)  # of the lines with a known price
    unpriced: int = 0  # lines without one


class HeldTotal(Struct, frozen=True):
    """What is held for one reason."""

    code: str
    amount: Amount


class LedgerTotals(Struct, frozen=True):
    """Sums in units and money: `under` - `over` = `moved` + `held` + `unexplained`."""

    under: Amount = Amount()  # billed too little now
    over: Amount = Amount()  # billed too much now; both positive
    moved: Amount = Amount()  # by this plan
    held: Amount = Amount()
    held_by_reason: tuple[HeldTotal, ...] = ()
    unexplained: Amount = Amount()
    unknown: int = 0  # lines that are in no sum


NO_TOTALS = LedgerTotals()


class GuardExceeded(Struct, frozen=True):
    """A limit that this plan exceeds."""

    kind: str  # creates, calls, rule, …
    limit: str  # its name for `--over`: the kind alone, or `creates:Companies`
    text: str


class LeftOut(Struct, frozen=True):
    """Rows left out on purpose, grouped by reason."""

    mapping: str
    reason: str
    names: tuple[str, ...]
    code: str
    keys: tuple[str, ...] = ()  # in the order of `names`; empty in a plan of an earlier version
    cause: str = ""  # the code for which the row that they refer to is left out, if it is therefore


class Money(Struct, frozen=True):
    """One kind of money of a plan's changes."""

    more: Decimal = Decimal(0)
    less: Decimal = Decimal(0)  # negative or zero

    @classmethod
    def of(cls, amounts: Iterable[Decimal | None]) -> "Money":
        """Returns the sums of the known amounts, increases and decreases separately."""
        known = [amount for amount in amounts if amount is not None]
        return cls(
            more=sum((amount for amount in known if amount > 0), Decimal(0)),
            less=sum((amount for amount in known if amount < 0), Decimal(0)),
        )

    @property
    def net(self) -> Decimal:
        """The sum of both directions."""
        return self.more + self.less


class GoneRows(NamedTuple):
    """How many of a table's known rows are gone from it; an array in documents.

    Known rows are linked rows, and those that the last run kept out.
    """

    table: str
    gone: int
    known: int


class Summary(Struct, frozen=True):
    """Figures of the plan."""

    source_rows: int
    source_tables: int
    records: int
    read_calls: int  # calls that planning costs where no earlier plan has kept any answer
    apply_calls: int  # calls that apply will cost
    monthly: Decimal  # net effect on the run rate per month, of changes with a known price
    prices_unknown: int
    prices_zero: int
    actions: Mapping[str, int]  # action → changes
    blocked: int
    held: int
    run_rate: Money = Money()  # the same, by direction
    invoice: Money = Money()  # effect on the next invoices
    one_off: Money = Money()  # of it: charged once
    lost: Decimal = Decimal(0)  # money of earlier days that will not be billed
    credit: Decimal = Decimal(0)  # owed for earlier days, positive
    ledger: LedgerTotals = NO_TOTALS
    rows_gone: tuple[GoneRows, ...] = ()  # tables of which known rows are gone


class Outside(Struct, frozen=True):
    """How much of a plan is outside a selection."""

    rows: int
    changes: int
    blocked: int
    held: int


class PartialRead(Struct, frozen=True):
    """A query that read only what changed; the rest is from an earlier plan.

    Times are ISO text in UTC.
    """

    entity: str
    records: int  # that it finds
    changed: int  # of them, since the earlier plan
    since: str  # records that were modified then or later were read
    full: str  # when all of them were read


class OwnerMappings(Struct, frozen=True):
    """The mappings by whose rows a plan is grouped."""

    customer: str = ""  # empty if the project has none
    services: tuple[str, ...] = ()  # of what is billed
    contracts: tuple[str, ...] = ()  # of what it is billed for


class Plan(Struct, frozen=True):  # noqa: PLW1641 -- it holds dictionaries
    """A plan; the same input gives the same document, byte for byte."""

    project: str  # digest of the configuration
    as_of: date
    lineage: str  # of the state; empty before the first apply
    serial: int
    source: str  # the display name of the source, no secrets
    target: str
    currency: str
    changes: tuple[Change, ...]  # in order of waves
    waves: tuple[tuple[str, ...], ...]
    findings: tuple[Finding, ...]
    blocked: tuple[Blocked, ...]
    left_out: tuple[LeftOut, ...]
    ledger: tuple[LedgerLine, ...]
    exceeded: tuple[GuardExceeded, ...]
    summary: Summary
    selection: str = ""  # what --target, --exclude and --customer keep of it
    outside: Outside | None = None  # of a selection: how much is not in it
    undo_of: str = ""  # the run that it reverses
    systems: Mapping[str, str] = {}
    """`source` and `target`: the systems that it was made for; it is applied to no others."""

    names: SystemNames = UNNAMED  # the display names of the two systems
    owners: OwnerMappings = OwnerMappings()

    partial_reads: tuple[PartialRead, ...] = ()
    """What was not read in full. The same plan may be made from either, so it is not in the digest
    and not compared, and of plans that are read in full it is not in the document."""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Plan):
            return NotImplemented
        names = (name for name in self.__struct_fields__ if name != "partial_reads")
        return all(getattr(self, name) == getattr(other, name) for name in names)
