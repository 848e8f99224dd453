"""Arithmetic of months, and how far it goes."""

from calendar import monthrange
from datetime import MAXYEAR, MINYEAR, date

LAST_YEAR = 2999
"""The last year of a plan's day; `as_of` in the schemas has the same."""


def add_months(day: date, months: int) -> date:
    """Returns the same day so many months later; the last of the month if it has no such day.

    Raises OverflowError if that is before the year 1 or after the year 9999.
    """
    year, month_index = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not MINYEAR <= year <= MAXYEAR:
        raise OverflowError(f"{months:+} months from {day} are out of range")
    month = month_index + 1
    last_day = monthrange(year, month)[1]
    return day.replace(year=year, month=month, day=min(day.day, last_day))
