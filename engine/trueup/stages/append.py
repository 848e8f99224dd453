"""Pending logs of one account in; adjustments out, merged by day, in turn, each on a day that can still take one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from engine.model.plan import UnitRow


@dataclass(frozen=True, slots=True)
class Pending:
    """A log that may be pushed, in its order; or a part of a correction, without a key."""

    key: str
    day: date
    units: Decimal
    forced: bool = False  # decided to be pushed: may move to the first open day


@dataclass(frozen=True, slots=True)
class Adjustment:
    """One write: the sum of the logs of one day."""

    keys: tuple[str, ...]
    day: date
    units: int
    notes: tuple[str, ...] = ()
    correction: Decimal = Decimal(0)  # how much of the units is one


@dataclass(frozen=True, slots=True)
class Days:
    """What is known of the days of one contract service."""

    taken: frozenset[date]
    posted_until: date | None  # last day of the last posted row
    last: date | None  # last day of the contract, where rows tell

    def open(self, day: date) -> date:
        """The first day from `day` on that is not posted."""
        if self.posted_until is not None and day <= self.posted_until:
            return self.posted_until + timedelta(days=1)
        return day


def days_of(rows: Sequence[UnitRow], taken: Iterable[date]) -> Days:
    """The days of a contract service by its unit rows and the days known to be taken."""
    posted = [row.end for row in rows if row.posted]
    return Days(frozenset(taken), max(posted, default=None), rows[-1].end if rows else None)


def merge(logs: Sequence[Pending], days: Days) -> list[Adjustment]:
    """Adjustments in order of their days. A sum of zero gives one of zero units: nothing to send, logs to archive."""
    groups: dict[date, _Group] = {}
    for log in logs:
        day, why = _day(log, days)
        groups.setdefault(day, _Group()).add([log], why)
    adjustments: list[Adjustment] = []
    while groups:
        day = min(groups)
        group = groups.pop(day)
        free = _free(day, days) if group.units else day
        if free == day:
            adjustments.append(group.merged(day))
        else:
            said = f"{day} has taken an adjustment already, and a day can take one: on {free}"
            groups.setdefault(free, _Group()).add(group.logs, [*group.notes, said])
    return adjustments


def correcting(logs: Sequence[Pending], correction: Decimal, last: date) -> list[Pending]:
    """A correction in parts: it takes from logs that go the other way, the latest first; what is left goes on `last`.

    So that nothing is sent only to be taken back.
    """
    parts, left = [], correction
    for log in reversed(logs):
        if left * log.units < 0:
            part = max(left, -log.units) if left < 0 else min(left, -log.units)
            parts.append(Pending("", log.day, part, log.forced))
            left -= part
    return [*parts, Pending("", last, left)] if left else parts


class _Group:
    """Logs that go into one adjustment."""

    def __init__(self) -> None:
        self.logs: list[Pending] = []
        self.notes: list[str] = []

    def add(self, logs: Iterable[Pending], notes: Iterable[str]) -> None:
        self.logs.extend(logs)
        self.notes.extend(notes)

    @property
    def units(self) -> Decimal:
        return sum((log.units for log in self.logs), Decimal(0))

    def merged(self, day: date) -> Adjustment:
        many = [f"{len(self.logs)} changes of {day} in one"] if len(self.logs) > 1 else []
        correction = sum((log.units for log in self.logs if not log.key), Decimal(0))
        return Adjustment(tuple(log.key for log in self.logs), day, int(self.units), (*self.notes, *many), correction)


def _day(log: Pending, days: Days) -> tuple[date, list[str]]:
    open_day = days.open(log.day) if log.forced else log.day
    if open_day == log.day:
        return log.day, []
    return open_day, [f"{log.day} is posted: pushed on {open_day}, the first open day, as decided"]


def _free(day: date, days: Days) -> date:
    """The day itself, or the next that can take an adjustment. A posted day stays: a person decides about it."""
    while day in days.taken and days.open(day) == day:
        day += timedelta(days=1)
    return day
