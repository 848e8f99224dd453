"""Filters and tests over one value: texts, numbers, days, phones, domains. None passes through."""

import re
import unicodedata
from calendar import monthrange
from datetime import MAXYEAR, MINYEAR, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

import phonenumbers
from jinja2 import Undefined

from engine.expressions.words import OUT_OF_RANGE
from engine.model.fit import shown, to_day, to_number

LONGEST = 100_000
"""Characters a filter may give at most: an expression is no way to fill memory."""

_FIXED = 100
"""Powers of ten within which a number is written without an exponent."""


def as_text(value: object) -> str:
    """A value as people write it: days as ISO, decimals without an exponent or idle zeros, none as nothing."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)


def fold(value: object) -> str:
    """A value for looking up: its text without case and idle spaces."""
    return (value if type(value) is str else as_text(value)).strip().casefold()


def plain(number: Decimal) -> str:
    """`12.50` → `12.5`, `1E+2` → `100`."""
    text = format(number, "f") if -_FIXED < number.adjusted() < _FIXED else str(number)
    return text.rstrip("0").rstrip(".") if "." in text and "E" not in text else text


@lru_cache(maxsize=65_536)
def _number(text: str, region: str | None) -> str | None:
    try:
        parsed = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def phone(value: object, country: object = None) -> str | None:
    """The number in international form, or none where it is not valid for the country (ISO code)."""
    region = country.strip().upper() if isinstance(country, str) else None
    return _number(value, region) if isinstance(value, str) else None


def is_phone(value: object, country: object = None) -> bool:
    """A number that could be dialled, and that belongs to the country where it does not say its own."""
    return phone(value, country) is not None


def to_date(value: object, form: str | None = None) -> object:
    """Text or instant → day; with a form, the day as text: `source.start | date('%d.%m.%Y')`."""
    if value is None:
        return None
    if isinstance(value, str):
        value = to_day(value)
    if isinstance(value, datetime):
        value = value.date()
    day = _day(value)
    return day.strftime(form) if form else day


def _day(value: object) -> date:
    if not isinstance(value, date):
        raise TypeError(f"{shown(value)} is not a day")
    return value


def days(value: date | None, count: int) -> date | None:
    """The day `count` days later."""
    if value is None:
        return None
    try:
        return _day(value) + timedelta(days=count)
    except OverflowError:
        raise OverflowError(OUT_OF_RANGE) from None


def months(value: date | None, count: int) -> date | None:
    """The same day of the month `count` months later, or that month's last day."""
    if value is None:
        return None
    year, month = divmod(_day(value).year * 12 + value.month - 1 + count, 12)
    if not MINYEAR <= year <= MAXYEAR:
        raise OverflowError(OUT_OF_RANGE)
    return value.replace(year=year, month=month + 1, day=min(value.day, monthrange(year, month + 1)[1]))


def truncate_visibly(value: object, length: int) -> str | None:
    """At most `length` characters, ending in … where something was cut."""
    if value is None:
        return None
    if length < 1:
        raise ValueError("truncate_visibly wants at least 1 character")
    text = as_text(value)
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def trim(value: object) -> str | None:
    """Without spaces around it."""
    return None if value is None else as_text(value).strip()


def lower(value: object) -> str | None:
    """In lower case."""
    return None if value is None else as_text(value).lower()


def upper(value: object) -> str | None:
    """In upper case."""
    return None if value is None else as_text(value).upper()


def replace(value: object, old: str, new: str) -> str | None:
    """Every `old` by `new`, within what memory should bear."""
    if value is None:
        return None
    text = as_text(value)
    growth = text.count(old) * (len(new) - len(old))
    if growth > 0 and len(text) + growth > LONGEST:
        raise ValueError("the text is too long for replace")
    return text.replace(old, new)


def normalise(value: object) -> str:
    """A name with case, accents, punctuation and legal forms taken off, for finding look-alikes."""
    text = unicodedata.normalize("NFKD", as_text(value)).casefold()
    text = "".join(char for char in text if not unicodedata.combining(char)).replace("&", " and ")
    words = re.findall(r"[^\W_]+", text)
    kept = [word for word in words if word not in _LEGAL_FORMS]
    return " ".join(kept or words)


_LEGAL_FORMS = frozenset(
    [
        *("ag", "gmbh", "kg", "ug", "se", "sa", "sarl", "sagl", "ltd", "limited", "plc", "llp", "llc", "lp", "inc"),
        *("incorporated", "corp", "corporation", "co", "company", "bv", "nv", "oy", "ab", "as", "the", "and"),
    ]
)


def domain(value: object) -> str | None:
    """The domain of a web or mail address, without www; none where there is none."""
    if not isinstance(value, str):
        return None
    text = value.strip().casefold()
    try:
        host = urlsplit(text if "//" in text else f"//{text}").hostname or ""
    except ValueError:
        return None
    host = host.strip(".").removeprefix("www.")
    return host if re.fullmatch(r"[^\s.]+(\.[^\s.]+)+", host) else None


def to_int(value: object) -> int | None:
    """A whole number; a fraction is an error, never cut."""
    if value is None:
        return None
    number = to_number(value)
    if number != number.to_integral_value():
        raise ValueError(f"{as_text(number)} is not whole")
    return int(number)


def to_decimal(value: object) -> Decimal | None:
    """A decimal number, exactly as written."""
    return None if value is None else to_number(value)


def rounded(value: object, places: int = 0) -> Decimal | None:
    """To so many places, halves away from zero, as on an invoice."""
    if value is None:
        return None
    return to_number(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def absolute(value: Any) -> Any:  # noqa: ANN401 -- int or Decimal, as the value is
    """Without its sign."""
    return None if value is None else abs(value)


def money(value: object) -> str:
    """Two places, thousands apart."""
    return "unknown" if value is None else f"{rounded(value, 2):,f}"


def yes_no(value: object) -> str | None:
    """`Yes`, `No`, or none."""
    return None if value is None else ("Yes" if value else "No")


def default(value: Any, instead: Any = "", boolean: bool = False) -> Any:  # noqa: ANN401, FBT001, FBT002 -- as Jinja's
    """`instead` where there is nothing: undefined or none; with `boolean`, also empty, zero or false."""
    return instead if isinstance(value, Undefined) or value is None or (boolean and not value) else value


def is_whole(value: object) -> bool:
    """A number without a fraction."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return False
    return isinstance(value, int) or (value.is_finite() and value == value.to_integral_value())


def is_date(value: object) -> bool:
    """A day, or text that is one."""
    if isinstance(value, date):
        return True
    try:
        return isinstance(value, str) and bool(to_day(value))
    except ValueError:
        return False


def is_email(value: object) -> bool:
    """Something@domain.tld, no spaces."""
    return isinstance(value, str) and re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s.]+", value) is not None
