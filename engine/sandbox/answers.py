"""What goes back over the wire, in Autotask's shapes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

JSON_TYPE = "application/json; charset=utf-8"
HTML_TYPE = "text/html"

_NOT_FOUND = b"""<!DOCTYPE html>
<html>
<head><title>404 - File or directory not found.</title></head>
<body>
<h1>Server Error</h1>
<h2>404 - File or directory not found.</h2>
<p>The resource you are looking for might have been removed, had its name changed, or is temporarily unavailable.</p>
</body>
</html>
"""


class Refused(Exception):
    """Autotask says no; `texts` are its words. Nothing has taken effect."""

    def __init__(self, *texts: str, status: int = 500, headers: Mapping[str, str] | None = None) -> None:
        super().__init__("; ".join(texts))
        self.texts = texts
        self.status = status
        self.headers = dict(headers or {})


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, ready to send."""

    status: int = 200
    body: bytes = b""
    content_type: str = JSON_TYPE
    headers: Mapping[str, str] = field(default_factory=dict)
    took_effect: bool = False  # a write was committed
    cut_line: bool = False  # send no answer: the connection goes away
    reset: bool = False  # … with a reset, not an orderly end
    announce: int | None = None  # Content-Length to claim, where it is not the body's
    restart: float | None = None  # the server goes down after this, for so many seconds
    fault: str = ""  # which faults shaped it, for the request log


def as_json(document: object, *, status: int = 200, took_effect: bool = False) -> Answer:
    """A JSON answer."""
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return Answer(status=status, body=body, took_effect=took_effect)


def errors(texts: Sequence[str], *, status: int = 500, headers: Mapping[str, str] | None = None) -> Answer:
    """Autotask's error shape, which comes with HTTP 500 nearly always."""
    body = json.dumps({"errors": list(texts)}, ensure_ascii=False, separators=(",", ":"))
    return Answer(status=status, body=body.encode("utf-8", "replace"), headers=headers or {})


def refusal(refused: Refused) -> Answer:
    """The answer that a refusal becomes."""
    if refused.status == 401:  # noqa: PLR2004 -- an HTTP status is its own name
        return Answer(status=401, body=b"", headers=refused.headers)
    return errors(refused.texts, status=refused.status, headers=refused.headers)


def busy(seconds: int) -> Answer:
    """Too many requests; when to come back, where it says that."""
    headers = {"Retry-After": str(seconds)} if seconds else {}
    return errors(["Too many requests."], status=429, headers=headers)


def timed_out() -> Answer:
    """A fault of the service itself."""
    return errors(["The operation has timed out."])


def not_found() -> Answer:
    """An entity or route that is not there: the web server's own page, no JSON."""
    return Answer(status=404, body=_NOT_FOUND, content_type=HTML_TYPE)


def wrong_verb(verb: str, allowed: Sequence[str]) -> Answer:
    """405, in the words that clients have met."""
    text = f"The requested resource does not support http method '{verb}'."
    answer = as_json({"Message": text}, status=405)
    return Answer(status=405, body=answer.body, headers={"Allow": ", ".join(allowed)})
