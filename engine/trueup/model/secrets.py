"""Hides secrets in text that a server has written, in all forms in which it may repeat them.

Parse first, then hide, then shorten: JSON may escape any letter, and of a secret that was cut in
two, only what stands beside an ellipsis is found.
"""

import html
import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Collection, Iterable
from urllib.parse import quote, quote_plus, unquote

HIDDEN = "(hidden)"

SHORTEST = 4
"""A shorter value would hide ordinary words."""

LONG = 8
"""Shorter values are hidden only as whole words: a part of a name (`trueup-demo`) is no secret."""

_DEPTH = 8
"""How many encodings around each other are undone."""

_ESCAPED = re.compile(r"(?:(?<!\\)\\++u[0-9a-fA-F]{4})+")
_SPACE = re.compile(r"(?:[\s\0]|(?<!\\)\\++[rnt])+")
"""The expressions never go back: a text may be megabytes of backslashes."""

_ELLIPSIS = "…"
"""What stands where a text was shortened; `errors.shortened_line` has more around it."""


def forms(secret: str) -> set[str]:
    """Returns a secret as text may have it: plain, in JSON, Python, a URL, HTML or base64."""
    encoded = secret.encode("utf-8", "surrogateescape")
    in_base64 = {code(encoded).decode().rstrip("=") for code in (b64encode, urlsafe_b64encode)}
    return {
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
        *in_base64,
    }


def hide(text: str, secrets: Iterable[str]) -> str:
    """Returns the text without these secrets, in any form.

    The whole text is hidden if it has one in a form in which its place cannot be told: encoded
    twice or letter by letter, broken into lines, or as a part of what is in base64.
    """
    wanted = {secret for secret in secrets if len(secret) >= SHORTEST}
    text = hide_forms(text, {form for secret in wanted for form in forms(secret)})
    plain = _plain(text)
    traces = {trace for secret in wanted if len(secret) >= LONG for trace in _traces(secret)}
    return HIDDEN if any(trace in plain for trace in traces) else text


def hide_forms(text: str, known: Collection[str]) -> str:
    """Returns the text without these forms of secrets; the longest goes first.

    Long ones are hidden in capital and in small letters. The beginning of one before an ellipsis
    is hidden, too, and its end after one.
    """
    lowered = text.lower()
    for form in sorted(known, key=len, reverse=True):
        if form.lower() in lowered:
            text = _pattern(form).sub(HIDDEN, text)
            lowered = text.lower()
    return _without_cut_forms(text, [form.lower() for form in known if len(form) >= LONG])


def _pattern(form: str) -> re.Pattern[str]:
    if len(form) >= LONG:
        return re.compile(re.escape(form), re.IGNORECASE)
    return re.compile(rf"(?<![\w@.-]){re.escape(form)}(?![\w@-]|\.\w)")


def _without_cut_forms(text: str, known: Iterable[str]) -> str:
    """Hides the beginning of a form before an ellipsis, and its end after one."""
    if _ELLIPSIS not in text:
        return text
    for form in known:
        beginning, end = re.escape(form[:SHORTEST]), re.escape(form[-SHORTEST:])
        rest = f"{{0,{len(form)}}}?"
        for pattern, is_part in (
            (rf"()({beginning}(?:(?!{beginning})[^…]){rest})(?=…| \[…)", form.startswith),
            (rf"(characters…\] )([^…]{rest}{end})", form.endswith),
        ):
            text = re.sub(pattern, _hiding(is_part), text, flags=re.IGNORECASE)
    return text


def _hiding(is_part: Callable[[str], bool]) -> Callable[[re.Match[str]], str]:
    return lambda found: found[1] + HIDDEN if is_part(found[2].lower()) else found[0]


def _traces(secret: str) -> set[str]:
    """What `_plain` makes of texts that hold a secret in any encoding."""
    return {_plain(secret), *map(_plain, _inside_base64(secret))}


def _plain(text: str) -> str:
    """Returns a text with all encodings undone, for comparison: in small letters, without spaces.

    A `+` may stand for a space, and a backslash before any letter.
    """
    for _ in range(_DEPTH):
        before = text
        for decoded in (_without_escapes, _without_entities, unquote):
            text = decoded(_SPACE.sub("", text))
        if text == before:
            break
    return text.replace("\\", "").replace("+", "").casefold()


def _without_entities(text: str) -> str:
    try:
        return html.unescape(text)
    except ValueError:  # a number of thousands of digits
        return text


def _without_escapes(text: str) -> str:
    return _ESCAPED.sub(_unescaped, text)


def _unescaped(escaped: re.Match[str]) -> str:
    digits = re.sub(r"\\+u", "", escaped[0])
    return bytes.fromhex(digits).decode("utf-16-be", "replace")


def _inside_base64(secret: str) -> Iterable[str]:
    """What base64 of any text has of a secret in it: it begins at one of three places of a byte."""
    encoded = secret.encode("utf-8", "surrogateescape")
    for before in range(3):
        whole = bytes(before) + encoded
        own = slice(-(-before * 8 // 6), len(whole) * 8 // 6)  # letters with its bits alone
        yield b64encode(whole).decode()[own]
        yield urlsafe_b64encode(whole).decode()[own]
