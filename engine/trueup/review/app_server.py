"""Serves an app at a port of this machine until it is stopped."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

import uvicorn
from starlette.types import ASGIApp

from trueup.errors import EngineError
from trueup.review.site import Site

GRACE = 5
"""Seconds in which open requests may end when the server stops."""

POLL = 0.2
"""Seconds between checks whether the server still runs."""


class AppServer:
    """A port that is taken; `serve` answers requests to it."""

    def __init__(self, host: str, port: int) -> None:
        """Takes the port; 0 takes a free one. Raises EngineError if it cannot be taken."""
        self._socket = _bind(host, port)
        self.port: int = self._socket.getsockname()[1]
        shown = f"[{host}]" if ":" in host else host
        self.site = Site(f"{shown}:{self.port}", port=self.port)

    def close(self) -> None:
        """Releases the port."""
        self._socket.close()

    def serve(
        self, app: ASGIApp, stop: Event, begin: Callable[[], None], end: Callable[[], None]
    ) -> None:
        """Serves until `stop` is set. Calls `begin` after the start, and `end` before the stop.

        Raises EngineError if the server ends by itself.
        """
        with self._answering(app) as server:
            begin()
            while server.is_alive() and not stop.wait(POLL):
                pass
            end()
        if not stop.is_set():
            raise EngineError("the desk's server ended by itself: start the command again")

    @contextmanager
    def _answering(self, app: ASGIApp) -> Iterator[Thread]:
        """Runs the server in a thread: the caller's thread handles signals."""
        server = uvicorn.Server(
            uvicorn.Config(
                app,
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
        thread = Thread(target=server.run, args=([self._socket],), name="desk", daemon=True)
        thread.start()
        yield thread
        server.should_exit = True
        thread.join()
        self._socket.close()


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
