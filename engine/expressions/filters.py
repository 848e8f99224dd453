"""The filters and tests that expressions may use, and no others."""

import re
import unicodedata
from calendar import monthrange
from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, cast
from urllib.parse import urlsplit

import phonenumbers
from jinja2 import filters as stock
from jinja2 import tests as stock_tests

LONGEST = 100_000
"""Characters a filter may give at most: an expression is no way to fill memory."""


def as_text(value: object) -> str:
    """A value as people write it: days as ISO, decimals without an exponent or idle zeros, none as nothing."""
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value)


def plain(number: Decimal) -> str:
    """`12.50` → `12.5`, `1E+2` → `100`."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


@lru_cache(maxsize=65_536)
def _number(text: str, country: str | None) -> str | None:
    try:
        parsed = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def phone(value: object, country: str | None = None) -> str | None:
    """The number in international form, or none where it is not valid for the country (ISO code)."""
    return _number(value, country) if isinstance(value, str) else None


def is_phone(value: object, country: str | None = None) -> bool:
    """A number that could be dialled, and that belongs to the country where it does not say its own."""
    return phone(value, country) is not None


def to_date(value: object, form: str | None = None) -> object:
    """Text or instant → day; with a form, the day as text: `source.start | date('%d.%m.%Y')`."""
    if value is None:
        return None
    if isinstance(value, str):
        value = date.fromisoformat(value[:10])
    if isinstance(value, datetime):
        value = value.date()
    if not isinstance(value, date):
        raise TypeError(f"{value!r} is not a date")
    return value.strftime(form) if form else value


def days(value: date, count: int) -> date:
    """The day `count` days later."""
    return value + timedelta(days=count)


def months(value: date, count: int) -> date:
    """The same day of the month `count` months later, or that month's last day."""
    year, month = divmod(value.year * 12 + value.month - 1 + count, 12)
    return value.replace(year=year, month=month + 1, day=min(value.day, monthrange(year, month + 1)[1]))


def truncate_visibly(value: object, length: int) -> str | None:
    """At most `length` characters, ending in … where something was cut."""
    if value is None:
        return None
    text = str(value)
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def normalise(value: object) -> str:
    """A name with case, accents, punctuation and legal forms taken off, for finding look-alikes."""
    text = unicodedata.normalize("NFKD", as_text(value)).casefold()
    text = "".join(char for char in text if not unicodedata.combining(char)).replace("&", " and ")
    words = re.findall(r"[^\W_]+", text)
    kept = [word for word in words if word not in _LEGAL_FORMS]
    return " ".join(kept or words)


_LEGAL_FORMS = frozenset(
    [
        "ag",
        "gmbh",
        "kg",
        "ug",
        "se",
        "sa",
        "sarl",
        "sagl",
        "ltd",
        "limited",
        "plc",
        "llp",
        "llc",
        "lp",
        "inc",
        "incorporated",
        "corp",
        "corporation",
        "co",
        "company",
        "bv",
        "nv",
        "oy",
        "ab",
        "as",
        "the",
        "and",
    ]
)


def domain(value: object) -> str | None:
    """The domain of a web or mail address, without www."""
    if not isinstance(value, str) or not value.strip():
        return None
    text = value.strip().casefold()
    host = text.rpartition("@")[2] if "@" in text else urlsplit(text if "//" in text else f"//{text}").hostname
    return (host or "").removeprefix("www.") or None


def to_int(value: object) -> int | None:
    """A whole number; a fraction is an error, never cut."""
    if value is None:
        return None
    number = Decimal(str(value))
    if number != number.to_integral_value():
        raise ValueError(f"{as_text(number)} is not whole")
    return int(number)


def to_decimal(value: object) -> Decimal | None:
    """A decimal number, exactly as written."""
    return None if value is None else Decimal(str(value))


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
        return isinstance(value, str) and bool(date.fromisoformat(value))
    except ValueError:
        return False


def is_email(value: object) -> bool:
    """Something@domain.tld, no spaces."""
    return isinstance(value, str) and re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s.]+", value) is not None


def money(value: object) -> str:
    """Two places, thousands apart."""
    return "unknown" if value is None else f"{Decimal(str(value)):,.2f}"


def total(values: Iterable[Any], attribute: str | None = None) -> Any:  # noqa: ANN401 -- int or Decimal, as the values are
    """The sum; none counts as nothing."""
    items = (item.get(attribute) if attribute else item for item in values)
    return sum((item for item in items if item is not None), start=0)


def pluck(values: Iterable[Any], attribute: str) -> list[Any]:
    """One attribute of each."""
    return [item.get(attribute) for item in values]


def replace(value: str, old: str, new: str) -> str:
    """Every `old` by `new`, within what memory should bear."""
    if len(value) * max(1, len(new)) > LONGEST:
        raise ValueError("the text is too long for replace")
    return value.replace(old, new)


def join(values: Iterable[object], separator: str = ", ", attribute: str | None = None) -> str:
    """Texts with a separator between."""
    items = pluck(values, attribute) if attribute else values
    return separator.join(as_text(item) for item in items)


def ordered(values: Iterable[Any], attribute: str | None = None, reverse: bool = False) -> list[Any]:  # noqa: FBT001, FBT002 -- Jinja passes it by place
    """Sorted, by an attribute if one is named."""
    return sorted(values, key=(lambda item: item[attribute]) if attribute else None, reverse=reverse)


def extreme(choose: Callable[..., Any]) -> Callable[..., Any]:
    """`min` or `max` of values or of their attribute; none for no values."""

    def chosen(values: Iterable[Any], attribute: str | None = None) -> Any:  # noqa: ANN401 -- any value of a row
        if attribute:
            return choose(values, key=lambda item: item[attribute], default=None)
        return choose(values, default=None)

    return chosen


def yes_no(value: object) -> str | None:
    """`Yes`, `No`, or none."""
    return None if value is None else ("Yes" if value else "No")


def unique(values: Iterable[Any]) -> list[Any]:
    """Each value once, in the order of its first place."""
    return list(dict.fromkeys(values))


FILTERS: dict[str, Callable[..., Any]] = {
    "abs": abs,
    "date": to_date,
    "days": days,
    "decimal": to_decimal,
    "default": stock.do_default,
    "domain": domain,
    "first": lambda values: next(iter(values), None),
    "int": to_int,
    "join": join,
    "last": lambda values: values[-1] if values else None,
    "length": len,
    "list": list,
    "lower": lambda value: None if value is None else str(value).lower(),
    "map": pluck,
    "max": extreme(max),
    "min": extreme(min),
    "money": money,
    "months": months,
    "normalise": normalise,
    "phone": phone,
    "reject": stock.sync_do_reject,
    "rejectattr": stock.sync_do_rejectattr,
    "replace": replace,
    "round": lambda value, places=0: None if value is None else round(Decimal(str(value)), places),
    "select": stock.sync_do_select,
    "selectattr": stock.sync_do_selectattr,
    "sort": ordered,
    "string": as_text,
    "sum": total,
    "trim": lambda value: None if value is None else str(value).strip(),
    "truncate_visibly": truncate_visibly,
    "unique": unique,
    "upper": lambda value: None if value is None else str(value).upper(),
    "yes_no": yes_no,
}

_STOCK_TESTS = [
    "defined",
    "undefined",
    "none",
    "in",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "equalto",
    "true",
    "false",
    "string",
    "number",
    "sameas",
]
TESTS: dict[str, Callable[..., Any]] = {
    **{
        name: cast("Callable[..., Any]", stock_tests.TESTS[name])
        for name in [*_STOCK_TESTS, "==", "!=", "<", "<=", ">", ">="]
    },
    "date": is_date,
    "email": is_email,
    "phone": is_phone,
    "whole": is_whole,
}
