"""A project as its YAML files say it, checked and with places, nothing evaluated yet.

A `Value` is whatever YAML says where a value may stand: a literal, an expression (`"{{ … }}"` and
nothing around it), or a template (text around `{{ … }}`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

from engine.model.catalogue import Catalogue
from engine.model.finding import Place, Severity


@dataclass(frozen=True, slots=True)
class Value:
    """A literal, expression or template, with its place in the file."""

    raw: object
    place: Place

    @property
    def is_code(self) -> bool:
        """Is there anything to evaluate?"""
        return isinstance(self.raw, str) and ("{{" in self.raw or "{%" in self.raw or "{#" in self.raw)


@dataclass(frozen=True, slots=True)
class Reference:
    """`{ref: customer, of: "{{ source.customer }}"}`: the record that another mapping's row is."""

    mapping: str
    of: Value
    place: Place


@dataclass(frozen=True, slots=True)
class Find:
    """`{find: BillingCodes, where: {name: …}}`: the id of the one record of reference data that fits."""

    entity: str
    where: Mapping[str, Value]
    place: Place


@dataclass(frozen=True, slots=True)
class Linked:
    """`{linked: customer}`: any record that rows of that mapping are linked to."""

    mapping: str
    place: Place


class Manage(StrEnum):
    """When a field is written."""

    ALWAYS = "always"
    CREATE = "create"  # set once, never compared
    FILL = "fill"  # only where the target is empty
    EXTEND = "extend"  # dates: only later


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """How one field of the target gets its value."""

    name: str
    value: Value | Reference | Find
    place: Place
    manage: Manage = Manage.ALWAYS
    clear: bool = False  # none empties the field instead of leaving it alone


@dataclass(frozen=True, slots=True)
class Join:
    """Rows of another table: `on` maps its column to a path from the mapping's own row."""

    name: str
    table: str
    on: Mapping[str, str]  # joined column → `column` of the row, or `join.column` through another join
    place: Place
    where: Value | None = None  # sees `row` (and `source`)
    one: bool = False


@dataclass(frozen=True, slots=True)
class SourceSpec:
    """Which rows a mapping is about."""

    table: str
    place: Place
    where: Value | None = None
    joins: Mapping[str, Join] = field(default_factory=dict)
    order: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TargetSpec:
    """Which records are ours."""

    entity: str
    place: Place
    where: Mapping[str, Value | Linked] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Repeat:
    """A second record of the same reference on one parent is created by another entity."""

    when: Value
    by: str
    set: Mapping[str, Value]
    place: Place


@dataclass(frozen=True, slots=True)
class UnitsSpec:
    """Where units over time are read: rows of `entity` whose field `on[0]` equals our record's `on[1]`."""

    entity: str
    on: tuple[str, str]
    value: str
    none: int
    posted: str
    place: Place


@dataclass(frozen=True, slots=True)
class PriceSpec:
    """The price per unit and period: the first of `values` that is known, over the months of the period.

    A name with a dot goes through a reference: `service.unitPrice` is a field of the record that
    this record's reference to mapping `service` points at. `per` is such a path to a picklist field
    whose label is looked up in `months`.
    """

    values: tuple[str, ...]
    per: str
    months: Mapping[str, int]
    place: Place


class Difference(StrEnum):
    """What to do where the law of the ledger does not hold."""

    HOLD = "hold"
    REPORT = "report"
    CORRECT = "correct"


@dataclass(frozen=True, slots=True)
class LedgerSpec:
    """Quantity over time: what the source says, where the target's units are, what is pending."""

    quantity: Value
    units: UnitsSpec
    pending: str  # the append mapping whose changes bring the units up
    place: Place
    price: PriceSpec | None = None
    difference: Difference = Difference.HOLD


@dataclass(frozen=True, slots=True)
class ProofSpec:
    """How a write that cannot be read back is proven: rows of `entity` where `on[0]` is our field `on[1]`."""

    entity: str
    on: tuple[str, str]
    rows: tuple[str, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class AppendSpec:
    """An entity that can be created and never read."""

    merge_on: tuple[str, ...]
    merge_sum: str
    in_turn: str
    once: tuple[str, ...]
    proof: ProofSpec
    place: Place


@dataclass(frozen=True, slots=True)
class WriteBackSpec:
    """Columns of the source row to set once its record is there (or its adjustment is proven)."""

    set: Mapping[str, Value]  # sees `record` besides the rest
    place: Place
    when: Value | None = None
    after: str = ""  # "proof", or nothing


class WhenMissing(StrEnum):
    """What to do with a linked record whose row is gone from its whole table."""

    REPORT = "report"
    DEACTIVATE = "deactivate"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class MappingSpec:
    """One YAML file: one table becomes one entity."""

    name: str
    title: str
    tab: str
    source: SourceSpec
    target: TargetSpec
    fields: Mapping[str, FieldSpec]
    place: Place
    label: Value | None = None  # what people call a row; the table's title column if absent
    identity: Mapping[str, FieldSpec] = field(default_factory=dict)
    match: tuple[Mapping[str, FieldSpec], ...] = ()
    create: Value = Value("auto", Place(""))
    deactivate: Mapping[str, Value] = field(default_factory=dict)
    when_missing: WhenMissing = WhenMissing.REPORT
    repeat: Repeat | None = None
    ledger: LedgerSpec | None = None
    append: AppendSpec | None = None
    write_back: WriteBackSpec | None = None
    similar: tuple[str, ...] = ()  # fields by which an unlinked record resembles a row that would be created


class RuleOn(StrEnum):
    """What a rule looks at."""

    ROW = "row"
    RECORD = "record"
    CHANGE = "change"
    LEDGER = "ledger"
    PLAN = "plan"


@dataclass(frozen=True, slots=True)
class Rule:
    """One assertion with a severity and a message."""

    name: str
    for_: str  # the mapping; empty for `on: plan`
    on: RuleOn
    check: Value
    severity: Severity
    message: Value
    remedy: Value
    place: Place
    when: Value | None = None


class About(StrEnum):
    """What a decision is about; of each a row takes one."""

    RECORD = "record"  # which record it is
    SWITCH = "switch"  # whether its record is switched on
    UNITS = "units"  # what becomes of its units


class Verdict(StrEnum):
    """What a person decided."""

    LINK = "link"
    CREATE = "create"
    ACTIVATE = "activate"  # its record is switched off: switch it on again
    IGNORE = "ignore"
    ARCHIVE = "archive"  # a pending change: Autotask has it already; mark it, send nothing
    PUSH = "push"  # a held change: send it all the same, on the first open day where its own is posted
    CORRECT = "correct"  # a ledger difference: adjust Autotask to the source's quantity

    @property
    def about(self) -> frozenset[About]:
        """A row that is left alone takes no other decision."""
        return _ABOUT[self]


_ABOUT = {
    Verdict.LINK: frozenset({About.RECORD}),
    Verdict.CREATE: frozenset({About.RECORD}),
    Verdict.ACTIVATE: frozenset({About.SWITCH}),
    Verdict.IGNORE: frozenset(About),
    Verdict.ARCHIVE: frozenset({About.UNITS}),
    Verdict.PUSH: frozenset({About.UNITS}),
    Verdict.CORRECT: frozenset({About.UNITS}),
}


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person said of a row."""

    mapping: str
    key: str
    verdict: Verdict
    place: Place
    record: int | None = None  # link: to which record
    reason: str = ""
    until: date | None = None  # last day on which it holds
    after: str = ""  # archive, push: the run that took the change back, of which this is said


@dataclass(frozen=True, slots=True)
class Guards:
    """Limits over which a plan is applied only with `--over LIMIT`."""

    creates: Mapping[str, int]  # by entity; "*" for all others
    deactivations: Mapping[str, int]
    share_changed: Mapping[str, Decimal]  # share of records linked, or about to be, from 10 up
    monthly_effect: Decimal  # billed more, and billed less, each by itself
    calls: int  # that applying costs


@dataclass(frozen=True, slots=True)
class Connection:
    """A source or target as trueup.yaml says it. Values may hold secrets: never print it."""

    connector: str
    options: Mapping[str, object] = field(repr=False)
    place: Place


@dataclass(frozen=True, slots=True)
class Project:
    """All files of a project, checked."""

    root: str  # the folder
    name: str
    source: Connection
    target: Connection
    state: Connection
    zone: ZoneInfo  # business time zone
    settings: Mapping[str, object]
    guards: Guards
    mappings: Mapping[str, MappingSpec]  # in order of dependency
    rules: tuple[Rule, ...]
    decisions: tuple[Decision, ...]  # one a row and matter
    catalogue: Catalogue
    digest: str  # of all that decides a plan: files, not secrets
    settle_after: timedelta = timedelta(minutes=5)
    as_of: date | None = None  # fixed by the demo's project only
    currency: str = ""  # the tenant's internal currency, for showing money
    batch: int = 500  # changes whose preconditions are checked together before they are written

    def decided(self, mapping: str, key: str, about: About) -> Decision | None:
        """What a person said of that matter of that row."""
        of_row = (one for one in self.decisions if (one.mapping, one.key) == (mapping, key))
        return next((one for one in of_row if about in one.verdict.about), None)
