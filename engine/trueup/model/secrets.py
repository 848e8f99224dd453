"""Hides secrets in text that a server has written, in all forms in which it may repeat them.

Parse first, then hide, then shorten: JSON may escape any letter, and of a secret that was cut in
two, nothing is found.
"""

import html
import json
import re
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

HIDDEN = "…"

SHORTEST = 4
"""A shorter value would hide ordinary words."""

_ESCAPE = re.compile(r"%[0-9A-F]{2}")


def forms(secret: str) -> set[str]:
    """Returns a secret as text may have it: plain, in JSON, Python, a URL, HTML or base64."""
    encoded = secret.encode("utf-8", "surrogateescape")
    in_addresses = {quote(encoded), quote(encoded, safe=""), quote_plus(encoded)}
    in_addresses |= {_ESCAPE.sub(lambda one: one[0].lower(), form) for form in in_addresses}
    in_base64 = {code(encoded).decode().rstrip("=") for code in (b64encode, urlsafe_b64encode)}
    return {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        repr(secret)[1:-1],
        html.escape(secret),
        html.escape(secret, quote=False),
        html.escape(secret).replace("&#x27;", "&#39;"),
        *in_addresses,
        *in_base64,
    }


def hide(
    text: str, secrets: Iterable[str], *, shortest: int = SHORTEST, hidden: str = HIDDEN
) -> str:
    """Returns the text without these secrets, in any form; the longest form goes first.

    Secrets of fewer than `shortest` characters stay: they are parts of ordinary words.
    """
    found = {form for secret in secrets if len(secret) >= shortest for form in forms(secret)}
    for form in sorted(found, key=len, reverse=True):
        text = text.replace(form, hidden)
    return text
