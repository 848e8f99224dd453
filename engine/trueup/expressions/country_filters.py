"""The filter and the test for countries.

Names and codes come from the Unicode CLDR, as Babel packages it (https://cldr.unicode.org), and the
names of ISO 3166-1, short and official, from pycountry, which packages Debian's iso-codes.
"""

import re
from collections.abc import Iterable, Mapping
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
    "eire": "IE",
    "holland": "NL",
    "hong kong": "HK",
    "republic of ireland": "IE",
    "turkey": "TR",
    "uae": "AE",
    "united states of america": "US",
}
"""Normalised names that people enter as a country, and the CLDR does not list as one."""

_DOTTED_CODE = re.compile(r"(?:[A-Z]\.\s?){1,2}[A-Z]\.?")
"""A code of two or three letters with dots between them: U.K., U.S.A."""

_CODE = 2
"""The length of the codes of ISO 3166-1 that the two systems keep."""


_NO_COUNTRIES = {"EU", "EZ", "UN", "ZZ", "XA", "XB", "QO"}
"""Unions, private codes and leftovers that the CLDR lists among the territories."""


def country(value: object) -> str | None:
    """Returns the two-letter code (ISO 3166-1) of a country, or None if it is not known.

    The country is given by its code of two or three letters, or by its name: one of those of
    ISO 3166-1, or the usual one in a larger language of Europe or in a language of the country
    itself. `GB`, `GBR`, `U.K.`, `United Kingdom`, `Royaume-Uni`, `Korea, Republic of`, `Ελλάδα`.
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
    if _DOTTED_CODE.fullmatch(code):
        code = re.sub(r"[.\s]", "", code)
    if code in _codes():
        return code
    aliases = _aliases().get(code, [])
    if len(aliases) == 1:
        return aliases[0]
    name = normalise(text)
    return (
        _OTHER_NAMES.get(name)
        or _english_names().get(name)
        or _names(*_LANGUAGES).get(name)
        or _iso_names().get(name)
        or _own_names().get(name)
    )


@cache
def _codes() -> frozenset[str]:
    from babel import Locale  # noqa: PLC0415 -- takes time to load, and few commands need it

    codes = map(str, Locale("en").territories)
    return (
        frozenset(code for code in codes if len(code) == _CODE and code.isalpha()) - _NO_COUNTRIES
    )


@cache
def _aliases() -> Mapping[str, list[str]]:
    """Codes of three letters, and `UK`; a country that is no more has several successors."""
    from babel.core import get_global  # noqa: PLC0415 -- as above

    return get_global("territory_aliases")


def _english_names() -> dict[str, str]:
    """Codes by normalised English name. None of these names another country elsewhere.

    They are looked up first, because the other languages take a tenth of a second to load.
    """
    return _names("en")


@cache
def _names(*languages: str) -> dict[str, str]:
    """Codes by normalised name; without names that stand for two countries, such as Kongo."""
    from babel import Locale  # noqa: PLC0415 -- as above

    return _unique(
        (normalise(name), str(code))
        for language in languages
        for code, name in Locale(language).territories.items()
        if str(code) in _codes()
    )


@cache
def _iso_names() -> dict[str, str]:
    """Codes by the normalised names of ISO 3166-1: short, official, and common."""
    import pycountry  # noqa: PLC0415 -- as above

    kinds = ("name", "official_name", "common_name")
    return _unique(
        (normalise(name), country.alpha_2)
        for country in pycountry.countries
        for name in (getattr(country, kind, None) for kind in kinds)
        if name
    )


@cache
def _own_names() -> dict[str, str]:
    """Codes by the normalised name of a country in its own languages.

    They are looked up last: the names of more than a hundred languages take a second to load.
    """
    from babel import Locale, UnknownLocaleError  # noqa: PLC0415 -- as above
    from babel.languages import get_official_languages  # noqa: PLC0415 -- as above

    codes_by_language: dict[str, list[str]] = {}
    for code in sorted(_codes()):
        for language in get_official_languages(code):
            codes_by_language.setdefault(language, []).append(code)

    found: list[tuple[str, str]] = []
    for language, codes in codes_by_language.items():
        try:
            territories = Locale.parse(language).territories
        except UnknownLocaleError:
            continue  # the CLDR has no names in this language
        found += [(normalise(territories[code]), code) for code in codes if code in territories]
    return _unique(found)


def _unique(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Codes by name, without the names of several countries."""
    found: dict[str, set[str]] = {}
    for name, code in pairs:
        found.setdefault(name, set()).add(code)
    return {name: next(iter(codes)) for name, codes in found.items() if len(codes) == 1}
