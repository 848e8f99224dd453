"""Filters and tests for phone numbers, web addresses and mail addresses."""

import re
from functools import lru_cache
from urllib.parse import urlsplit

from trueup.expressions.country_filters import country as country_code

_ADDRESS = re.compile(r"""[^@\s<>,;:"]+@[^@\s<>,;:".]+(\.[^@\s<>,;:".]+)+""")
"""One mail address, without a display name, `mailto:` or another address."""

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*:)?//")

_PHONE = re.compile(
    r"(?:tel[.:]*)?\s*(?P<number>\(?\+?[\d\s()/.-]*\d)(?:[\s,;]*(?:ext|x|#)[\s.:]*(?P<extension>\d+))?",
    re.IGNORECASE,
)

_ZEROS = re.compile(r"^[\s(]*00")
"""What is dialled before the code of a country, in most of them."""

_SHORTEST_PHONE = 7
"""Figures that a phone number has at least; fewer may be a number of any kind."""


def phone(value: object, country: object = None) -> str | None:
    """Returns the phone number in international form, or None if it is not valid.

    `country` is the country, by code or name, for numbers without a country code.
    """
    region = country_code(country)
    return _international(value, region) if isinstance(value, str) else None


@lru_cache(maxsize=65_536)
def _international(text: str, region: str | None) -> str | None:
    import phonenumbers  # noqa: PLC0415 -- takes time to load, and few commands need it

    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def same_phone(one: str, other: str) -> bool | None:
    """Returns whether two texts are one phone number, with or without the code of its country.

    None where they would be if `00` stood for the `+` of that code, but the number is not valid
    with it. An extension counts where both have one. A text with other letters than `tel` and `ext`
    is no phone number.
    """
    import phonenumbers  # noqa: PLC0415 -- takes time to load, and few commands need it

    found, record_found = (_PHONE.fullmatch(text.strip()) for text in (one, other))
    if not found or not record_found:
        return False
    extensions = {found["extension"], record_found["extension"]} - {None}
    if len(extensions) > 1:
        return False

    numbers = [_ZEROS.sub("+", part["number"]) for part in (found, record_found)]
    if min(sum(map(str.isdigit, number)) for number in numbers) < _SHORTEST_PHONE:
        return False
    kind = phonenumbers.is_number_match(*numbers)
    if kind not in (phonenumbers.MatchType.EXACT_MATCH, phonenumbers.MatchType.NSN_MATCH):
        return False
    if any("+" in part["number"] for part in (found, record_found)):
        return True
    # A number of a customer may begin with zeros, and is hardly a valid phone number then.
    with_code = [phonenumbers.parse(number) for number in numbers if "+" in number]
    return all(map(phonenumbers.is_valid_number, with_code)) or None


def is_phone(value: object, country: object = None) -> bool:
    """Returns whether it is a valid phone number of the country, or one with a country code."""
    return phone(value, country) is not None


def domain(value: object) -> str | None:
    """Returns the domain of a web or mail address, without www, or None if it has none."""
    if not isinstance(value, str):
        return None

    text = value.strip().casefold()
    try:
        host = urlsplit(text if _SCHEME.match(text) else f"//{text}").hostname or ""
    except ValueError:
        return None
    host = host.strip(".").removeprefix("www.")
    return host if re.fullmatch(r"[^\s.]+(\.[^\s.]+)+", host) else None


def is_email(value: object) -> bool:
    """Returns whether it is one address of the form `name@domain.tld`, without spaces and names."""
    return isinstance(value, str) and _ADDRESS.fullmatch(value) is not None
