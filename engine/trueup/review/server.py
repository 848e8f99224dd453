"""Serves the desk on this machine, until it is asked to stop."""

import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from urllib.parse import urlencode

import uvicorn

from trueup.errors import EngineError
from trueup.operations.user import current_user
from trueup.review.app import create_app
from trueup.review.desk import Desk
from trueup.review.login import LOGIN, TokenLogIn
from trueup.review.pages import refusal
from trueup.review.sessions import Sessions, cookie_name
from trueup.review.site import Site
from trueup.review.works import Failures

GRACE = 5
"""Seconds in which open requests may end when the server stops."""

POLL = 0.2
"""Seconds between two looks at whether the server is still there."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the desk asks of the command that starts it."""

    scrub: Callable[[str], str]  # takes secrets out of a text
    report_fault: Callable[[Exception], None]  # tells the operator of a defect
    announce: Callable[[str], None]  # takes the address that opens the desk


class Server:
    """The desk at a port of its own."""

    def __init__(self, folder: Path, host: str, port: int, around: Surroundings) -> None:
        """Checks the project and binds the address; port 0 takes a free one.

        Raises ConfigError for a project that cannot be used, EngineError where the address cannot
        be bound.
        """
        self.desk = Desk(folder, Failures(around.scrub, around.report_fault))
        self._socket = _bind(host, port)
        shown = f"[{host}]" if ":" in host else host
        address = f"{shown}:{self._socket.getsockname()[1]}"
        self.sessions = sessions = Sessions(current_user())
        site = Site(address, port=self._socket.getsockname()[1])
        log_in = TokenLogIn(sessions, cookie_name(site.port), refusal)
        self.login = f"http://{address}{LOGIN}?{urlencode({'token': sessions.token})}"
        self._announce = around.announce
        self._server = uvicorn.Server(
            uvicorn.Config(
                create_app(self.desk, sessions, site, log_in),
                http="h11",
                ws="none",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                log_level="critical",
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=GRACE,
            )
        )

    def run(self, stop: Event) -> None:
        """Serves until `stop` is set; a run at work is stopped, and waited for.

        The caller's thread handles signals, so the server has a thread of its own.
        """
        thread = Thread(target=self._server.run, args=([self._socket],), name="desk", daemon=True)
        thread.start()
        self.desk.first_plan()
        self._announce(self.login)
        while thread.is_alive() and not stop.wait(POLL):
            pass
        self.desk.close()
        self._server.should_exit = True
        thread.join()
        self._socket.close()
        if not stop.is_set():
            raise EngineError("the desk's server ended by itself: start `trueup review` again")


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        with suppress(OSError):
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen()
    except OSError as error:
        listening.close()
        why = error.strerror or error
        raise EngineError(
            f"the desk cannot listen on {host}:{port}: {why}; another --port, or 0 for a free one"
        ) from error
    return listening
