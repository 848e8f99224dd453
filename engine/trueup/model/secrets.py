"""Hides secrets in text that a server has written.

Parse first, then clean, hide and shorten: JSON may escape any letter, cleaning may join the parts
of a secret, and a part of one is not found where the text was cut.

A secret is hidden as it is, and as JSON, Python, an address, a form, HTML, hexadecimal digits or
base64 have it, as UTF-8 or UTF-16. A text is hidden as a whole if it has a secret of `LONG`
characters or more encoded more than once or letter by letter (JSON, Python, an address, HTML),
broken into lines, or as a part of what is in base64. Other encodings are not recognized.
"""

import html
import itertools
import json
import re
import unicodedata
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Collection, Iterable
from functools import lru_cache
from urllib.parse import quote, quote_plus, unquote

from trueup.model.clean_text import clean_text, one_line

HIDDEN = "(hidden)"

NAMES = r"secret|passw|token|credential|integration_?code|api_?key|private"
"""What the name of a variable, key or option contains whose value is a secret; an expression.

`pwd` is not among them: PWD is where a shell is.
"""

SHORTEST = 4
"""A shorter value would hide ordinary words."""

LONG = 8
"""Shorter values are not hidden as parts of words, and not sought in a text that is decoded."""

LOOKED_AT = 10_000
"""Characters of a text of a server that are kept: a multiple of what any message shows."""

_DEPTH = 8
"""How many encodings around each other are undone."""

_ESCAPED = re.compile(r"(?:(?:(?<!\\)\\++|%)u[0-9a-fA-F]{4})+")
_ESCAPED_BYTE = re.compile(r"(?<!\\)\\++x(?=[0-9a-fA-F]{2})")
_CONTROL = re.compile(r"[\n\t]+|(?<!\\)\\++[rnt]")
"""The expressions never go back: a text may be thousands of backslashes."""

_IGNORED = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Characters that nothing shows, besides those of the category Cf."""

_BREAK = re.compile(r"[^\S ]|(?<!\\)\\++[rnt]")
"""A space that is no blank, as it is or escaped: where a text was broken, with blanks around it."""

_ELLIPSIS = "…"
"""What stands where a text was shortened; `errors.shortened_line` has more around it:"""

_LEFT_OUT, _GOES_ON = " [", "] "
"""` […12 characters…] `"""


@lru_cache(maxsize=16_384)
def forms(secret: str) -> frozenset[str]:
    """Returns a secret as text may have it: plain, in JSON, Python, a URL, HTML, hex or base64.

    They are kept: a fleet has thousands of secrets, and each line of its log is searched for them.
    """
    encoded = _bytes(secret)
    in_base64 = {
        code(part).decode().rstrip("=")
        for code in (b64encode, urlsafe_b64encode)
        for part in (encoded, _utf_16(secret))
    }
    return frozenset(
        {
            secret,
            json.dumps(secret)[1:-1],
            json.dumps(secret, ensure_ascii=False)[1:-1],
            repr(secret)[1:-1],
            html.escape(secret),
            html.escape(secret, quote=False),
            html.escape(secret).replace("&#x27;", "&#39;"),
            quote(encoded),
            quote(encoded, safe=""),
            quote_plus(encoded),
            encoded.hex(),
            *in_base64,
        }
    )


def hidden_line(text: str, secrets: Iterable[str], longest: int) -> str:
    """Returns a server's text for a message: cleaned, without secrets, on one line, shortened."""
    return one_line(hide(text, secrets), longest)


def hide(text: str, secrets: Iterable[str]) -> str:
    """Returns the text, cleaned, without these secrets in the forms that the module names.

    At the end of a long text, `LOOKED_AT` characters are left out: a secret may be cut there.
    """
    is_cut = len(text) > 2 * LOOKED_AT
    text = clean_text(text[: 2 * LOOKED_AT])
    wanted = {
        written
        for secret in secrets
        for written in (secret, clean_text(secret))
        if len(written) >= SHORTEST
    }
    text = hide_forms(text, {form for secret in wanted for form in forms(secret)})
    decoded = _decoded(text)
    traces = {trace for secret in wanted for trace in _traces(secret)}
    if _BREAK.search(text):  # blanks may have come or gone where it was broken
        decoded = _without_blanks(decoded)
        traces = set(map(_without_blanks, traces))
    if any(trace in decoded for trace in traces):
        return HIDDEN
    return (text[:-LOOKED_AT] or HIDDEN) if is_cut else text


def hide_forms(text: str, known: Collection[str], guessed: Collection[str] = ()) -> str:
    """Returns the text without these forms of secrets; of two that begin alike, the longer goes.

    Long ones are hidden in capital and in small letters. The beginning of one before an ellipsis
    is hidden, too, and its end after one. Short ones that are only `guessed` to be secrets are
    hidden where they stand by themselves: a part of a name (`trueup-demo`) is no secret.
    """
    lowered = text.lower()
    every = {**dict.fromkeys(guessed, _as_word), **dict.fromkeys(known, _anywhere)}
    if found := [form for form in every if form.lower() in lowered]:
        found.sort(key=len, reverse=True)
        text = re.sub("|".join(every[form](form) for form in found), HIDDEN, text)
    return _without_cut_forms(text, every) if _ELLIPSIS in text else text


def _anywhere(form: str) -> str:
    """The expression for a form; a short one that continues a word or number is a part of it."""
    if len(form) >= LONG:
        return f"(?i:{re.escape(form)})"
    before = r"(?<![^\W_])" if form[0].isalnum() else ""
    after = r"(?![^\W_])" if form[-1].isalnum() else ""
    return f"{before}(?{'i' if '%' in form else ''}:{re.escape(form)}){after}"


def _as_word(form: str) -> str:
    """The expression for a form; a short one must be a word of its own."""
    return (
        _anywhere(form) if len(form) >= LONG else rf"(?<![\w@.-]){re.escape(form)}(?![\w@-]|\.\w)"
    )


def _without_cut_forms(text: str, known: Iterable[str]) -> str:
    """Hides the beginning of a long form before an ellipsis, and its end after one."""
    lowered = text.lower()
    long = [form for form in known if len(form) >= LONG]
    begun = [form.lower() for form in long if form[:SHORTEST].lower() in lowered]
    ended = [form.lower() for form in long if form[-SHORTEST:].lower() in lowered]
    if not begun and not ended:
        return text
    first, *others = text.split(_ELLIPSIS)
    pieces = [first, *(_without_end(piece, ended) for piece in others)]
    return _ELLIPSIS.join(
        [*(_without_beginning(piece, begun) for piece in pieces[:-1]), pieces[-1]]
    )


def _without_beginning(piece: str, known: Iterable[str]) -> str:
    """Hides the beginning of a form at the end of a piece of text."""
    kept = piece.removesuffix(_LEFT_OUT)
    length = max((_begun(kept[-len(form) :].lower(), form) for form in known), default=0)
    return f"{kept[:-length]}{HIDDEN}{piece[len(kept) :]}" if length else piece


def _without_end(piece: str, known: Iterable[str]) -> str:
    """Hides the end of a form at the beginning of what goes on after characters were left out."""
    if not piece.startswith(_GOES_ON):
        return piece
    kept = piece.removeprefix(_GOES_ON)
    backwards = ((kept[: len(form)].lower()[::-1], form[::-1]) for form in known)
    length = max(itertools.starmap(_begun, backwards), default=0)
    return f"{_GOES_ON}{HIDDEN}{kept[length:]}" if length else piece


def _begun(text: str, form: str) -> int:
    """Returns how many characters of the form's beginning end the text, 0 if too few to tell."""
    lengths = range(len(form), SHORTEST - 1, -1)
    return next((length for length in lengths if text.endswith(form[:length])), 0)


def _traces(secret: str) -> set[str]:
    """What `_decoded` makes of texts that hold a secret; none that ordinary words may hold."""
    if len(secret) < LONG:
        return set()
    decoded = (_decoded(secret), _decoded(secret.replace(" ", "+")))
    in_base64 = (*_inside_base64(_bytes(secret)), *_inside_base64(_utf_16(secret)))
    return {trace for trace in (*decoded, *in_base64) if len(trace) >= LONG}


def _decoded(text: str) -> str:
    """Returns a copy of a text with its encodings undone, for comparison, in small letters.

    Line breaks, controls and invisible characters are left out, blanks between words are not. A
    backslash may stand before any letter.
    """
    for _ in range(_DEPTH):
        before = text  # cleaned after each step: a break may part what the next one decodes
        text = _without_controls(text)
        text = _without_controls(_ESCAPED_BYTE.sub("%", _ESCAPED.sub(_unescaped, text)))
        text = unquote(_without_controls(_without_entities(text)))
        if text == before:
            break
    return text.replace("\\", "").casefold()


def _without_controls(text: str) -> str:
    text = _CONTROL.sub("", clean_text(text))
    if text.isascii():
        return text
    return "".join(one for one in _IGNORED.sub("", text) if unicodedata.category(one) != "Cf")


def _without_blanks(text: str) -> str:
    return "".join(text.split())


def _without_entities(text: str) -> str:
    try:
        return html.unescape(text)
    except ValueError:  # a number of thousands of digits
        return text


def _unescaped(escaped: re.Match[str]) -> str:
    digits = re.sub(r"[\\%]+u", "", escaped[0])
    return bytes.fromhex(digits).decode("utf-16-be", "replace")


def _inside_base64(encoded: bytes) -> Iterable[str]:
    """What base64 of any text has of these bytes: they begin at one of three places of a byte."""
    for before in range(3):
        whole = bytes(before) + encoded
        own = slice(-(-before * 8 // 6), len(whole) * 8 // 6)  # letters with its bits alone
        yield b64encode(whole).decode()[own].casefold()
        yield urlsafe_b64encode(whole).decode()[own].casefold()


def _bytes(secret: str) -> bytes:
    return secret.encode("utf-8", "surrogateescape")


def _utf_16(secret: str) -> bytes:
    """As .NET and PowerShell encode it before they write base64."""
    return secret.encode("utf-16-le", "surrogatepass")
