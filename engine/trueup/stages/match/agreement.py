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

_ZEROS = re.compile(r"(?<!\d)0+(?=\d)")
"""Leading zeros of figures."""

_LONG_NUMBER = 8
"""From this length on, figures without separators are those of a number that has some."""

_FRACTION = re.compile(r"\d[.,]\d{1,2}(?!\d)")
"""What a decimal number has, or a day: `12.5`, `1.11.2026`."""

_DIALLED = re.compile(r"\D*(?:0|(?<=[+(])\d)")
"""How the figures of a phone begin, however they are grouped: `+44 20`, `020`, `(020)`."""

_TERM = re.compile(
    r"""
    \b (?: (?:per|pro|par)\ )? (?:
        p (?P<number>[1-9]\d?) (?P<unit>[ym])
        | (?! (?<=plan\ ) [1-5]\ ? (?:year|yr|y|jahr|month|mth|mo|monat)\b )
          (?P<count>[1-9]\d?|one|two|three|four|five)\ ?
          (?P<units>years?|yrs?|y|jahre?s?|months?|mths?|mos?|monate?s?)
        | (?: (?P<half>semi|half|halb(?:es)?|bi(?=\ ?(?:annual|year)))\ ? | (?P<double>bi)\ ? )?
          (?P<period>
            annual(?:ly)?|annuel(?:le)?(?:ment)?|annum|biennial(?:ly)?|triennial(?:ly)?
            | yearly|yrly|ja?e?hrlich|quarterly
            | month(?:\ to\ month|ly)|mthly|monatlich|mensuel(?:le)?(?:ment)?
            | weekly
            | (?(half)|(?<=per\ |pro\ |par\ )) (?:year|yr|jahr|month|mth|mo|monat)
            | (?P<bare>year|yr|jahr|month|mth|mo|monat)
          )
    ) \b
    """,
    re.VERBOSE,
)
"""Terms in normalised names of products: `semi annual`, `per month`, `p1y`, `12 months`.

Years and months without a count are none: `six years`. Nor is the figure of a `plan 1` a count. A
`bare` word is a term at the end of a name with figures: `M365 E3 (month)`. It may be a name's own
elsewhere: `Jahr Treuhand`.
"""

_DAYS = {"y": 360, "a": 360, "j": 360, "b": 720, "t": 1080, "q": 90, "m": 30, "w": 7}
"""Days of a term, by the first letter of the word for it."""

_COUNTS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5}

_NUMERALS = {
    "x" * tens + ones: str(10 * tens + number)
    for tens in range(4)
    for number, ones in enumerate(["", "i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix"])
    if len("x" * tens + ones) > 1  # a single letter may as well be an initial
}
"""Roman numerals from II to XXXIX, with their figures."""

_ENDING = re.compile(
    r"""
    (\. (
        ac|co|com|edu|gov|gv|ltd|me|ne|net|or|org|plc
        | azurewebsites|blogspot|github|gitlab|myshopify|netlify|sharepoint|wixsite|wordpress
        | (mail\.)?onmicrosoft
    ))? \.[^.]+ $
    """,
    re.VERBOSE,
)
"""What follows the name in a domain: `.com`, `.co.uk`, `.github.io`, `.onmicrosoft.com`."""

_SITE = re.compile(
    r"@|://|^\s*www\."
    r"|\.(?:[a-z]{2}|biz|cloud|com|edu|example|gov|info|net|online|org|shop)\s*(?:[/?#]|:\d|$)",
    re.IGNORECASE,
)
"""What makes a text with a dot a web or mail address: `St.Gallen` and `K.1001` may be names."""

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
    if site and record_site and (_SITE.search(desired) or _SITE.search(actual)):
        return _sites_agree(site, record_site, desired, actual)
    if _is_number(desired) and _is_number(actual):
        return _numbers_agree(desired, actual)
    one, other = normalise(desired), normalise(actual)
    found = _names_agree(one, other) if one and other else None
    # One wrong letter is no slip in an address, and `alpine.dental` may be one.
    return None if found and site and record_site and fold(desired) != fold(actual) else found


def _is_number(text: str) -> bool:
    """Whether a text with figures is a number, not a name: it has no blanks, or no longer word."""
    text = unicodedata.normalize("NFKC", text).strip()
    has_figure = any(map(str.isdigit, text))
    return has_figure and not (_BLANK.search(text) and _LONGER_WORD.search(text))


def _numbers_agree(desired: str, actual: str) -> bool | None:
    """Whether two numbers have the same letters and figures, or are one phone number.

    Leading zeros, and letters that only one of them has, are often lost: then nothing is known.
    Nor is it where the same figures are grouped in two ways: `1/12 Bay St`, `11/2 Bay St`.
    """
    desired, actual = (unicodedata.normalize("NFKC", text) for text in (desired, actual))
    one, other = _letters_and_figures(desired), _letters_and_figures(actual)
    if one == other:
        return True if _are_grouped_alike(desired, actual) else None
    if (is_same := same_phone(desired, actual)) is not False:
        return is_same
    without_zeros = one.lstrip("0"), other.lstrip("0")
    if without_zeros[0] == without_zeros[1]:
        return None
    figures, record_figures = _figures_of(one), _figures_of(other)
    if figures == record_figures and figures in without_zeros:
        return None
    return None if _differ_in_words_only(normalise(desired), normalise(actual)) else False


def _differ_in_words_only(one: str, other: str) -> bool:
    """Whether two normalised names with letters are the same but for words that only one has.

    They are names with figures, such as `G4S plc`, `No. 5, Elm Rd`, or `M365 E3 NCE`.
    """
    (one, days), (other, record_days) = _without_term(one), _without_term(other)
    if days and record_days and days != record_days:
        return False
    words = (list(map(look_alike, _words(name))) for name in (one, other))
    fewer, more = sorted(words, key=len)
    rest, following = Counter(more) - Counter(fewer), iter(more)
    return (
        any(map(str.isalpha, fewer))
        and all(word in following for word in fewer)
        and all(word.isalpha() and len(word) > 1 for word in rest)
    )


def _are_grouped_alike(desired: str, actual: str) -> bool:
    """Whether the groups of the same figures are the same, or tell no numbers apart.

    They do not in a phone, and where one text has a long number without separators.
    """
    groups, record_groups = re.findall(r"\d+", desired), re.findall(r"\d+", actual)
    if groups == record_groups:
        return True
    if _DIALLED.match(desired) and _DIALLED.match(actual) and same_phone(desired, actual):
        return True
    fewest = min(groups, record_groups, key=len)
    is_long = len(fewest) == 1 and len(fewest[0]) >= _LONG_NUMBER
    return is_long and not (_FRACTION.search(desired) or _FRACTION.search(actual))


def _letters_and_figures(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


def _figures_of(text: str) -> str:
    return "".join(filter(str.isdigit, text)).lstrip("0")


def _sites_agree(site: str, record_site: str, desired: str, actual: str) -> bool | None:
    """Whether two web addresses are of one owner, or two mail addresses of one mailbox.

    Two mailboxes or pages of one domain may be of one company or of two, as with a host of pages
    for many, and one name with two endings (`.com`, `.co.uk`) may have one owner or two: neither is
    evidence. Nor is a page of a domain for the domain, or an ending for a domain that has it.
    """
    below, above = sorted((f".{site}", f".{record_site}"), key=len, reverse=True)
    if below.endswith(above):
        is_one = _mailbox_or_page(desired, site) == _mailbox_or_page(actual, record_site)
        is_ending = below != above and _ENDING.fullmatch(above)
        return True if is_one and not is_ending else None
    return None if _ENDING.sub("", site) == _ENDING.sub("", record_site) else False


def _mailbox_or_page(address: str, site: str) -> str:
    """Returns what an address has besides its domain; "" if it has nothing else."""
    address = fold(address)
    return address if "@" in address else address.partition(site)[2].strip("/.?#")


def _names_agree(one: str, other: str) -> bool | None:
    """Whether all words of the shorter of two normalised names are in the longer one.

    Figures and terms of one name contradict others. The order of words does not count, but where
    figures and single letters could change places: `Flat 3A, Block B`. Nothing is known where what
    only one name has may tell the two apart, as in `Clinic A`, or is a zero before its figures.
    """
    (one, days), (other, record_days) = _without_term(one), _without_term(other)
    words, record_words = sorted(map(_words, (one, other)), key=len)
    if _figures(words) != _figures(record_words):
        return False
    if days and record_days and days != record_days:
        return False

    has_order = max(_count_of_marks(words), _count_of_marks(record_words)) > 1
    rest = (_rest_in_order if has_order else _rest_in_any_order)(words, record_words)
    if rest is None:
        rest = _rest_of_joined(one, other)
    if rest is None:
        return False

    without_term = "" if bool(days) == bool(record_days) else other if days else one
    is_unsure = _may_tell_apart(rest, words, without_term)
    return None if is_unsure or _ZEROS.findall(one) != _ZEROS.findall(other) else True


def _may_tell_apart(rest: Sequence[str], words: Sequence[str], without_term: str) -> bool:
    """Whether the words that one name has besides those of the shorter one may make it another.

    They may where one is a single letter, where the shorter name has figures only, and where they
    are of a name without a term, while the other has one.
    """
    if not rest:
        return False
    if any(len(word) == 1 for word in rest) or not any(map(str.isalpha, words)):
        return True
    return all(word in {*without_term.split(), *_words(without_term)} for word in rest)


def _without_term(name: str) -> tuple[str, int]:
    """Returns a name without its terms, and the longest of them in days, or 0.

    Often only one of two systems has the term in its names. The longest one is the commitment,
    which may be billed in shorter periods. A name that is a term, and nothing else, keeps it.
    """
    days = max(map(_days, filter(_is_term, _TERM.finditer(name))), default=0)
    rest = _TERM.sub(lambda found: " " if _is_term(found) else found[0], name)
    return " ".join(rest.split()) or name, days


def _is_term(found: re.Match[str]) -> bool:
    if not found["bare"]:
        return True
    before, after = found.string[: found.start()], found.string[found.end() :]
    return not after and any(map(str.isdigit, before))


def _days(term: re.Match[str]) -> int:
    days = _DAYS[(term["unit"] or term["units"] or term["period"])[0]]
    if term["half"]:
        return days // 2
    if term["double"]:
        return days * 2
    count = term["number"] or term["count"] or "1"
    return days * (_COUNTS.get(count) or int(count))


def _words(name: str) -> list[str]:
    """Returns the words of a name; its figures without leading zeros, if it has only some once.

    Of several, they may be parts of one number: `1.05`.
    """
    words = [_NUMERALS.get(word, word) for word in _WORDS.findall(name)]
    if len(_figures(words)) > 1:
        return words
    return [word.lstrip("0") or "0" for word in words]


def _figures(words: Sequence[str]) -> list[str]:
    return [word for word in words if word.isdigit()]


def _count_of_marks(words: Sequence[str]) -> int:
    """Counts the figures and the single letters of a name."""
    return sum(word.isdigit() or len(word) == 1 for word in words)


def _rest_in_order(fewer: Sequence[str], more: Sequence[str]) -> Sequence[str] | None:
    """Returns the words of a name that are left when those of a shorter one are taken out in order.

    None if the shorter name has another word.
    """
    rest, position = list[str](), 0
    for word in more:
        if position < len(fewer) and _is_same_word(fewer[position], word):
            position += 1
        else:
            rest.append(word)
    return rest if position == len(fewer) else None


def _rest_in_any_order(words: Sequence[str], others: Sequence[str]) -> Sequence[str] | None:
    """Returns the words that are left as `_rest_in_order` does, for words in any order.

    Equal words go together first, then long ones, initials last, in whatever order the names are.
    """
    one, other = Counter(words), Counter(others)
    lefts = [sorted(left.elements(), key=_longest_first) for left in (one - other, other - one)]
    fewer, rest = sorted(lefts, key=lambda left: (len(left), left))
    for word in fewer:
        found = next((candidate for candidate in rest if _is_same_word(word, candidate)), None)
        if found is None:
            return None
        rest.remove(found)
    return rest


def _longest_first(word: str) -> tuple[int, str]:
    return -len(word), word


def _rest_of_joined(one: str, other: str) -> Sequence[str] | None:
    """Returns the words that are left where one name begins with the other, typed differently.

    Blanks and umlauts do not count: `Bluebird`, `Blue Bird Trading`. None if it begins otherwise.
    """
    part, whole = sorted((one, other), key=lambda name: len(look_alike(name)))
    start, words = look_alike(part), whole.split()
    if not look_alike(whole).startswith(start):
        return None
    counts = range(1, len(words) + 1)
    beginnings = (count for count in counts if look_alike(" ".join(words[:count])) == start)
    count = next(beginnings, None)
    return None if count is None else words[count:]


def _is_same_word(word: str, other: str) -> bool:
    """Whether one word stands for the other: an initial, an abbreviation, or one slip in it."""
    if word == other or word.isdigit() or other.isdigit():
        return word == other
    part, whole = sorted((word, other), key=len)
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
