"""Serves the desk of a project, until it is stopped."""

from collections.abc import Callable
from pathlib import Path
from threading import Event
from urllib.parse import urlencode

from msgspec import Struct

from trueup.errors import ConfigError, EngineError
from trueup.loopback import is_loopback
from trueup.model.desk import OidcSettings
from trueup.operations.project import load_project
from trueup.operations.user import current_user
from trueup.review.app import create_app
from trueup.review.app_server import AppServer
from trueup.review.background_tasks import Failures
from trueup.review.desk import Desk
from trueup.review.login import LOGIN, LogIn, TokenLogIn
from trueup.review.oidc import Provider
from trueup.review.pages import refusal, welcome
from trueup.review.sessions import Sessions, cookie_name
from trueup.review.site import Site, public_site
from trueup.review.team_login import DONE, TeamLogIn

TEAM_SESSION = 8 * 3600.0
"""Seconds for which a person of a team is logged in."""


class Team(Struct, frozen=True):
    """The proxies of a team's desk, as addresses or networks."""

    proxies: tuple[str, ...] = ()


class Surroundings(Struct, frozen=True):
    """The functions of the command that starts a desk."""

    scrub: Callable[[str], str]  # takes secrets out of a text
    report_fault: Callable[[Exception], None]  # reports a defect to the operator
    announce: Callable[[str], None]  # receives the address that opens the desk


class Server:
    """The desk at a port of its own."""

    def __init__(
        self, folder: Path, host: str, port: int, around: Surroundings, team: Team | None = None
    ) -> None:
        """Checks the project and binds the address; port 0 takes a free one.

        With a `team`, its people log in at their provider; otherwise one browser opens the desk,
        once. Raises ConfigError for an invalid project, EngineError if the address cannot be bound,
        or the team's desk cannot be served.
        """
        failures = Failures(around.scrub, around.report_fault)
        self.desk = Desk(folder, failures, listed_only=team is not None)
        settings = login_settings(folder) if team else None
        self._listening = AppServer(host, port)
        site = self._listening.site
        try:
            if team and (team.proxies or not is_loopback(host)):
                site = team_site(folder, team, site.port)
        except EngineError:
            self._listening.close()
            raise
        cookie = cookie_name(site.port)
        log_in: LogIn
        if settings is None:
            self.sessions = Sessions(current_user())
            log_in = TokenLogIn(self.sessions, cookie, refusal)
            self.login = f"{site.origin}{LOGIN}?{urlencode({'token': self.sessions.token})}"
        else:
            self.sessions = Sessions(seconds=TEAM_SESSION)
            log_in = TeamLogIn(
                self.sessions,
                Provider(settings, f"{site.origin}{DONE}"),
                cookie,
                welcome,
                refusal,
                lambda person: self.desk.people.refusal(person, "GET", "/"),
            )
            self.login = f"{site.origin}/"
        self._announce = around.announce
        self._app = create_app(self.desk, self.sessions, site, log_in)

    def run(self, stop: Event) -> None:
        """Serves until `stop` is set; stops an active run, and waits for it."""
        self._listening.serve(self._app, stop, self._begin, self.desk.run_control.close)

    def _begin(self) -> None:
        self.desk.first_plan()
        self._announce(self.login)


def login_settings(folder: Path) -> OidcSettings:
    """Returns the log-in settings. Raises EngineError or ConfigError if the project has none."""
    project = load_project(folder)
    settings = project.desk.login
    if settings is None:
        raise EngineError("--auth oidc needs `desk: {login: …}` in trueup.yaml: the provider")
    if project.approval is None:
        raise EngineError("--auth oidc needs `approval:` in trueup.yaml: who may do what")
    if settings.unset:
        raise ConfigError(settings.unset)
    return settings


def team_site(folder: Path, team: Team, port: int) -> Site:
    """Returns the site of a team's desk. Raises EngineError if it would be unencrypted."""
    address = load_project(folder).desk.address
    if not (address and team.proxies):
        raise EngineError(
            "other machines reach the desk over HTTPS only, through a proxy: name its address with "
            "--proxy, and the desk's public one as `desk: {address: …}` in trueup.yaml"
        )
    return public_site(address, team.proxies, port)
