"""Explanations of a plan: the parts of a change, a field, a ledger line or a total.

Places of source rows are added last, by the operation that has the source.
"""

from datetime import date
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from trueup.model.catalogue import SystemNames
from trueup.model.change import Change, Reason, RowRef, ServiceTerms, UnitRow
from trueup.model.decision import Decision
from trueup.model.evaluation import NamedValue, SourceRow
from trueup.model.finding import Finding, Place, Severity
from trueup.model.mapping import Manage, PolicyPart
from trueup.model.plan import LedgerLine, LedgerTotals
from trueup.model.record_value import RecordValue
from trueup.model.rule_scopes import RuleOn
from trueup.model.run import Pushed


class Formula(Struct, frozen=True):
    """One literal, expression or template of a file, with its result on one row."""

    place: Place
    text: str  # as YAML has it
    result: object
    failed: str = ""  # why it cannot be evaluated; empty if it can
    uses: tuple[NamedValue, ...] = ()


class FieldStatus(StrEnum):
    """What this plan does with a field of a record."""

    WRITTEN = "written"
    EQUAL = "equal"  # the record has the value already
    KEPT = "kept"  # it is managed so that the record's value stays, or there is no value
    FIXED = "fixed"  # the target takes it on create only
    LEFT = "left alone"  # a rule about it fails, or the row is blocked or left out


class UndoneField(Struct, frozen=True):
    """What an undo changes about a field."""

    run: str  # that it takes back
    change: str  # id of the change of the undo
    before: str  # as people read it: what the record has
    after: str


class FieldExplanation(Struct, frozen=True):
    """One field: the source of its value, the record's value, and the value last written."""

    name: str
    formulas: tuple[Formula, ...]  # one; a look-up has one for each value that it looks for
    source: str  # what the value is found by: empty, `ref customer`, `find Countries`
    manage: Manage
    wanted: str  # as people read it; of a row that cannot be resolved, why
    actual: str | None  # what the record has; None: there is no record
    last_written: str | None  # None: trueup never wrote it
    not_kept: str  # what was written last, where the target kept another value; empty otherwise
    status: FieldStatus
    before: str = ""  # of a field that is written
    reason: Reason | None = None  # of a field that is written
    undone: UndoneField | None = None  # None: the plan is no undo, or leaves the field as it is


class RuleStatus(StrEnum):
    """The result of a rule on one row."""

    HOLDS = "holds"
    FAILS = "fails"
    DOES_NOT_APPLY = "does not apply"  # its `when` is false
    NOT_REACHED = "not reached"  # the row was stopped before
    NO_FINDING = "no finding"  # it was evaluated on what the plan does, and found nothing


class RulePart(Struct, frozen=True):
    """One expression of a rule on a row."""

    part: str  # when, assert, message, remedy
    formula: Formula


class RuleView(Struct, frozen=True):
    """A rule with all its expressions on one row, or on the plan."""

    name: str
    on: RuleOn
    place: Place
    status: RuleStatus
    formulas: tuple[RulePart, ...]


class RuleExplanation(Struct, frozen=True):
    """One rule about a row."""

    name: str
    place: Place
    on: RuleOn
    severity: Severity
    status: RuleStatus
    text: str = ""  # its message, where it fails


class DecisionExplanation(Struct, frozen=True):
    """A decision about a row, and whether it is in force on the day of the plan."""

    decision: Decision
    in_force: bool


class RowStatus(StrEnum):
    """Where a row stands in the plan."""

    READY = "ready"
    BLOCKED = "blocked"
    LEFT_OUT = "left out"
    OUT_OF_SCOPE = "out of scope"  # the mapping's `where` is false
    SUCCEEDED = "succeeded"  # another row took over its record
    GONE = "gone"


class RowExplanation(Struct, frozen=True):
    """One row of a mapping in a plan."""

    mapping: str
    key: str
    name: str
    title: str  # of the mapping: Account → Company
    place: Place  # of the mapping
    row: SourceRow
    status: RowStatus
    findings: tuple[Finding, ...]  # why it is blocked or left out, and warnings about it
    because: tuple[RowRef, ...]  # the rows up to the one at fault
    scope: Formula | None  # the mapping's `where`
    entity: str
    is_appended: bool  # its records can be created and never read
    pushed: Pushed | None  # of an appended one: what was sent for it
    record: int | None
    how: str  # how its record was found; empty if it has none
    fields: tuple[FieldExplanation, ...]
    rules: tuple[RuleExplanation, ...]
    decisions: tuple[DecisionExplanation, ...]


class PeriodAmount(Struct, frozen=True):
    """A part of the money of a change: its units over the billed days of one period."""

    start: date  # of the whole period
    end: date
    first: date  # billed days of it
    last: date
    days: int
    of_days: int
    amount: Decimal


class ShownMoney(Struct, frozen=True):
    """The money of a change to the penny, as every output of its plan shows it.

    The amounts of a plan's changes add up to its totals, so one may differ from its exact amount by
    a penny.
    """

    invoice: Decimal | None = None
    once: Decimal | None = None
    month: Decimal | None = None
    lost: Decimal | None = None


class ChangeExplanation(Struct, frozen=True):
    """One change of the plan, with the periods and prices of its money."""

    change: Change
    sets: tuple[tuple[str, Formula], ...]  # of a write-back or a deactivation: what it sets
    terms: ServiceTerms | None  # of an adjustment
    periods: tuple[PeriodAmount, ...]  # of its effect on the next invoice
    posted_until: date | None  # last day that is invoiced; None: none, or unknown
    needs: tuple[RowRef, ...]  # rows whose changes must be done first
    moved: tuple[SourceRow, ...]  # rows that have changed since the plan was made
    shown: ShownMoney = ShownMoney()
    service: RowRef | None = None  # that is billed


class PolicyExplanation(Struct, frozen=True):
    """One part of the policy that holds for a row."""

    part: PolicyPart
    formula: Formula


class PendingExplanation(Struct, frozen=True):
    """One change of a quantity that the target does not have yet."""

    row: SourceRow
    mapping: str
    day: date  # from which it is billed
    units: Decimal  # as billed
    notes: tuple[str, ...]  # which policy changed its units or its day
    change: str  # the id of the change that sends or marks it; empty if none does
    is_marked_only: bool  # nothing is sent for it: that change only marks it in the source
    held: str  # why it is not sent; empty if it is


class LedgerExplanation(Struct, frozen=True):
    """A line of the ledger: both sides, what is pending, and where the price comes from."""

    line: LedgerLine
    quantity: Formula | None  # before the policy; None for a service without a row
    counts_as_zero: str  # why the quantity is 0 without an expression; empty otherwise
    policy: tuple[PolicyExplanation, ...]
    units_entity: str
    units: tuple[UnitRow, ...]  # as they were read
    pending: tuple[PendingExplanation, ...]
    prices: tuple[RecordValue, ...]  # in the order in which they are tried
    per: RecordValue | None  # the billing period
    terms: ServiceTerms


class TotalPart(Struct, frozen=True):
    """What one row or change adds to a total."""

    what: str  # what `explain` takes to follow it
    name: str
    units: Decimal | None = None
    amount: Decimal | None = None  # None: it has no money, or its price is not known
    unpriced: bool = False
    text: str = ""  # why


class LedgerSum(StrEnum):
    """A sum of the ledger's lines."""

    UNDER = "under"  # billed too little
    OVER = "over"  # billed too much
    MOVED = "moved"
    HELD = "held"
    UNEXPLAINED = "unexplained"


class TotalExplanation(Struct, frozen=True):
    """A total of the plan with all its parts."""

    parts: tuple[TotalPart, ...]
    label: str = ""  # as the plan shows it
    units: Decimal | None = None  # the total itself; None if it has none
    amount: Decimal | None = None
    per_month: bool = False  # the amount is one of each month
    sum_: LedgerSum | None = None  # which sum of the ledger it is
    reason: str = ""  # code of the reason, if it is the part of `held` that has this reason
    among: LedgerTotals | None = None  # the sums of the ledger with which it adds up
    beside: Decimal = Decimal(0)  # another total, with which it adds up to a net amount


class Explanation(Struct, frozen=True):
    """The answer to one question about a plan."""

    what: str  # as it was asked
    as_of: date
    currency: str
    names: SystemNames
    field: str = ""  # the only field of its row that it is about
    rows: tuple[RowExplanation, ...] = ()
    changes: tuple[ChangeExplanation, ...] = ()
    ledger: tuple[LedgerExplanation, ...] = ()
    total: TotalExplanation | None = None
    notes: tuple[str, ...] = ()  # what has changed since a saved plan was made
