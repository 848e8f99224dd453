"""Days and instants: raw values are converted to dates and datetimes in the business time zone.

A column of days may hold instants. Midnight UTC then stands for a day without a time zone; any
other instant belongs to its day in the business time zone, because Dataverse sends a UserLocal day
as its local midnight in UTC (docs/explanation/work365.md, section 6.7).
An instant is given in the business time zone, so that its date is the day on which people saw it.
The last moment of the calendar, which databases write for "no end", is its day in every zone.
"""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

from trueup.source.errors import InvalidValue
from trueup.source.text import shown

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?"
    r"(?:[Zz]|[+-][0-9]{2}:?[0-9]{2})"
)
_PLAIN_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z").fullmatch


def day_converter(zone: ZoneInfo) -> Callable[[object, object], object]:
    """Returns a converter to `date`; `zone` is the business time zone."""

    @lru_cache(maxsize=65536)
    def parse_day(text: str) -> date:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text)
        if not _INSTANT.fullmatch(text):
            raise ValueError
        return day_of(_parse(text), zone)

    def as_day(value: object, _display: object) -> object:
        if isinstance(value, datetime):
            return day_of(value, zone) if value.tzinfo else value.date()
        if isinstance(value, date):
            return value
        try:
            return parse_day(str(value).strip())
        except ValueError:
            raise InvalidValue(f"{shown(value)} is not a day (YYYY-MM-DD)") from None

    return as_day


def day_of(instant: datetime, zone: ZoneInfo) -> date:
    """Returns the day that an instant stands for in a column of days."""
    try:
        utc = instant.astimezone(UTC)
    except OverflowError:
        return instant.date()
    return utc.date() if utc.timetz() == time(0, tzinfo=UTC) else date_in(zone, utc)


def date_in(zone: ZoneInfo, instant: datetime) -> date:
    """Returns the date of an instant in a zone, or its own where the calendar ends before that."""
    try:
        return instant.astimezone(zone).date()
    except OverflowError:
        return instant.date()


def instant_converter(zone: ZoneInfo) -> Callable[[object, object], object]:
    """Returns a converter to an aware `datetime` in the business time zone."""

    def as_local(value: object, display: object) -> datetime:
        instant = as_instant(value, display)
        try:
            local = instant.astimezone(zone)
        except OverflowError:
            raise _out_of_range(value) from None
        # A fixed offset, because the zone itself would make two moments equal in the hour that
        # occurs twice when the clocks go back.
        return local.replace(tzinfo=timezone(local.utcoffset() or timedelta()), fold=0)

    return as_local


def as_instant(value: object, _display: object) -> datetime:
    """Returns the moment in UTC. Raises `InvalidValue`."""
    if type(value) is str and _PLAIN_INSTANT(value):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            pass
    try:
        if isinstance(value, datetime) and value.tzinfo:
            return value.astimezone(UTC)
        if isinstance(value, str) and _INSTANT.fullmatch(value.strip()):
            return _parse(value.strip()).astimezone(UTC)
    except OverflowError:
        raise _out_of_range(value) from None
    except ValueError:
        pass
    raise InvalidValue(f"{shown(value)} is not an instant (YYYY-MM-DDThh:mm:ssZ)")


def _parse(text: str) -> datetime:
    return datetime.fromisoformat(text.upper())


def _out_of_range(value: object) -> InvalidValue:
    return InvalidValue(f"{shown(value)} is an instant out of range")
