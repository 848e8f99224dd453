"""Responses in Autotask's forms. Source: docs/explanation/autotask.md, section 4."""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from trueup.sandbox.http.fault_effects import ActiveFault, ErrorStyle
from trueup.sandbox.http.request import Request
from trueup.sandbox.http.responses import HTML_TYPE, HttpError, Response, as_json, errors

_NOT_FOUND = b"""<!DOCTYPE html>
<html>
<head><title>404 - File or directory not found.</title></head>
<body>
<h1>Server Error</h1>
<h2>404 - File or directory not found.</h2>
<p>The resource you are looking for might have been removed, had its name changed, or is \
temporarily unavailable.</p>
</body>
</html>
"""


class AutotaskError(HttpError):
    """Autotask refuses a request, nearly always with status 500; `texts` are its messages."""

    def __init__(
        self, *texts: str, status: int = 500, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(*texts, status=status, headers=headers)


def error_response(error: HttpError) -> Response:
    """Returns the response for an error; 401 has no body."""
    if error.status == 401:  # noqa: PLR2004 -- an HTTP status is its own name
        return Response(status=401, body=b"", headers=error.headers)
    return errors(error.texts, status=error.status, headers=error.headers)


def not_found() -> Response:
    """Returns the response for an unknown address: the web server's HTML page, not JSON."""
    return Response(status=404, body=_NOT_FOUND, content_type=HTML_TYPE)


def method_not_allowed(verb: str, allowed: Sequence[str]) -> Response:
    """Returns 405 with the message that clients have received from Autotask."""
    text = f"The requested resource does not support http method '{verb}'."
    body = as_json({"Message": text}).body
    return Response(status=405, body=body, headers={"Allow": ", ".join(allowed)})


def _busy(seconds: int) -> Response:
    headers = {"Retry-After": str(seconds)} if seconds else {}
    return errors(["Too many requests."], status=429, headers=headers)


def _error(text: str) -> Response:
    return errors([text or "The operation has timed out."], status=500)


def _no_effect(active: ActiveFault, request: Request) -> Response:
    """Answers a write with its id and changes nothing, as where a workflow rule undoes it."""
    return active.proceed(replace(request, discarded=True))


def _kept_otherwise(active: ActiveFault, request: Request) -> Response:
    """Answers a write with its id and keeps other values: in capitals, rounded, null ignored."""
    return active.proceed(replace(request, keeping=(active.fault.keep, active.fault.fields)))


ERROR_STYLE = ErrorStyle(
    _busy, _error, own_kinds={"no_effect": _no_effect, "kept_otherwise": _kept_otherwise}
)
"""How faults word Autotask's errors, and the kinds of faults that only Autotask has."""
