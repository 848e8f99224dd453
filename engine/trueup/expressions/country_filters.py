"""The filter and the test for countries.

Names and codes come from the Unicode CLDR, as Babel packages it: https://cldr.unicode.org.
"""

from collections.abc import Mapping
from functools import cache, lru_cache

from trueup.expressions.name_filters import normalise

_LANGUAGES = ("en", "de", "fr", "it", "es", "nl", "pt", "da", "sv", "nb", "fi", "pl", "cs")
"""Languages in which the name of a country is known."""

_OTHER_NAMES = {
    "great britain": "GB",
    "england": "GB",
    "scotland": "GB",
    "wales": "GB",
    "northern ireland": "GB",
    "czech republic": "CZ",
    "holland": "NL",
    "hong kong": "HK",
    "republic of ireland": "IE",
    "turkey": "TR",
    "united states of america": "US",
}
"""Normalised names that people enter as a country, and the CLDR does not list as one."""

_CODE = 2
"""The length of the codes of ISO 3166-1 that the two systems keep."""


_NO_COUNTRIES = {"EU", "EZ", "UN", "ZZ", "XA", "XB", "QO"}
"""Unions, private codes and leftovers that the CLDR lists among the territories."""


def country(value: object) -> str | None:
    """Returns the two-letter code (ISO 3166-1) of a country, or None if it is not known.

    The country is given by its code of two or three letters, or by its name in one of the larger
    languages of Europe: `GB`, `GBR`, `United Kingdom`, `Royaume-Uni`.
    """
    return _code(value) if isinstance(value, str) else None


def is_country(value: object) -> bool:
    """Returns whether it is the code or the name of a country."""
    return country(value) is not None


def all_countries() -> list[tuple[str, str]]:
    """Returns the two-letter code and the English name of every country, in the order of codes."""
    from babel import Locale  # noqa: PLC0415 -- takes time to load, and few commands need it

    territories = Locale("en").territories
    return [(code, territories[code]) for code in sorted(_codes())]


@lru_cache(maxsize=4096)
def _code(text: str) -> str | None:
    code = text.strip().upper()
    if code in _codes():
        return code
    aliases = _aliases().get(code, [])
    if len(aliases) == 1:
        return aliases[0]
    return _OTHER_NAMES.get(normalise(text)) or _names().get(normalise(text))


@cache
def _codes() -> frozenset[str]:
    from babel import Locale  # noqa: PLC0415 -- takes time to load, and few commands need it

    codes = map(str, Locale("en").territories)
    return frozenset(one for one in codes if len(one) == _CODE and one.isalpha()) - _NO_COUNTRIES


@cache
def _aliases() -> Mapping[str, list[str]]:
    """Codes of three letters, and `UK`; a country that is no more has several successors."""
    from babel.core import get_global  # noqa: PLC0415 -- as above

    return get_global("territory_aliases")


@cache
def _names() -> dict[str, str]:
    """Codes by normalised name; without names that stand for two countries, such as Kongo."""
    from babel import Locale  # noqa: PLC0415 -- as above

    found: dict[str, set[str]] = {}
    for language in _LANGUAGES:
        for code, name in Locale(language).territories.items():
            if str(code) in _codes():
                found.setdefault(normalise(name), set()).add(str(code))
    return {name: next(iter(codes)) for name, codes in found.items() if len(codes) == 1}
