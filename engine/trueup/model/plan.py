"""The plan: waves of changes, findings, ledger, digests. Apply executes it without deciding anything."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from engine.model.finding import Finding, Place

FORMAT = 1
"""Version of the plan document; a plan of another version is refused."""

UNDO = "undo:"
"""How the id of a change begins that takes another one back; once more for each change that takes such a one back."""

OUTSIDE = "; outside of it: "
"""In the words of a selection, what comes before the figures of all that is not in the part."""


class Action(StrEnum):
    """What a change does."""

    LINK = "link"  # a row is this record from now on; nothing is sent
    CREATE = "create"
    UPDATE = "update"
    DEACTIVATE = "deactivate"
    ADJUST = "adjust"  # an append: cannot be read back or undone
    WRITE_BACK = "write back"  # to the source


class Reason(StrEnum):
    """Why a field differs: for explaining only, apply never looks at it."""

    SOURCE = "changed in Work 365"
    MAPPING = "mapping changed"
    DRIFT = "edited in Autotask, put back"
    BOTH = "changed in Work 365 and edited in Autotask"
    FIRST = "first alignment"
    NEW = "new"
    UNDO = "undo"
    UNDONE = "undone before, still wanted"
    DECISION = "as decided"


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that only apply will know: the id of the record that another change creates."""

    change: str


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field, before and after, as values and as people read them."""

    field: str
    before: object
    after: object  # may be Unknown
    reason: Reason
    shown_before: str
    shown_after: str


@dataclass(frozen=True, slots=True)
class UnitRow:
    """Units of one contract service over some days, both ends included."""

    id: int
    start: date
    end: date
    units: int
    posted: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """What planning saw and apply checks again before it writes: the change's preconditions."""

    row: Mapping[str, str] = field(default_factory=dict)  # source rows: "table:key" → digest of what was read
    record: Mapping[str, object] = field(default_factory=dict)  # target fields → value
    absent: Mapping[str, object] = field(default_factory=dict)  # creates: no record has this identity
    units: tuple[UnitRow, ...] | None = None  # adjustments: unit rows; None where the service is yet to be created
    made_of: Mapping[str, Mapping[str, object]] = field(default_factory=dict)  # marks: row → columns, as they were sent


@dataclass(frozen=True, slots=True)
class Change:
    """One write, or one link. `values` is what is sent, complete."""

    id: str
    action: Action
    mapping: str
    keys: tuple[str, ...]  # the rows it comes from; more than one where changes were merged
    name: str  # what people call it
    tab: str
    entity: str  # the target entity; for a write-back the source table
    place: Place  # the mapping's YAML line
    record: int | None = None  # the record it writes to, where known
    fields: tuple[FieldChange, ...] = ()
    values: Mapping[str, object] = field(default_factory=dict)
    owned: Mapping[str, object] = field(default_factory=dict)  # all owned values once done, for state
    needs: tuple[str, ...] = ()  # ids of changes that must be done first
    seen: Seen = Seen()
    how: str = ""  # links: decision, identity, match
    monthly: Decimal | None = None  # effect per month; None: none or unknown
    one_off: Decimal | None = None  # estimate, back-dated changes
    price_unknown: bool = False
    notes: tuple[str, ...] = ()
    units: tuple[int, int] | None = None  # adjustments: units on the day before and after
    makes: tuple[str, str, str] | None = None  # adjustments that create: mapping, key and entity of what they create

    @property
    def final(self) -> bool:
        """Can it never be undone?"""
        return self.action is Action.ADJUST

    @property
    def takes_back(self) -> bool:
        """Does it take back what a run did? What takes back an undo does that again."""
        rest = self.id
        while rest.startswith(UNDO):
            rest = rest.removeprefix(UNDO)
        return (len(self.id) - len(rest)) // len(UNDO) % 2 == 1


@dataclass(frozen=True, slots=True)
class Blocked:
    """A row that is left alone because of findings, with what it holds back."""

    mapping: str
    key: str
    name: str
    tab: str
    findings: tuple[Finding, ...]  # its own
    because: tuple[tuple[str, str, str], ...] = ()  # chain of (mapping, key, name) to the row at fault; () = itself
    holds_back: Mapping[str, int] = field(default_factory=dict)  # mapping → rows blocked by this one


class LedgerClass(StrEnum):
    """How source and target stand to each other."""

    MATCH = "match"
    UNDER_BILLED = "under-billed"
    OVER_BILLED = "over-billed"
    MISSING = "missing in Autotask"
    ORPHAN = "orphan in Autotask"
    HELD = "held"
    UNKNOWN = "cannot be told"  # the quantity, or what is pending, cannot be read or worked out


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One subscription against one contract service."""

    mapping: str
    key: str  # empty for an orphan
    name: str
    record: int | None
    customer: str
    day: date  # the day on which both are compared
    quantity: Decimal | None  # None for an orphan, and where it cannot be told
    units: int
    pending: int
    difference: Decimal | None  # quantity - units - pending: positive is under-billed; None: cannot be told
    class_: LedgerClass
    monthly: Decimal | None  # money of the difference per month; None: price unknown
    price: Decimal | None  # per unit and month
    text: str = ""  # why
    remedy: str = ""  # the way out


@dataclass(frozen=True, slots=True)
class GuardExceeded:
    """A limit that this plan is over."""

    limit: str  # name for `--over`
    text: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Rows left out on purpose, folded by reason."""

    mapping: str
    reason: str
    names: tuple[str, ...]
    code: str


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures of the plan."""

    source_rows: int
    source_tables: int
    records: int
    read_calls: int  # calls that planning cost
    apply_calls: int  # calls that apply will cost
    monthly: Decimal  # sum of known monthly effects
    prices_unknown: int
    prices_zero: int
    actions: Mapping[str, int]  # action → changes
    blocked: int
    held: int


@dataclass(frozen=True, slots=True)
class Plan:
    """A document: the same input gives the same one, byte for byte."""

    project: str  # digest of the configuration
    as_of: date
    lineage: str  # of the state; empty before the first apply
    serial: int
    source: str  # what people call the source, no secrets
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
    selection: str = ""  # what --target, --exclude, --customer left of it, in words, and how much is outside of it
    undo_of: str = ""  # the run that it reverses
    systems: Mapping[str, str] = field(default_factory=dict)  # `source` and `target`: which ones it was made for
