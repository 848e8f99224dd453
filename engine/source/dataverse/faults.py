"""Answers that are none: Dataverse's own code and words in; errors in ours, short and without secrets, out.

The shape is `{"error": {"code": "0x…", "message": "…"}}`; the code is often empty, and is not the HTTP status.
"""

import json

from engine.errors import SourceError
from engine.source.values import clean

LONGEST = 400
"""Letters of another system's words that are shown; trace texts can be endless."""


class Refused(SourceError):
    """Dataverse said no, and will again: nothing was done."""

    def __init__(self, text: str, *, status: int, code: str = "") -> None:
        super().__init__(text)
        self.status, self.code = status, code


class Unavailable(SourceError):
    """No answer that can be trusted; a write may have been done all the same."""


def refusal(what: str, status: int, body: bytes) -> Refused:
    """The error for an answer with that status."""
    code, words = said(body)
    shown = " ".join(part for part in (f"HTTP {status}", code) if part)
    return Refused(f"{what}: {words} ({shown})", status=status, code=code)


def said(body: bytes) -> tuple[str, str]:
    """Dataverse's code, may be empty, and its words, one line."""
    text = body.decode("utf-8", "replace").strip()
    try:
        error = json.loads(text).get("error", {})
        code, words = str(error.get("code") or ""), str(error.get("message") or "")
    except (ValueError, AttributeError, RecursionError):
        code, words = "", "the answer is HTML, not JSON" if text.startswith("<") else "the answer is not JSON"
    return short(code), short(words) or "no reason given"


def short(text: str) -> str:
    """One line, no control characters, not too long."""
    line = " ".join(clean(text).split())
    return line if len(line) <= LONGEST else line[:LONGEST] + "…"
