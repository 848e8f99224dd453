"""Filters and tests for days. None passes through a filter.

An instant counts as the day that it has with its own offset, as the filter `date` gives it.
"""

from calendar import monthrange
from datetime import date, datetime, timedelta

from trueup.expressions.error_messages import DAY_OUT_OF_RANGE
from trueup.model.coerce import shown, to_day, to_whole
from trueup.model.days import add_months


def to_date(value: object, form: str | None = None) -> object:
    """Returns the day of a text or an instant.

    With `form`, a format of `strftime`, returns the day as text:
    `source.start | date('%d.%m.%Y')`.
    """
    if value is None:
        return None
    if isinstance(value, str):
        value = to_day(value)
    day = _require_day(value)
    return day.strftime(form) if form else day


def _require_day(value: object) -> date:
    """Returns a day without a time: an instant equals no day, and is not subtracted from one."""
    if not isinstance(value, date):
        raise TypeError(f"{shown(value)} is not a day")
    return value.date() if isinstance(value, datetime) else value


def days(value: date | None, count: int) -> date | None:
    """Returns the day `count` days later."""
    if value is None:
        return None
    try:
        return _require_day(value) + timedelta(days=to_whole(count))
    except OverflowError:
        raise OverflowError(DAY_OUT_OF_RANGE) from None


def months(value: date | None, count: int) -> date | None:
    """Returns the same day of the month `count` months later, or that month's last day."""
    if value is None:
        return None
    try:
        return add_months(_require_day(value), to_whole(count))
    except OverflowError:
        raise OverflowError(DAY_OUT_OF_RANGE) from None


def start_of_month(value: date | None) -> date | None:
    """Returns the first day of the month."""
    return None if value is None else _require_day(value).replace(day=1)


def end_of_month(value: date | None) -> date | None:
    """Returns the last day of the month."""
    if value is None:
        return None
    day = _require_day(value)
    return day.replace(day=monthrange(day.year, day.month)[1])


def weekday(value: date | None) -> int | None:
    """Returns the day of the week, from 1 for Monday to 7 for Sunday, as in ISO 8601."""
    return None if value is None else _require_day(value).isoweekday()


def days_until(value: date | None, other: date | None) -> int | None:
    """Returns the number of days from the day until `other`; negative if that is earlier."""
    if value is None or other is None:
        return None
    return (_require_day(other) - _require_day(value)).days


def is_date(value: object) -> bool:
    """Returns whether it is a day, or text that is one."""
    if isinstance(value, date):
        return True
    try:
        return isinstance(value, str) and bool(to_day(value))
    except ValueError:
        return False
