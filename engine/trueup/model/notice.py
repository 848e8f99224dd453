"""What people are told of a plan or a run who look at neither, and where that is configured."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from trueup.model.finding import Place


class Event(StrEnum):
    """What people are told of."""

    WAITING = "waiting"  # rows wait for a person
    LIMIT = "limit"  # a plan is over a limit
    LEAK = "leak"  # more money is unexplained than is allowed
    FAILED = "failed"  # a run, or changes of one, did not go through
    STOPPED = "stopped"  # a run ended before its end
    IN_DOUBT = "in_doubt"  # the outcome of a change is unknown


class Details(StrEnum):
    """How much a notice says; each includes those before it."""

    NONE = "none"  # that something is so
    COUNTS = "counts"  # how many rows and changes, and which limits
    AMOUNTS = "amounts"  # how much money
    NAMES = "names"  # of whom


@dataclass(frozen=True, slots=True)
class NoticeAddress:
    """Where notices go. The address holds a secret: messages name the variable alone."""

    variable: str  # of the environment
    address: str = field(repr=False)  # empty where the variable is not set
    place: Place


@dataclass(frozen=True, slots=True)
class NoticeOptions:
    """`notify:` of trueup.yaml."""

    to: tuple[NoticeAddress, ...] = ()
    events: frozenset[Event] = frozenset(Event)
    details: Details = Details.COUNTS
    leak_above: Decimal | None = None  # money a month, in the project's currency; None: never


@dataclass(frozen=True, slots=True)
class Occasion:
    """One thing to tell: its event, and what a notice may say of it."""

    event: Event
    many: int = 0  # rows or changes
    limits: Sequence[str] = ()  # by their names for `--over`
    money: Decimal | None = None  # a month
    names: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Notice:
    """All that is to be told of one plan or run."""

    digest: str  # of the plan, or the run's id: the same occasion of it is told once
    occasions: tuple[Occasion, ...]
    run: str = ""  # empty for a plan
