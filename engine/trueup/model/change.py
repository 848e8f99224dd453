"""A change of a plan: one write or one link, with what planning read and its money."""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple, assert_never

from msgspec import Struct

from trueup.model.finding import Place


class Action(StrEnum):
    """The kinds of changes. Every `match` on the writing side covers all of them."""

    LINK = "link"  # a row is this record from now on; nothing is sent
    CREATE = "create"
    UPDATE = "update"
    DEACTIVATE = "deactivate"
    ADJUST = "adjust"  # an append: it cannot be read back, and an undo appends its opposite
    WRITE_BACK = "write back"  # to the source

    @property
    def writes(self) -> "System | None":
        """The system that the change is sent to; None if nothing is sent."""
        match self:
            case Action.CREATE | Action.UPDATE | Action.DEACTIVATE | Action.ADJUST:
                return System.TARGET
            case Action.WRITE_BACK:
                return System.SOURCE
            case Action.LINK:
                return None
            case _:
                assert_never(self)

    @property
    def is_repeatable(self) -> bool:
        """Whether a change that is sent twice has the same effect as one that is sent once."""
        match self:
            case Action.UPDATE | Action.DEACTIVATE | Action.WRITE_BACK | Action.LINK:
                return True
            case Action.CREATE | Action.ADJUST:
                return False
            case _:
                assert_never(self)


class System(StrEnum):
    """The two sides of a project."""

    SOURCE = "source"
    TARGET = "target"


class Reason(StrEnum):
    """Why a field differs; for explanations only, apply does not use it."""

    SOURCE = "source"  # the source changed
    MAPPING = "mapping"  # the mapping changed
    RELATED = "related"  # something else that it is made of changed, or the mapping
    DRIFT = "drift"  # edited in the target, put back
    BOTH = "both"  # changed in the source and edited in the target
    FIRST = "first"  # first alignment
    NEW = "new"
    UNDO = "undo"
    UNDONE = "undone"  # undone before, and the source still wants it
    DECISION = "decision"


class Unknown(Struct, frozen=True):
    """A value that is unknown until apply: the id of the record that another change creates."""

    change: str


class RowRef(NamedTuple):
    """A row of a mapping, with its name; an array of three in documents."""

    mapping: str
    key: str
    name: str = ""


class FieldChange(Struct, frozen=True):
    """One field, before and after, as values and as display texts."""

    field: str
    before: object
    after: object  # may be Unknown
    reason: Reason
    shown_before: str
    shown_after: str


class UnitRow(Struct, frozen=True):
    """Units of one service over some days, both ends included."""

    id: int
    start: date
    end: date
    units: int
    posted: bool = False


class SeenRow(Struct, frozen=True):
    """A source row as planning read it: the fingerprint of its columns."""

    table: str
    key: str
    fingerprint: str


class Alike(Struct, frozen=True):
    """Values by which a record would be taken for the row's: its create must find no new one."""

    by: str  # the field that is queried; the others are compared
    values: Mapping[str, object]
    known: tuple[int, ...] = ()  # records with these values when the plan was made
    around: int = 0  # records with this value of `by` when the plan was made


class Preconditions(Struct, frozen=True):
    """The values that planning read and that apply checks again before it writes."""

    rows: tuple[SeenRow, ...] = ()
    record: Mapping[str, object] = {}
    """Fields of the record, or columns of a write-back's row, with their values as seen."""

    absent: Mapping[str, object] = {}  # creates: no record has this identity
    alike: tuple[Alike, ...] = ()  # creates
    units: tuple[UnitRow, ...] | None = None  # adjustments; None: the service is yet to be created
    made_of: Mapping[str, Mapping[str, object]] = {}
    """Archive marks: row key → columns that its units, day and references were taken from."""


class ServiceTerms(Struct, frozen=True):
    """How one service on one contract is billed. None if the target does not show it."""

    price: Decimal | None = None  # of one unit and one whole period
    months: int | None = None  # of a period
    start: date | None = None  # of the contract: periods are counted from here
    end: date | None = None  # of the contract, as it will be after this plan
    present_end: date | None = None  # as it is now
    posted_until: date | None = None
    """Of a service that is not posted yet: the last day that is, of its contract or customer."""

    @property
    def monthly(self) -> Decimal | None:
        """The price of one unit and month, not rounded."""
        return None if self.price is None or not self.months else self.price / self.months

    @property
    def is_extended(self) -> bool:
        """Whether this plan gives the contract a later end."""
        if self.end is None or self.present_end is None:
            return False
        return self.present_end < self.end


NO_TERMS = ServiceTerms()


class Adjustment(Struct, frozen=True):
    """The units that a change of action ADJUST moves, and from which day."""

    day: date  # effective from this day on
    row: RowRef  # the row whose ledger it moves
    service: int | None = None  # the service's record; None: it is yet to be created
    service_change: str = ""  # then: the change that creates it
    correction: int = 0  # how many of its units correct a difference, as decided
    is_correction: bool = False  # it only corrects: no change of the source is behind it
    decided_on: date | None = None  # the day of the difference that was decided to be corrected
    is_transfer: bool = False  # it moves the row's units from one service to another
    terms: ServiceTerms = NO_TERMS  # from which its money is computed


class MadeRecord(NamedTuple):
    """The record that an adjustment creates besides moving units; an array in documents."""

    mapping: str
    key: str
    entity: str


class InvoiceEffect(Struct, frozen=True):
    """The effect of a change on the next invoice of its contract."""

    start: date  # of the periods on that invoice
    end: date
    amount: Decimal
    earlier: Decimal = Decimal(0)  # of it: for periods before the present one
    first_billed: tuple[date, date] | None = None  # the first period that it changes at all


class Change(Struct, frozen=True):
    """One write, or one link. `values` has everything that is sent."""

    id: str  # opaque: nothing is read out of it
    action: Action
    mapping: str
    keys: tuple[str, ...]  # the rows it comes from; more than one where changes were merged
    name: str  # its display name
    tab: str
    entity: str  # the target entity; for a write-back the source table
    place: Place  # the mapping's YAML line
    record: int | None = None
    """The record it writes to, where known. Of an adjustment: that of the service whose units it
    moves; of a write-back: that of its row."""

    fields: tuple[FieldChange, ...] = ()
    under: tuple[RowRef, ...] = ()  # the rows that it belongs to: contract, customer, …
    values: Mapping[str, object] = {}
    owned: Mapping[str, object] = {}
    """All owned values once done; of a mark alone: key of a change → the day it is billed from."""

    needs: tuple[str, ...] = ()  # ids of changes that must be done first
    together: tuple[str, ...] = ()  # ids of changes that are sent with it or not at all
    seen: Preconditions = Preconditions()
    how: str = ""  # links: decision, identity, match, succession
    succeeds: RowRef | None = None  # links: the row whose record it takes over, and loses its link
    monthly: Decimal | None = None  # effect on the run rate per month; None: none or unknown
    invoice: InvoiceEffect | None = None  # effect on the next invoice; None: none or unknown
    one_off: Decimal | None = None  # charged once: setup fees, and units for periods gone by
    lost: Decimal | None = None
    """Money of earlier days that will not be billed; negative: a credit that is owed."""

    price_unknown: bool = False
    notes: tuple[str, ...] = ()
    units: tuple[int, int] | None = None  # adjustments: units on their day before and after
    adjustment: Adjustment | None = None  # exactly where the action is ADJUST
    makes: MadeRecord | None = None  # adjustments that create a record
    marks_changes: bool = False  # write-backs: the mark of pending changes that are dealt with
    undoes: str = ""  # the change of an earlier run that it takes back
    undo_depth: int = 0  # 1: an undo; 2: an undo of an undo; …

    @property
    def invoice_amount(self) -> Decimal | None:
        """Its effect on the next invoice; a fee is on the first invoice of its contract."""
        return self.invoice.amount if self.invoice else self.one_off

    @property
    def refers_to(self) -> Iterator[str]:
        """Ids of the changes that create the records which its values name."""
        for values in (self.values, self.owned):
            yield from (value.change for value in values.values() if isinstance(value, Unknown))
        if self.adjustment and self.adjustment.service_change:
            yield self.adjustment.service_change

    @property
    def unit_change(self) -> int:
        """The units that an adjustment adds; negative if it takes units away."""
        before, after = self.units or (0, 0)
        return after - before

    @property
    def is_append(self) -> bool:
        """Whether it stays in the target: an undo appends an opposing one."""
        return self.action is Action.ADJUST

    @property
    def is_undo(self) -> bool:
        """Whether it undoes a change of an earlier run."""
        return self.undo_depth > 0

    @property
    def takes_back(self) -> bool:
        """Whether it undoes the original change; an undo of an undo makes that change again."""
        return self.undo_depth % 2 == 1
