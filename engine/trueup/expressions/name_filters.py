"""Filters that reduce names of companies and people to the parts that distinguish them."""

import re
import unicodedata
from functools import cache
from html import unescape

from trueup.expressions.value_filters import as_text

_WORDS = re.compile(r"[^\W_]+")
_ABBREVIATION = re.compile(r"\b[^\W\d_](?:\.\s?[^\W\d_])+\b\.?")
"""Single letters with dots between them: B.V., s. r. o."""

_APOSTROPHE = re.compile(r"(?<=\w)['`\u2018\u2019\u02bc\u00b4](?=\w)")

_LETTERS = str.maketrans(
    {
        "æ": "ae",
        "œ": "oe",
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "ħ": "h",
        "\u0131": "i",
    }
)
"""Letters that Unicode does not decompose into one without its mark."""

_UMLAUTS = re.compile(r"(?<=[aou])e")
"""The second letter of ä, ö and ü, æ and œ where they are written as two."""

_LOOK_ALIKES = str.maketrans(
    "авекмнорстухіјѕαβεηικνορτυχ",
    "abekmhopctyxijsabenikvoptux",
)
"""Letters of the Cyrillic and Greek alphabets that look like Latin ones."""

_MORE_FORMS = (
    "S.à r.l.", "S.c.à r.l.", "S.r.l.s.", "S.A.U.", "S.L.U.", "Pty", "Proprietary Limited",
    "GesmbH", "Ges.m.b.H.", "mbH", "e.K.", "e.Kfm.", "e.Kfr.", "UG", "haftungsbeschränkt",
    "PartGmbB", "mbB", "EOOD", "DAC", "CLG", "ASBL", "Ltée", "Limitée",
    "Public Limited Company", "Private Limited Company", "Limited Liability Company",
    "Ltd Liab Co",
)  # fmt: skip
"""Legal forms that cleanco does not have."""

_FILLERS = frozenset(["the", "and", "und", "et", "en", "og", "och"])
"""Words that `&` may be written as, and the article."""


_SECOND_NAME = re.compile(
    r"""
    (?<!\w) (?:
        d[./]?b[./]?a | [ot]/a | [afn]/?k/?a | c/o | h\.?o\.?d\.?n
        | (?:now\s+)? (?:trading|operating|doing\s+business) \s+ (?:as|under)
        | (?:(?:also|formerly|previously|better|now) \s+)? known \s+ as
        | formerly | previously | care \s+ of
        | vormals | vorm\. | handelend \s+ onder (?:\s+de\s+naam)? | anciennement
    ) (?!\w) \.? :?
    | [(\[] \s* (?:was | were | now | once | ex | prev\.? | fr(?:ü|ue)her) (?!\w) [.:-]?
    """,
    re.IGNORECASE | re.VERBOSE,
)
"""What stands before a second name of a company: Acme Inc d/b/a Foo, Foo (was Bar)."""


def names_in(value: object) -> list[str]:
    """Returns the names that a name consists of; itself alone, where it has no second name.

    A trading name, an earlier name and that of the one who takes the post count as names.
    """
    first, *others = (part.strip(" ()[],;:-\u2013") for part in _SECOND_NAME.split(as_text(value)))
    others = [name for name in others if name]
    return [first, *others] if first and others else [as_text(value)]


def normalise(value: object) -> str:
    """Returns a name without case, accents, punctuation and legal forms, for finding look-alikes.

    Characters that cannot be seen are left out, `&amp;` is `&` and `&uuml;` is `ü`. A name that
    consists of legal forms only keeps them. The legal forms are those of the package cleanco, of
    some 60 countries, and a few more.
    """
    return " ".join(_telling_words(value))


def look_alike(value: object) -> str:
    """Returns a form that two names have in common where one may be the other, typed differently.

    Besides what `normalise` leaves out: the spaces, `ue` for `ü`, letters of other alphabets that
    look alike. It is no name to show.
    """
    words = (_UMLAUTS.sub("", word) for word in _telling_words(value))
    return "".join(words).translate(_LOOK_ALIKES)


def _telling_words(value: object) -> list[str]:
    words = _words(as_text(value))
    return [word for word in _without_legal_forms(words) if word not in _FILLERS] or words


def _words(text: str) -> list[str]:
    text = unescape(text) if "&" in text else text
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text)
        text = "".join(char for char in text if unicodedata.category(char) not in ("Mn", "Cf"))
    text = text.casefold().replace("&", " and ")
    if not text.isascii():
        text = text.translate(_LETTERS)
    text = _APOSTROPHE.sub("", text)
    if "." in text:
        text = _ABBREVIATION.sub(lambda found: "".join(re.findall(r"\w", found[0])), text)
    return _WORDS.findall(text)


def _without_legal_forms(words: list[str]) -> list[str]:
    """The words without legal forms, of one word or of several, wherever they stand."""
    singles, longer = _legal_forms()
    if singles.isdisjoint(words) and longer.keys().isdisjoint(words):
        return words
    kept: list[str] = []
    position = 0
    while position < len(words):
        length = _length_of_form(words, position)
        if not length:
            kept.append(words[position])
        position += length or 1
    return kept


def _length_of_form(words: list[str], position: int) -> int:
    """How many words from here on are a legal form; 0 if none begins here."""
    singles, longer = _legal_forms()
    for form in longer.get(words[position], ()):
        if tuple(words[position : position + len(form)]) == form:
            return len(form)
    return int(words[position] in singles)


@cache
def _legal_forms() -> tuple[frozenset[str], dict[str, list[tuple[str, ...]]]]:
    """Forms of one word, and those of several by their first word, the longest first."""
    from cleanco.clean import get_unique_terms  # noqa: PLC0415 -- few commands need it

    forms = {tuple(_words(term)) for term in (*get_unique_terms(), *_MORE_FORMS)} - {()}
    longer: dict[str, list[tuple[str, ...]]] = {}
    for form in sorted(forms, key=lambda one: (-len(one), one)):
        if len(form) > 1 and any(len(word) > 1 or len(form) == _INITIALS for word in form):
            longer.setdefault(form[0], []).append(form)
    singles = frozenset(form[0] for form in forms if len(form) == 1 and len(form[0]) > 1)
    return singles, longer


_INITIALS = 2
"""Forms of so many single letters, such as A/S, count as well; `s l n e` would be too many."""
