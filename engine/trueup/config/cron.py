"""When a schedule is due: cron's five fields on the clock of a time zone.

The fields are those of crontab(5): numbers, names of months and days, `*`, lists, ranges and steps.
Where the day of the month and the day of the week are both restricted, either of them counts.
"""

import re
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from functools import cache
from importlib.util import find_spec
from typing import Any

from trueup.errors import EngineError
from trueup.model.fleet import Schedule, Window
from trueup.model.wall_clock import instant_of

INSTALL = "pip install 'trueup[fleet]'"

_FIELDS = (
    ("minute", "0 to 59"),
    ("hour", "0 to 23"),
    ("day of the month", "1 to 31"),
    ("month", "1 to 12, or jan to dec"),
    ("day of the week", "0 to 7, or sun to sat; 0 and 7 are Sunday"),
)
"""Name and values of each field, in order."""

_ITEM = r"(?:\*|(?:\d+|[a-z]{3})(?:-(?:\d+|[a-z]{3}))?)(?:/\d+)?"
_FIELD = re.compile(rf"{_ITEM}(?:,{_ITEM})*", re.IGNORECASE)
"""A field without the extensions of single programs, such as `L`, `#` and random values."""

_NEVER_AFTER = timedelta(days=28 * 366)
"""Within this time each day of the calendar falls on each day of the week."""

_WEEK = frozenset(range(7))


def due_after(schedule: Schedule, instant: datetime) -> datetime | None:
    """Returns the first instant after `instant` at which a run is due, in UTC; None for never.

    Each time that the cron names is due once a day: of a time that the clocks show twice the first
    one counts, and a time that they skip is due when they go forward. Raises `EngineError` if
    the extra `fleet` is not installed.
    """
    local = instant.astimezone(schedule.zone).replace(tzinfo=None)
    # Later times never have earlier instants, so no time before `local` is still to come.
    due = (instant_of(named, schedule.zone) for named in _times_after(schedule.cron, local))
    return next((one for one in due if one > instant), None)


def cron_fault(cron: str) -> tuple[str, str]:
    """Returns what is wrong with a cron, and a remedy; empty texts for a cron that is sound.

    Raises `EngineError` if the extra `fleet` is not installed.
    """
    fields = cron.split()
    if len(fields) != len(_FIELDS):
        names = ", ".join(name for name, _ in _FIELDS)
        return f"{cron!r} has {len(fields)} fields, and a cron has five", f"write {names}"
    for position, (field, (name, values)) in enumerate(zip(fields, _FIELDS, strict=True)):
        alone = " ".join(field if at == position else "*" for at in range(len(_FIELDS)))
        if not _FIELD.fullmatch(field) or not _croniter().is_valid(alone):
            return f"{field!r} is no {name}", f"write {values}; * for all, 1-5, 1,3 or */2"
    if next(_times_after(cron, datetime(2000, 1, 1)), None) is None:  # noqa: DTZ001 -- no zone's
        return f"{cron!r} is never due", "there is no such day in any year"
    return "", ""


@cache
def meets(cron: str, window: Window) -> bool:
    """Returns whether any time of a sound cron is within a window."""
    minutes, hours = _expanded(cron)
    times = [time(hour, minute) for hour in hours for minute in minutes]
    return any(window.includes(day, one) for day in _weekdays(cron) for one in times)


def _expanded(cron: str) -> tuple[list[int], list[int]]:
    """The minutes and hours of a cron."""
    fields = _croniter().expand(cron)[0]
    every = ([*range(60)], [*range(24)])
    minutes, hours = (
        all_ if "*" in field else field for field, all_ in zip(fields[:2], every, strict=True)
    )
    return minutes, hours


@cache
def _weekdays(cron: str) -> frozenset[int]:
    """The days of the week (Monday is 0) on which a cron is due at some time."""
    start = datetime(2000, 1, 1)  # noqa: DTZ001 -- of no zone
    days = " ".join(("0", "0", *cron.split()[2:]))
    found: set[int] = set()
    for day in _times_after(days, start):
        if found == _WEEK or day - start > _NEVER_AFTER:
            break
        found.add(day.weekday())
    return frozenset(found)


def _times_after(cron: str, local: datetime) -> Iterator[datetime]:
    """The times after `local` that a cron names, without a zone, in order."""
    from croniter import CroniterBadDateError  # noqa: PLC0415 -- an extra, as below

    times = _croniter()(cron, local)
    while True:
        try:
            yield times.get_next(datetime)
        except CroniterBadDateError:  # there is none
            return


def _croniter() -> Any:  # noqa: ANN401 -- a class without types
    if find_spec("croniter") is None:
        raise EngineError(f"a schedule needs an extra of trueup: {INSTALL}")
    from croniter import croniter  # noqa: PLC0415 -- an extra, only for fleets

    return croniter
