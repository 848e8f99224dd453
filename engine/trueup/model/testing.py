"""A test of a project as in its YAML file: rows, records, the day, and the expectations.

Every part keeps its place, so that a failure names the line of the expectation.
"""

from collections.abc import Mapping
from datetime import date

from msgspec import Struct

from trueup.model.change import Action
from trueup.model.decision import Decision
from trueup.model.finding import Place
from trueup.model.mapping import PolicySpec
from trueup.model.project import Guards


class GivenRow(Struct, frozen=True):
    """A row of the source: the values of the test, and valid values for all other columns."""

    table: str
    key: str
    values: Mapping[str, object]
    place: Place
    added: bool = False  # for another row; the test does not name it


class GivenRecord(Struct, frozen=True):
    """The record that a row has before the plan; `values` are fields that differ from the row."""

    mapping: str
    key: str
    values: Mapping[str, object]
    place: Place


class GivenUnits(Struct, frozen=True):
    """Units that the target bills for a row, by the first day of each number."""

    mapping: str  # with a ledger
    key: str
    steps: Mapping[date | None, int]  # day → units from then on; None: from the contract's start
    place: Place


class Posted(Struct, frozen=True):
    """The last day that is approved and posted, of one row's record or of all."""

    until: date
    mapping: str = ""
    key: str = ""


class GivenTarget(Struct, frozen=True):
    """The content of the target before the plan."""

    rows: tuple[GivenRecord, ...] = ()
    all_of: frozenset[str] = frozenset()  # mappings whose rows all have their record
    records: Mapping[str, tuple[Mapping[str, object], ...]] = {}
    units: tuple[GivenUnits, ...] = ()
    posted: tuple[Posted, ...] = ()
    linked: bool = True  # whether the state has the links of the rows to their records


class ExpectedChange(Struct, frozen=True):
    """A change of the plan: its row, and what is expected of its fields."""

    action: Action
    mapping: str
    key: str
    values: Mapping[str, "ExpectedValue"]
    place: Place


class ExpectedValue(Struct, frozen=True):
    """A value with its place."""

    value: object
    place: Place
    key_place: Place | None = None  # of its name


class ExpectedPlan(Struct, frozen=True):
    """The changes of a plan, by action; without any, the plan must be empty.

    Actions that write to the target and are not listed must not occur. Of links and write-backs,
    those that are listed must occur.
    """

    changes: Mapping[Action, tuple[ExpectedChange, ...]]
    place: Place


class ExpectedFinding(Struct, frozen=True):
    """A finding of the plan, with what is expected of it."""

    code: str
    mapping: str
    key: str
    place: Place
    severity: str = ""
    text: str = ""
    remedy: str = ""
    code_place: Place | None = None


class ExpectedUnits(Struct, frozen=True):
    """Units that the target bills for a row on a day."""

    mapping: str
    key: str
    day: date
    units: int
    place: Place


class ExpectedPart(Struct, frozen=True):
    """Values of one named thing: a ledger line, a record, a row of the source."""

    owner: str  # the mapping, or the table of a source row
    key: str
    values: Mapping[str, ExpectedValue]
    place: Place


class AfterApply(Struct, frozen=True):
    """What is expected once the plan was applied, and of the plan after that."""

    units: tuple[ExpectedUnits, ...]
    records: tuple[ExpectedPart, ...]
    rows: tuple[ExpectedPart, ...]
    second_plan: ExpectedPlan
    place: Place


class Expectations(Struct, frozen=True):
    """The expectations of a test; what it does not name is not compared."""

    plan: ExpectedPlan | None = None
    findings: tuple[ExpectedFinding, ...] | None = None
    findings_place: Place | None = None
    ledger: tuple[ExpectedPart, ...] = ()
    money: Mapping[str, ExpectedValue] = {}
    held: Mapping[str, ExpectedValue] = {}  # money per month, by code
    held_place: Place | None = None  # None: not compared
    limits: tuple[str, ...] | None = None
    limits_place: Place | None = None
    after_apply: AfterApply | None = None


class TestStep(Struct, frozen=True):
    """Events in both systems after a plan of a test, and the expectations of the next plan."""

    place: Place
    as_of: date
    rows: tuple[GivenRow, ...]  # all, as they are then but for what trueup wrote back
    changed: frozenset[tuple[str, str, str]]  # table, key and column that the step sets
    entered: tuple[GivenUnits, ...]  # units that a person adds by day, or takes away
    posted: tuple[Posted, ...]
    decisions: tuple[Decision, ...]  # all that hold then
    expect: Expectations


class ProjectTest(Struct, frozen=True):
    """One test, checked against the project."""

    name: str
    place: Place
    as_of: date
    rows: tuple[GivenRow, ...]
    before: tuple[GivenRow, ...]  # as they were when the target's records were made from them
    target: GivenTarget
    expect: Expectations
    settings: Mapping[str, object] = {}  # that differ from the project's
    decisions: tuple[Decision, ...] = ()
    policies: Mapping[str, PolicySpec] = {}  # of mappings, instead of own
    guards: Guards | None = None  # instead of the project's
    then: tuple[TestStep, ...] = ()
    tenant: Mapping[str, object] = {}  # what the target begins with


class BalanceRule(Struct, frozen=True):
    """Adds a row to `table` where its rows do not add up to what their owner has."""

    table: str
    of: str  # the column that refers to the owner
    sum: str  # the column that is added up
    equals: str  # the column of the owner
    values: Mapping[str, object]  # of the row that is added


class RowDefaults(Struct, frozen=True):
    """Values of rows and records that a test does not set; from `tests/defaults.yaml`."""

    as_of: date | None
    rows: Mapping[str, Mapping[str, object]]  # table → column → literal or template
    balance: tuple[BalanceRule, ...]
    tenant: Mapping[str, object]  # a seed of the target, with its reference data
    settings: Mapping[str, object] = {}  # that differ from the project's


class Mismatch(Struct, frozen=True):
    """One expectation that was not met."""

    place: Place
    what: str
    expected: tuple[str, ...]  # lines
    actual: tuple[str, ...]


class Reached(Struct, frozen=True):
    """The parts of a project that plans of one test reached."""

    expressions: frozenset[tuple[str, int]]  # text and branch; 0 is the whole
    fields: frozenset[tuple[str, str]]  # mapping and field, with a value
    rules: frozenset[str]  # that found something
    policies: frozenset[Place]  # parts that made a difference, and overrides that held

    def and_also(self, other: "Reached") -> "Reached":
        """Returns what at least one of the two reached."""
        return Reached(
            self.expressions | other.expressions,
            self.fields | other.fields,
            self.rules | other.rules,
            self.policies | other.policies,
        )


class Unreached(Struct, frozen=True):
    """A part of the project that no test reached."""

    kind: str  # field, rule, branch or policy
    place: Place
    text: str


class Coverage(Struct, frozen=True):
    """How much of a project its tests reached."""

    totals: Mapping[str, int]  # by kind
    unreached: tuple[Unreached, ...]  # in the order of the files

    def reached(self, kind: str) -> int:
        """Returns how many parts of a kind were reached."""
        return self.totals[kind] - sum(one.kind == kind for one in self.unreached)


class SurvivingMutant(Struct, frozen=True):
    """A change of the project that no test noticed."""

    place: Place
    text: str  # what was changed
    tests: int  # that reach the part, and pass anyway


class Mutation(Struct, frozen=True):
    """How many changes to a project were tried, and which of them no test noticed."""

    total: int
    survivors: tuple[SurvivingMutant, ...]  # in the order of the files


class ProjectTestResult(Struct, frozen=True):
    """How one test ended."""

    name: str
    place: Place
    differences: tuple[Mismatch, ...] = ()
    error: str = ""  # why it could not be run to its end
    seconds: float = 0.0
    plan: str = ""  # the document of its plan, where it failed
    reached: Reached | None = None  # where that was asked for

    @property
    def passed(self) -> bool:
        """Whether all expectations were met."""
        return not self.differences and not self.error
