"""Serves the desk of a fleet on this machine to one browser, as the user who started it."""

from threading import Event
from urllib.parse import urlencode

from starlette.applications import Starlette

from trueup.fleet.open_fleet import OpenFleet
from trueup.operations.user import current_user
from trueup.review import fleet_pages
from trueup.review.app_server import AppServer
from trueup.review.background_tasks import Failures
from trueup.review.desk_app import Handler, desk_app, script_page
from trueup.review.fleet_pages import FleetDesk, fleet_failure
from trueup.review.gate import Answers, Gate
from trueup.review.login import LOGIN, TokenLogIn
from trueup.review.pages import refusal
from trueup.review.server import Surroundings
from trueup.review.sessions import Sessions, cookie_name


class FleetServer:
    """The desk of a fleet at a port of its own."""

    def __init__(self, opened: OpenFleet, port: int, around: Surroundings) -> None:
        """Takes the port; 0 takes a free one. Raises EngineError if it cannot be taken."""
        with opened.connect() as connection:
            opened.prepare(connection)
        self._listening = AppServer("127.0.0.1", port)
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
    shown: dict[str, Handler] = {
        "/": fleet_pages.tenants,
        "/tenant": fleet_pages.tenant,
        "/plan": fleet_pages.plan,
        "/desk.js": script_page("desk.js"),
    }
    actions: dict[str, Handler] = {"/run": fleet_pages.run, "/approve": fleet_pages.approve}
    app = desk_app(shown, actions, desk.failures, fleet_failure)
    app.state.desk = desk
    return app
