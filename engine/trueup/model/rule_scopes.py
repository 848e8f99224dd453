"""The scopes of rules, and the names that each offers to expressions.

This is the only list of scopes. `config` checks expressions against it, `planning` builds the same
types, and `expressions/rules.py` evaluates them. A new scope is a member of `RuleOn`, a case
in `scope` and a place that takes its rules from `RuleBook`. A scope whose rules no code takes is
refused at the end of planning.
"""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Any, assert_never

from msgspec import Struct


class RuleOn(StrEnum):
    """The scope of a rule: the value of `on:` in YAML."""

    ROW = "row"
    RECORD = "record"
    CHANGE = "change"
    LEDGER = "ledger"
    PLAN = "plan"


RecordValues = Mapping[str, Any]
"""The fact that is a record: its fields by name."""


class ChangeFacts(Struct, frozen=True):
    """`change`: an adjustment that this plan would send."""

    action: str
    values: RecordValues  # of the target entity
    day: date
    units: int
    units_before: int
    units_after: int
    lowest: int  # the fewest units on any day from `day` on, after the change
    posted: bool  # the day is in a posted period, or before one
    first_open_day: date | None


class LedgerFacts(Struct, frozen=True):
    """`ledger`: the row's quantity against the units that the target bills."""

    quantity: Decimal | None
    units: int
    pending: Decimal
    held: Decimal  # of the pending units: those that are blocked, held, or wait for such a one
    difference: Decimal | None
    class_: str  # `ledger.class`
    day: date


class PlanFacts(Struct, frozen=True):
    """`plan`: the plan as a whole, or the part that a selection keeps."""

    as_of: date
    creates: int
    updates: int
    deactivates: int
    adjusts: int
    monthly: Decimal  # of the changes whose price is known
    prices_unknown: int  # changes whose price is not
    blocked: int
    held: int


Facts = ChangeFacts | LedgerFacts | PlanFacts


class Scope(Struct, frozen=True):
    """The names in one scope, besides `settings` and `plan.as_of`."""

    row: bool = True  # `source` and `related`
    record: bool = False  # `before` and `after`
    refs: bool = False  # `refs.<mapping>`
    name: str = ""  # under which the facts stand
    facts: type[Facts] | None = None


@cache
def scope(on: RuleOn) -> Scope:
    """Returns the names that the scope offers."""
    match on:
        case RuleOn.ROW:
            return Scope()
        case RuleOn.RECORD:
            return Scope(record=True, refs=True)
        case RuleOn.CHANGE:
            return Scope(refs=True, name="change", facts=ChangeFacts)
        case RuleOn.LEDGER:
            return Scope(name="ledger", facts=LedgerFacts)
        case RuleOn.PLAN:
            return Scope(row=False, name="plan", facts=PlanFacts)
        case _:
            assert_never(on)


def fact_names(facts: type[Facts]) -> Mapping[str, str]:
    """Name in expressions → attribute of the class; `class` is a keyword of Python."""
    return {part.rstrip("_"): part for part in facts.__struct_fields__}


def as_names(facts: Facts) -> dict[str, Any]:
    """Returns the facts under the names that expressions use."""
    return {name: getattr(facts, part) for name, part in fact_names(type(facts)).items()}
