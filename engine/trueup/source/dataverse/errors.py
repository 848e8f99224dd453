"""Faults of the service: Dataverse's own codes and messages, short and without secrets.

The body of an error is `{"error": {"code": "0x…", "message": "…"}}`. The code is often empty, and
is not the HTTP status (docs/explanation/work365.md, section 6.6).
"""

import json
from collections.abc import Collection

from trueup.errors import SourceError
from trueup.model.secrets import hidden_line

LONGEST_MESSAGE = 400
"""Characters of a message of another system that are shown; trace texts can be very long."""


class MalformedBody(Exception):
    """The body of a successful response is not what it must be. The text is the reason."""


class DataverseRefused(SourceError):
    """Dataverse refused the request, nothing was done, and a repeat will not help."""

    def __init__(self, text: str, *, status: int, code: str = "") -> None:
        super().__init__(text)
        self.status, self.code = status, code


class DataverseUnavailable(SourceError):
    """There is no response that can be trusted; a write may have been done."""


def refusal(what: str, status: int, code: str, message: str) -> DataverseRefused:
    """Returns the error for a response with that HTTP status; `what` names the request."""
    details = " ".join(part for part in (f"HTTP {status}", code) if part)
    return DataverseRefused(f"{what}: {message} ({details})", status=status, code=code)


def error_of(body: bytes, secrets: Collection[str]) -> tuple[str, str]:
    """Returns Dataverse's code, which may be empty, and its message on one line.

    `secrets` are hidden in case the server repeats them: in the parsed texts, as JSON may escape
    any letter.
    """
    text = body.decode("utf-8", "replace").strip()
    try:
        error = json.loads(text).get("error", {})
        code, message = str(error.get("code") or ""), str(error.get("message") or "")
    except (ValueError, AttributeError, RecursionError):
        code = ""
        message = (
            "the answer is HTML, not JSON" if text.startswith("<") else "the answer is not JSON"
        )
    code, message = (hidden_line(part, secrets, LONGEST_MESSAGE) for part in (code, message))
    return code, message or "no reason given"
