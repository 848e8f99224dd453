"""Decisions of people about rows: the entries of mappings/decisions.yaml."""

from datetime import date
from decimal import Decimal

from msgspec import Struct

from trueup.model.finding import Place
from trueup.model.verdict import Verdict


class SeenDifference(Struct, frozen=True):
    """The ledger difference that a decision to correct applies to, and no other difference."""

    units: Decimal  # that the target bills, with all pending changes
    quantity: Decimal
    day: date  # on which both were compared; a correction takes effect from it on


class Decision(Struct, frozen=True):
    """A person's decision about a row."""

    mapping: str
    key: str
    verdict: Verdict
    place: Place
    record: int | None = None  # link: to which record
    reason: str = ""
    until: date | None = None  # last day on which it holds
    after: str = ""  # archive, push: the run whose undo it answers
    seen: SeenDifference | None = None  # correct: the difference that the person saw
    on: date | None = None  # push: the day from which the change is billed
    by: str = ""  # who decided
    of: str = ""  # succeed: the key of the row whose place it takes
