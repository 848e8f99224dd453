"""The desk of a fleet, on this machine: one browser opens it, and acts as who started it."""

from collections.abc import Callable
from http import HTTPStatus
from threading import Event
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trueup.errors import EngineError
from trueup.fleet.open_fleet import OpenFleet
from trueup.operations.user import current_user
from trueup.render.report import ReasonText, pieces
from trueup.review import fleet_pages
from trueup.review.app import no_page_text, script_page, style_page
from trueup.review.fleet_pages import FleetDesk, fleet_desk_of, fleet_failure
from trueup.review.gate import CSS, Answers, Gate
from trueup.review.listening import Listening
from trueup.review.login import LOGIN, TokenLogIn
from trueup.review.pages import refusal
from trueup.review.server import Surroundings
from trueup.review.sessions import Sessions, cookie_name
from trueup.review.works import Failures


class FleetServer:
    """The desk of a fleet at a port of its own."""

    def __init__(self, opened: OpenFleet, port: int, around: Surroundings) -> None:
        """Takes the port; 0 takes a free one. Raises EngineError where it cannot be had."""
        with opened.connect() as connection:
            opened.prepare(connection)
        self._listening = Listening("127.0.0.1", port)
        site = self._listening.site
        sessions = Sessions(current_user())
        self.login = f"{site.origin}{LOGIN}?{urlencode({'token': sessions.token})}"
        desk = FleetDesk(opened, Failures(around.scrub, around.report_fault))
        log_in = TokenLogIn(sessions, cookie_name(site.port), refusal)
        answers = Answers(refusal, around.report_fault, lambda _person, _method, _path: "")
        self._app = Gate(_app(desk), sessions, site, log_in, answers)
        self._announce = around.announce

    def run(self, stop: Event) -> None:
        """Serves until `stop` is set."""
        self._listening.serve(self._app, stop, lambda: self._announce(self.login), lambda: None)


def _app(desk: FleetDesk) -> Starlette:
    shown: dict[str, Callable[[Request], Response]] = {
        "/": fleet_pages.tenants,
        "/tenant": fleet_pages.tenant,
        "/plan": fleet_pages.plan,
        CSS: style_page,
        "/desk.js": script_page("desk.js"),
    }
    actions = {"/run": fleet_pages.run, "/approve": fleet_pages.approve}
    app = Starlette(
        routes=[
            *(Route(path, _guarded(handler), methods=["GET"]) for path, handler in shown.items()),
            *(Route(path, _guarded(each), methods=["POST"]) for path, each in actions.items()),
        ],
        exception_handlers={HTTPException: _no_page},
    )
    app.state.desk = desk
    return app


def _guarded(handler: Callable[[Request], Response]) -> Callable[[Request], Response]:
    """The handler, with a page for every error: no traceback and no secret reaches a browser."""

    def handle(request: Request) -> Response:
        try:
            return handler(request)
        except Exception as error:  # noqa: BLE001 -- shown on the page, and a defect on stderr too
            is_ours = not isinstance(error, EngineError | OSError)
            status = HTTPStatus.INTERNAL_SERVER_ERROR if is_ours else HTTPStatus.CONFLICT
            return fleet_failure(request, fleet_desk_of(request).failures.of(error), status)

    return handle


def _no_page(request: Request, error: Exception) -> Response:
    status, text = no_page_text(error)
    return fleet_failure(request, (ReasonText(pieces(text), (), ""),), status)
