"""A mapping as in its YAML file, checked and with places; nothing is evaluated yet.

A `Value` is whatever YAML allows as a value: a literal, an expression (`"{{ … }}"` with nothing
around it), or a template (text around `{{ … }}`).
"""

from collections.abc import Hashable, Mapping
from enum import StrEnum
from typing import NamedTuple, TypeGuard, assert_never

from msgspec import Struct

from trueup.model.catalogue import UDF
from trueup.model.finding import Place


def is_code(raw: object) -> TypeGuard[str]:
    """Returns whether it is text with something to evaluate."""
    return isinstance(raw, str) and "{" in raw and any(mark in raw for mark in ("{{", "{%", "{#"))


class Value(Struct, frozen=True):
    """A literal, expression or template, with its place in the file."""

    raw: object
    place: Place

    @property
    def is_code(self) -> bool:
        """Whether there is anything to evaluate."""
        return is_code(self.raw)


class Reference(Struct, frozen=True):
    """`{ref: customer, of: "{{ source.customer }}"}`: the record of another mapping's row."""

    mapping: str
    of: Value
    place: Place


class Find(Struct, frozen=True):
    """`{find: BillingCodes, where: {name: …}}`: the id of the one record that fits."""

    entity: str
    where: Mapping[str, Value]
    place: Place


class Linked(Struct, frozen=True):
    """`{linked: customer}`: any record that rows of that mapping are linked to."""

    mapping: str
    place: Place


class Manage(StrEnum):
    """When a field is written."""

    ALWAYS = "always"
    CREATE = "create"  # set once, never compared
    FILL = "fill"  # only where the target is empty
    EXTEND = "extend"  # dates: only later


class FieldSpec(Struct, frozen=True):
    """How one field of the target gets its value."""

    name: str
    value: Value | Reference | Find
    place: Place
    manage: Manage = Manage.ALWAYS
    clear: bool = False  # none empties the field instead of leaving it alone


class Join(Struct, frozen=True):
    """Rows of another table: `on` maps its column to a path from the mapping's own row."""

    name: str
    table: str
    on: Mapping[str, str]  # joined column → `column` of the row, or `join.column` of another join
    place: Place
    where: Value | None = None  # sees `row` (and `source`)
    one: bool = False


class SourceSpec(Struct, frozen=True):
    """The rows of a mapping."""

    table: str
    place: Place
    where: Value | None = None
    joins: Mapping[str, Join] = {}
    order: tuple[str, ...] = ()


class TargetSpec(Struct, frozen=True):
    """The records that a mapping manages."""

    entity: str
    place: Place
    where: Mapping[str, Value | Linked] = {}


class Repeat(Struct, frozen=True):
    """How a second record with the same references is created: by another entity."""

    when: Value
    by: str
    set: Mapping[str, Value]
    place: Place


class FieldPair(NamedTuple):
    """`on: {contractServiceID: id}`: a field of other rows, and the field of a record it equals."""

    row: str
    record: str


class UnitsSpec(Struct, frozen=True):
    """Where units over time are read.

    From rows of `entity` whose field `on.row` equals field `on.record` of the service.
    """

    entity: str
    on: FieldPair
    value: str
    posted: str  # the field that is set once a row's period is posted; "" where there is none
    place: Place


class FieldPath(NamedTuple):
    """A field of a record, or of the record that its reference to a mapping points at."""

    mapping: str  # empty: the record itself
    field: str

    @classmethod
    def parse(cls, text: str) -> "FieldPath":
        """The path that a mapping writes as `unitPrice`, `udf.Rate` or `service.unitPrice`."""
        mapping, dot, field = text.partition(".")
        is_own = not dot or text.startswith(UDF)
        return cls("", text) if is_own else cls(mapping, field)

    def __str__(self) -> str:
        return f"{self.mapping}.{self.field}" if self.mapping else self.field


class PriceSpec(Struct, frozen=True):
    """The price per unit: the first known one of `values`, divided by the period's months.

    `per` is a picklist field whose label is looked up in `months`.
    """

    values: tuple[FieldPath, ...]
    per: FieldPath
    months: Mapping[str, int]
    place: Place


class Difference(StrEnum):
    """What to do if the law of the ledger does not hold."""

    HOLD = "hold"
    REPORT = "report"
    CORRECT = "correct"

    @property
    def corrects(self) -> bool:
        """Whether it is corrected without a decision."""
        match self:
            case Difference.CORRECT:
                return True
            case Difference.HOLD | Difference.REPORT:
                return False
            case _:
                assert_never(self)

    @property
    def sends(self) -> bool:
        """Whether changes of the row are sent although it is neither explained nor corrected."""
        match self:
            case Difference.REPORT:
                return True
            case Difference.HOLD | Difference.CORRECT:
                return False
            case _:
                assert_never(self)


class PeriodsSpec(Struct, frozen=True):
    """Paths to the days between which a service is billed: `contract.startDate`.

    Billing periods are counted from the first day, in steps of the price's months.
    """

    start: FieldPath
    end: FieldPath
    place: Place


class LedgerSpec(Struct, frozen=True):
    """How the quantity of a row is compared with the units of its service, and what they cost."""

    quantity: Value
    units: UnitsSpec
    pending: str  # the append mapping whose changes bring the units up
    place: Place
    price: PriceSpec | None = None
    periods: PeriodsSpec | None = None
    difference: Difference = Difference.HOLD


class UnitFields(NamedTuple):
    """The target's fields of a unit row: its id, its first and last day, and its units."""

    id: str
    start: str
    end: str
    units: str


class ProofSpec(Struct, frozen=True):
    """How a write that cannot be read back is proven.

    By rows of `entity` whose field `on.row` equals field `on.record` of the written record.
    """

    entity: str
    on: FieldPair
    rows: UnitFields
    place: Place


class AppendSpec(Struct, frozen=True):
    """An entity that can be created and never read."""

    service_field: str  # first of `merge: on`: the service whose units change
    day_field: str  # second of `merge: on`: the day from which they do
    units_field: str  # `merge: sum`: by how many; changes of one service and day are summed
    in_turn: str  # the same field as `service_field`: its changes are sent in their order
    once: tuple[str, ...]
    proof: ProofSpec
    place: Place


class WriteBackSpec(Struct, frozen=True):
    """Columns of the source row to set once its record exists (or its adjustment is proven)."""

    set: Mapping[str, Value]  # sees `record` besides the rest
    place: Place
    when: Value | None = None
    after: str = ""  # "proof", or nothing


class EffectiveDay(StrEnum):
    """From which day a change of a quantity is billed."""

    AS_DATED = "as_dated"  # from its own day on
    NEXT_PERIOD = "next_period"  # from the first day of a billing period on, its own day or later
    FIRST_OF_MONTH = "first_of_month"  # from the first of a month on, its own day or later
    DECIDED = "decided"  # from a day on that a decision names; it waits for one


class Rounding(StrEnum):
    """How fractions of a unit are rounded."""

    UP = "up"
    DOWN = "down"
    NEAREST = "nearest"


class PolicyPart(StrEnum):
    """The settings of a policy."""

    INCREASE = "increase"  # an EffectiveDay
    DECREASE = "decrease"  # an EffectiveDay
    INCLUDED = "included"  # units of the quantity that are not billed
    MINIMUM = "minimum"  # units that are billed at least, where the quantity is not zero
    ROUNDING = "rounding"
    CEILING = "ceiling"  # units above which a person must agree
    REFUND = "refund"  # the product under which credits are given


class PolicyOverride(Struct, frozen=True):
    """Other parts of a policy for some rows."""

    rows: Mapping[str, str]  # mapping → key or name of the row that must be among a row's own
    parts: Mapping[PolicyPart, Value]
    place: Place


class PolicySpec(Struct, frozen=True):
    """How quantities and days of a mapping's rows become billed units and days."""

    parts: Mapping[PolicyPart, Value]
    overrides: tuple[PolicyOverride, ...]
    place: Place


class WhenMissing(StrEnum):
    """What to do with a linked record whose row is gone from its table."""

    REPORT = "report"
    DEACTIVATE = "deactivate"
    IGNORE = "ignore"


class Strength(StrEnum):
    """When a row and the record that a match key finds are the same."""

    STRONG = "strong"  # always
    NORMAL = "normal"  # unless evidence differs, or others share the value
    WEAK = "weak"  # only if evidence agrees


class MatchKey(Struct, frozen=True):
    """Fields whose values find a record."""

    fields: Mapping[str, FieldSpec]
    strength: Strength = Strength.NORMAL


class MappingSpec(Struct, frozen=True):
    """One YAML file: one table becomes one entity."""

    name: str
    title: str
    tab: str
    source: SourceSpec
    target: TargetSpec
    fields: Mapping[str, FieldSpec]
    place: Place
    label: Value | None = None  # the display name of a row; the table's title column if absent
    identity: Mapping[str, FieldSpec] = {}
    match: tuple[MatchKey, ...] = ()
    create: Value = Value("auto", Place(""))
    deactivate: Mapping[str, Value] = {}
    when_missing: WhenMissing = WhenMissing.REPORT
    repeat: Repeat | None = None
    ledger: LedgerSpec | None = None
    append: AppendSpec | None = None
    write_back: WriteBackSpec | None = None
    similar: tuple[str, ...] = ()
    """Fields by which an unlinked record resembles a row that would be created."""

    evidence: tuple[str, ...] = ()
    """Fields that speak for or against a record that a match key finds: name, domain, country."""

    policy: PolicySpec | None = None
    charges: tuple[str, ...] = ()  # fields with amounts that are billed once, for a new record
    successor_of: Value | None = None
    """The key of the row whose place a row takes: its contract service is handed over."""

    is_customer: bool = False  # its rows are the customers that a plan is grouped by
    search: tuple[str, ...] = ()
    """Text fields in which a user's search looks; empty: those of similar, evidence and match."""

    @property
    def name_fields(self) -> list[str]:
        """The fields that name a record for people, such as `companyName` and `lastName`."""
        return [name for name in self.fields if name.casefold().endswith("name")]


def value_key(spec: FieldSpec) -> Hashable:
    """Returns how a field gets its value, without the places in the file: equal if it is alike."""
    match spec.value:
        case Value():
            return "value", repr(spec.value.raw)
        case Reference():
            return "ref", spec.value.mapping, repr(spec.value.of.raw)
        case _:
            where = spec.value.where.items()
            return (
                "find",
                spec.value.entity,
                frozenset((name, repr(one.raw)) for name, one in where),
            )
