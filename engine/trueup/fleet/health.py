"""Serves a worker's health and metrics over HTTP, for a supervisor and for Prometheus.

`/healthz`: 200 while the worker's loop runs; a supervisor restarts the worker otherwise. `/readyz`:
200 while the worker takes jobs, which it does not while its database is away. `/metrics`: metrics
in the text format of Prometheus.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from time import monotonic

from trueup.errors import EngineError
from trueup.fleet.metrics import CONTENT_TYPE, WorkerMetrics

STUCK = 120.0
"""Seconds without a round after which a loop counts as stuck; a round takes one second."""


class Pulse:
    """When the worker's loop ran last, and whether the worker takes jobs."""

    def __init__(self) -> None:
        self._at = monotonic()
        self.is_ready = False

    def beat(self, *, is_ready: bool) -> None:
        """Records that the loop runs; called in each round."""
        self._at, self.is_ready = monotonic(), is_ready

    @property
    def is_alive(self) -> bool:
        """Returns whether the loop has run recently."""
        return monotonic() - self._at < STUCK


@contextmanager
def serving(host: str, port: int, pulse: Pulse, metrics: WorkerMetrics) -> Iterator[str]:
    """Serves the three pages inside the block; yields their address.

    Port 0 takes a free port. Raises EngineError if the port cannot be taken.
    """
    pages: dict[str, Callable[[], tuple[HTTPStatus, bytes]]] = {
        "/healthz": lambda: _state(is_good=pulse.is_alive, bad=b"the worker's loop is stuck\n"),
        "/readyz": lambda: _state(
            is_good=pulse.is_alive and pulse.is_ready, bad=b"the database is away\n"
        ),
        "/metrics": lambda: (HTTPStatus.OK, metrics.text()),
    }

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            page = pages.get(self.path.partition("?")[0])
            status, body = page() if page else (HTTPStatus.NOT_FOUND, b"not found\n")
            self.send_response(status)
            self.send_header("Content-Type", CONTENT_TYPE)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Logs nothing: monitors send a request every few seconds."""

    try:
        server = ThreadingHTTPServer((host, port), Handler)
    except OSError as error:
        raise EngineError(f"{host}:{port} cannot be listened on: {error.strerror}") from error
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _state(*, is_good: bool, bad: bytes) -> tuple[HTTPStatus, bytes]:
    return (HTTPStatus.OK, b"ok\n") if is_good else (HTTPStatus.SERVICE_UNAVAILABLE, bad)
