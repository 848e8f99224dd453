"""Notices about a plan or a run, for people who look at neither, and their settings."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from trueup.model.finding import Place


class Event(StrEnum):
    """The events that notices report."""

    WAITING = "waiting"  # rows wait for a person
    LIMIT = "limit"  # a plan is over a limit
    LEAK = "leak"  # more money is unexplained than is allowed
    FAILED = "failed"  # a run, or changes of one, did not go through: they failed, or were held
    STOPPED = "stopped"  # a run ended before its end
    IN_DOUBT = "in_doubt"  # the outcome of a change is unknown


class Details(StrEnum):
    """How much a notice contains; each level includes the levels before it."""

    NONE = "none"  # that something is so
    COUNTS = "counts"  # how many rows and changes, and which limits
    AMOUNTS = "amounts"  # how much money
    NAMES = "names"  # of whom


@dataclass(frozen=True, slots=True)
class NoticeAddress:
    """The address of a notice. It holds a secret: messages name the variable alone."""

    variable: str  # of the environment
    address: str = field(repr=False)  # empty where the variable is not set
    place: Place


class NoticeOptions(Struct, frozen=True):
    """`notify:` of trueup.yaml."""

    to: tuple[NoticeAddress, ...] = ()
    events: frozenset[Event] = frozenset(Event)
    details: Details = Details.COUNTS
    leak_above: Decimal | None = None  # money a month, in the project's currency; None: never


class Occasion(Struct, frozen=True):
    """One event, and what a notice about it may contain."""

    event: Event
    many: int = 0  # rows or changes
    limits: Sequence[str] = ()  # by their names for `--over`
    money: Decimal | None = None  # a month
    unpriced: int = 0  # lines of the ledger that are not in it: they have no known price
    names: Sequence[str] = ()


class Notice(Struct, frozen=True):
    """All events of one plan or run."""

    digest: str  # of the plan, or the run's id: each is announced once
    occasions: tuple[Occasion, ...]
    run: str = ""  # empty for a plan
