"""The control API of a sandbox, under /sandbox: faults, recorded requests, the sandbox's own
routes.

Only programs on this machine may use it. `server` checks the client's address. A web page in a
browser on this machine has the same address, so a control request must also name this machine in
`Host` (a page may give its own name this machine's address), must not come from a page of another
origin, and must have the media type of JSON, which a page of another origin cannot send unasked.
"""

import json
from collections.abc import Callable, Mapping

from msgspec import Struct

from trueup.errors import SandboxError
from trueup.loopback import host_name, is_loopback
from trueup.sandbox.http import responses
from trueup.sandbox.http.faults import Faults
from trueup.sandbox.http.json_types import Json, JsonObject
from trueup.sandbox.http.request import Request
from trueup.sandbox.http.responses import HttpError, Response
from trueup.sandbox.http.traffic import Traffic

PREFIX = "/sandbox"
_MEDIA_TYPE = "application/json"

Action = Callable[[JsonObject], object]
"""What a route does: takes the request's JSON object, returns the document to send.

Raises `HttpError`, `SandboxError`, or the errors of an access to JSON that has another shape.
"""

Actions = Mapping[tuple[str, str], Action]
"""Actions by verb and by name below /sandbox."""


class ControlRoutes(Struct, frozen=True):
    """The control routes of one sandbox. GET /sandbox shows `overview` and lists the routes."""

    overview: Callable[[], JsonObject]
    actions: Actions

    def answer(self, request: Request, client: str) -> Response:
        """Answers a control request from a client's address.

        403 if the sender may not use it, 404 for an unknown route, 415 for another media type, 400
        for a body that does not fit.
        """
        refusal = _refusal(request, client)
        if refusal:
            return responses.errors([refusal], status=403)
        return self._answer(request)

    def _answer(self, request: Request) -> Response:
        name = request.path.removeprefix(PREFIX).strip("/")
        action = self.actions.get((request.verb, name))
        if (request.verb, name) == ("GET", ""):
            action = self._overview
        if action is None:
            return responses.as_json({"routes": self.routes()}, status=404)

        try:
            return responses.as_json(action(_body(request)))
        except HttpError as error:
            return responses.errors(error.texts, status=error.status)
        except SandboxError as error:
            return responses.errors([str(error)], status=400)
        except KeyError as error:
            return responses.errors([f"the body has no {error}"], status=400)
        except (TypeError, ValueError, ArithmeticError) as error:
            return responses.errors([f"the body does not have the right form: {error}"], status=400)

    def routes(self) -> list[str]:
        """Lists the routes, such as `POST /sandbox/faults`."""
        return sorted(f"{verb} {PREFIX}/{name}" for verb, name in [("GET", ""), *self.actions])

    def _overview(self, _body: JsonObject) -> object:
        return {**self.overview(), "routes": self.routes()}


def _refusal(request: Request, client: str) -> str:
    """Returns why the sender may not use control routes; an empty text if it may."""
    host = request.headers.get("host", "")  # a browser always sends it
    if not is_loopback(client):
        return "Control routes can only be used from this machine."
    if host and not is_loopback(host_name(host)):
        return "Control routes can only be used with a Host of this machine, such as localhost."
    if request.headers.get("origin", f"http://{host}") != f"http://{host}":
        return "Control routes cannot be used by web pages of another origin."
    if request.headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
        return "Control routes cannot be used by web pages of another origin."
    return ""


def _body(request: Request) -> JsonObject:
    # A page of another origin can send neither GET with a body nor DELETE without being asked for.
    needs_type = request.verb != "GET" and (request.verb != "DELETE" or bool(request.body))
    media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if needs_type and media_type != _MEDIA_TYPE:
        raise HttpError(f"Content-Type must be {_MEDIA_TYPE}.", status=415)

    try:
        body = json.loads(request.body, parse_constant=_refuse) if request.body.strip() else {}
    except RecursionError:
        raise HttpError("The body is nested too deeply.") from None
    if not isinstance(body, dict):
        raise HttpError("The body must be a JSON object.")
    return body


def _refuse(constant: str) -> Json:
    """Refuses NaN and Infinity, which Python's reader would accept."""
    raise ValueError(f"{constant} is not JSON")


def common_actions(faults: Faults, traffic: Traffic) -> Actions:
    """Returns the actions that every sandbox has: set and clear faults, show recorded requests."""

    def clear_faults(body: JsonObject) -> object:
        faults.clear(body.get("id"))
        return {"faults": faults.known()}

    def clear_traffic(_body: JsonObject) -> object:
        traffic.clear()
        return {"done": True}

    return {
        ("GET", "faults"): lambda _: {"faults": faults.known()},
        ("POST", "faults"): lambda body: {"id": faults.set(body)},
        ("DELETE", "faults"): clear_faults,
        ("GET", "requests"): lambda _: {"requests": traffic.latest(), "counts": traffic.counts()},
        ("DELETE", "requests"): clear_traffic,
    }
