"""Compares two values that may speak for one and the same thing, such as two ways to write a name.

Values that agree link a row to a record without a question, so what is unsure never agrees.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from trueup.expressions.contact_filters import same_phone
from trueup.expressions.filters import domain, look_alike, normalise
from trueup.expressions.value_filters import fold
from trueup.model.change import Unknown
from trueup.model.coerce import empty, same

_AS_MANY_TIMES = 2
"""Amounts of which one is at least so many times the other contradict each other."""

_PART = 3
"""From this length on, the beginning of a word counts as its abbreviation."""

_LONG = 5
"""From this length on, words that differ by one letter count as one: `meier` and `meyer`."""

_WORDS = re.compile(r"\d+|[^\W\d_]+")
"""Letters and figures apart: `M365 E3` is `Microsoft 365 E3`."""

_BLANK = re.compile(r"\s")

_LONGER_WORD = re.compile(r"[^\W\d_]{4}")
"""A text with figures and blanks has one, or is a number, no name: `CUS 10023`, `M365 E3`."""

_PERIODS = {
    "annual": "yearly",
    "annually": "yearly",
    "yearly": "yearly",
    "quarterly": "quarterly",
    "monthly": "monthly",
}
"""Periods of billing, which names of services have at their end, by the words for them."""

_ROMAN = frozenset("ivx")

_ENDING = re.compile(r"(\.(ac|co|com|edu|gov|gv|ltd|me|ne|net|or|org|plc))?\.[^.]+$")
"""What follows the name in a domain: `.com`, `.co.uk`."""

_COMPARED = 1_000
"""Characters of a text that are compared: two of millions would take hours, and gigabytes."""


def agree(desired: object, actual: object) -> bool | None:
    """Whether two values speak for one and the same thing; None if that is unknown.

    Texts agree where they are two ways to write one name, with the same figures; web addresses
    where they are of one domain, amounts where they are of one size; any other values where they
    are equal.
    """
    if empty(desired) or empty(actual) or isinstance(desired, Unknown):
        return None
    if isinstance(desired, str) and isinstance(actual, str):
        return _texts_agree(desired, actual)
    if isinstance(desired, Decimal) and isinstance(actual, Decimal | int | float):
        return _amounts_agree(desired, Decimal(str(actual)))
    return same(desired, actual)


def _texts_agree(desired: str, actual: str) -> bool | None:
    desired, actual = desired[:_COMPARED], actual[:_COMPARED]
    site, record_site = domain(desired), domain(actual)
    if site and record_site and not site[-1].isdigit():  # K.1001 is no domain
        return _sites_agree(site, record_site, desired, actual)
    if _is_number(desired) and _is_number(actual):
        return _numbers_agree(desired, actual)
    one, other = normalise(desired), normalise(actual)
    if not one or not other:
        return None
    words, record_words = _WORDS.findall(one), _WORDS.findall(other)
    if _figures(words) != _figures(record_words) or _periods_differ(words, record_words):
        return False  # Clinic North 1 and Clinic North 2, Microsoft 365 E3 and E5
    return _names_agree(words, record_words) or _joined_agree(desired, actual)


def _figures(words: Sequence[str]) -> list[str]:
    return sorted(word for word in words if word.isdigit())


def _periods_differ(words: Sequence[str], record_words: Sequence[str]) -> bool:
    """Whether both name a period of billing, and not the same one."""
    periods = {_PERIODS[word] for word in words if word in _PERIODS}
    record_periods = {_PERIODS[word] for word in record_words if word in _PERIODS}
    return bool(periods and record_periods and periods != record_periods)


def _is_number(text: str) -> bool:
    """Whether a text with figures is a number, not a name: it has no blanks, or no longer word."""
    text = unicodedata.normalize("NFKC", text).strip()
    has_figure = any(map(str.isdigit, text))
    return has_figure and not (_BLANK.search(text) and _LONGER_WORD.search(text))


def _numbers_agree(desired: str, actual: str) -> bool | None:
    """Whether two numbers have the same letters and figures, or are one phone number.

    Leading zeros, and letters that only one of them has, are often lost: then nothing is known.
    """
    one, other = _letters_and_figures(desired), _letters_and_figures(actual)
    if one == other or same_phone(desired, actual):
        return True
    without_zeros = one.lstrip("0"), other.lstrip("0")
    if without_zeros[0] == without_zeros[1]:
        return None
    figures, record_figures = _figures_of(one), _figures_of(other)
    return None if figures == record_figures and figures in without_zeros else False


def _letters_and_figures(text: str) -> str:
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))


def _figures_of(text: str) -> str:
    return "".join(filter(str.isdigit, text)).lstrip("0")


def _sites_agree(site: str, record_site: str, desired: str, actual: str) -> bool | None:
    """Whether two web addresses are of one owner, or two mail addresses of one mailbox.

    Two mailboxes of one domain may be of one company or of two people, and one name with two
    endings (`.com`, `.co.uk`) may have one owner or two: neither is evidence.
    """
    below, above = sorted((f".{site}", f".{record_site}"), key=len, reverse=True)
    if below.endswith(above):
        is_mail = "@" in desired and "@" in actual
        return None if is_mail and fold(desired) != fold(actual) else True
    return None if _ENDING.sub("", site) == _ENDING.sub("", record_site) else False


def _names_agree(words: Sequence[str], record_words: Sequence[str]) -> bool:
    """Whether each word of the shorter name is one of the longer name, in any order.

    Periods of billing do not count: often only one of two systems has them in its names.
    """
    one, other = (
        Counter(word for word in name if word not in _PERIODS) or Counter(name)
        for name in (words, record_words)
    )
    fewer, more = sorted((one - other, other - one), key=Counter.total)
    rest = [*more.elements()]
    for word in fewer.elements():
        found = next((candidate for candidate in rest if _is_same_word(word, candidate)), None)
        if found is None:
            return False
        rest.remove(found)
    return True


def _joined_agree(one: str, other: str) -> bool:
    """Whether one name is the first words of the other, however spaces and umlauts are typed."""
    part, whole = sorted((one, other), key=lambda name: len(look_alike(name)))
    start, name = look_alike(part), look_alike(whole)
    if name == start or not name.startswith(start):
        return name == start
    words = normalise(whole).split()
    return any(look_alike(" ".join(words[:count])) == start for count in range(1, len(words)))


def _is_same_word(word: str, other: str) -> bool:
    """Whether one word stands for the other: an initial, an abbreviation, or one slip in it."""
    part, whole = sorted((word, other), key=len)
    if _ROMAN.issuperset(part + whole):
        return False  # Clinic I and Clinic III
    if len(part) == 1:
        return len(whole) >= _PART and whole[0] == part
    if len(part) >= _PART and whole.startswith(part):
        return True
    return _is_contraction(part, whole) or _is_slip(part, whole)


def _is_contraction(part: str, whole: str) -> bool:
    """Whether letters within a word were left out, at least half of them: `intl`, `bros`, `st`."""
    if (len(part) < _PART and part != "st") or 2 * len(part) > len(whole) + 1:
        return False
    letters = iter(whole)
    return part[-1] == whole[-1] and whole[0] == part[0] and all(one in letters for one in part)


def _is_slip(part: str, whole: str) -> bool:
    """Whether two longer words differ by one letter, or by two that changed places."""
    if len(whole) < _LONG or len(whole) - len(part) > 1:
        return False
    start = next((at for at, letter in enumerate(part) if letter != whole[at]), len(part))
    left, right = part[start:], whole[start:]
    if len(left) < len(right):
        return left == right[1:]
    return left[1:] == right[1:] or (left[1::-1] + left[2:]) == right


def _amounts_agree(desired: Decimal, actual: Decimal) -> bool | None:
    less, more = sorted((abs(desired), abs(actual)))
    if not less:
        return None  # no price yet is no contradiction
    return more < less * _AS_MANY_TIMES
