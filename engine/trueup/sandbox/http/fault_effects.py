"""What each kind of fault does with a request, and how a sandbox words its errors."""

from collections.abc import Callable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from trueup.sandbox.http.fault import Fault
from trueup.sandbox.http.json_types import Json
from trueup.sandbox.http.request import Request
from trueup.sandbox.http.responses import HTML_TYPE, Response

PAGES = frozenset({"twice", "skip", "empty", "half"})
"""What the kind `page` can do to a page of rows."""

_HTML = b"""<!DOCTYPE html>
<html><head><title>Service Unavailable</title></head>
<body><h2>Service Unavailable</h2></body></html>
"""

Handler = Callable[[Request], Response]
"""Handles a request."""

Schedule = Callable[[float, Request, Handler], None]
"""Handles a request after so many seconds, and discards the response."""


class ActiveFault(Struct, frozen=True):
    """One fault that hits one request."""

    fault: Fault
    pause: float  # seconds
    proceed: Handler  # handles the request as if there were no fault
    schedule: Schedule
    sleep: Callable[[float], None]
    style: "ErrorStyle"

    def write_first(self, request: Request) -> bool:
        """Handles the request now if the fault comes after it; returns whether it changed a row."""
        return self.fault.when == "after" and self.proceed(request).took_effect


Effect = Callable[[ActiveFault, Request], Response]


class ErrorStyle(Struct, frozen=True):
    """How one service words its errors, and the kinds of faults that only this service has."""

    busy: Callable[[int], Response]  # a response to come back after so many seconds; 0: unspecified
    error: Callable[[str], Response]  # an error with this text; "": the service's usual fault
    row_id: Callable[[Json], int | str] = int  # reads a row's id; raises ValueError if it is none
    own_kinds: Mapping[str, Effect] = {}

    @property
    def kinds(self) -> Mapping[str, Effect]:
        """Effects by kind, the shared ones and the service's own."""
        return {**KINDS, **self.own_kinds}


def _latency(active: ActiveFault, request: Request) -> Response:
    """Adds a pause. The work itself sleeps, so that a slow request counts as one at a time."""
    before, after = request.slow
    if active.fault.when == "after":
        after += active.pause
    else:
        before += active.pause
    return active.proceed(replace(request, slow=(before, after)))


def _drop(active: ActiveFault, request: Request) -> Response:
    """Drops the connection without a response."""
    took_effect = active.write_first(request)
    active.sleep(active.pause)
    return Response(drop_connection=True, reset=active.fault.reset, took_effect=took_effect)


def _late(active: ActiveFault, request: Request) -> Response:
    """Drops the connection at once; a write takes effect seconds later."""
    active.schedule(active.pause, request, active.proceed)
    return Response(drop_connection=True, reset=active.fault.reset)


def _empty(active: ActiveFault, request: Request) -> Response:
    """Sends a status without a body."""
    return Response(status=active.fault.status or 500, took_effect=active.write_first(request))


def _busy(active: ActiveFault, request: Request) -> Response:
    """Sends 429, with the pause as Retry-After."""
    return _with_status(active, request, active.style.busy(int(active.pause)))


def _html(active: ActiveFault, request: Request) -> Response:
    """Sends an HTML page, as a proxy does."""
    took_effect = active.write_first(request)
    status = active.fault.status or 200
    return Response(status=status, body=_HTML, content_type=HTML_TYPE, took_effect=took_effect)


def _truncate(active: ActiveFault, request: Request) -> Response:
    """Sends half of the body, with the length of that half or of the whole."""
    response = active.proceed(request)
    half = response.body[: len(response.body) // 2]
    length = len(half) if active.fault.announce else len(response.body)
    return replace(response, body=half, content_length=length)


def _page(active: ActiveFault, request: Request) -> Response:
    """Repeats, skips, empties or halves a page of rows; the reader of each sandbox does this."""
    return active.proceed(replace(request, paging=active.fault.page))


def _hide(active: ActiveFault, request: Request) -> Response:
    """Hides rows, as a restricted permission does."""
    hidden = dict(request.hidden)
    for entity, ids in active.fault.hide.items():
        hidden[entity] = hidden.get(entity, frozenset()) | ids
    return active.proceed(replace(request, hidden=hidden))


def _restart(active: ActiveFault, request: Request) -> Response:
    """The server goes down for so many seconds and comes back at the same address."""
    took_effect = active.write_first(request)
    return Response(
        drop_connection=True,
        reset=active.fault.reset,
        took_effect=took_effect,
        restart=active.pause,
    )


def _error(active: ActiveFault, request: Request) -> Response:
    """Sends an error of the service in its usual form: the fault's text, or else a time-out."""
    return _with_status(active, request, active.style.error(active.fault.text))


def _with_status(active: ActiveFault, request: Request, response: Response) -> Response:
    took_effect = active.write_first(request)
    return replace(response, status=active.fault.status or response.status, took_effect=took_effect)


def _twice(active: ActiveFault, request: Request) -> Response:
    """Delivers the request twice, as a gateway that repeats it; sends the second response."""
    first = active.proceed(request)
    second = active.proceed(request)
    return replace(second, took_effect=first.took_effect or second.took_effect)


KINDS: dict[str, Effect] = {
    "latency": _latency,
    "drop": _drop,
    "late": _late,
    "empty": _empty,
    "busy": _busy,
    "html": _html,
    "truncate": _truncate,
    "page": _page,
    "hide": _hide,
    "restart": _restart,
    "error": _error,
    "twice": _twice,
}
"""The kinds that every sandbox has."""
