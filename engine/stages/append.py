"""Pending logs of one account in; adjustments out, merged by day, in turn, each on a day that can still take one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from engine.model.plan import UnitRow


@dataclass(frozen=True, slots=True)
class Pending:
    """A log that may be pushed, in its order."""

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
    groups: dict[date, list[Pending]] = {}
    notes: dict[date, list[str]] = {}
    taken = set(days.taken)
    for log in logs:
        day, why = _day(log, days)
        groups.setdefault(day, []).append(log)
        notes.setdefault(day, []).extend(why)
    adjustments: list[Adjustment] = []
    for day in sorted(groups):
        adjustments.append(_merged(groups[day], day, notes[day], taken))
        taken.add(adjustments[-1].day)
    return adjustments


def _day(log: Pending, days: Days) -> tuple[date, list[str]]:
    open_day = days.open(log.day) if log.forced else log.day
    if open_day == log.day:
        return log.day, []
    return open_day, [f"{log.day} is posted: pushed on {open_day}, the first open day, as decided"]


def _merged(logs: Sequence[Pending], day: date, notes: Sequence[str], taken: set[date]) -> Adjustment:
    units = sum((log.units for log in logs), Decimal(0))
    said = list(notes)
    if len(logs) > 1:
        said.append(f"{len(logs)} changes of {day} in one")
    free = day
    if units:
        while free in taken:
            free += timedelta(days=1)
    if free != day:
        said.append(f"{day} has taken an adjustment already, and a day can take one: on {free}")
    return Adjustment(tuple(log.key for log in logs), free, int(units), tuple(said))
