"""The HTTP side of a sandbox: serves it at one address, with faults and control routes.

It goes down and comes back when a fault asks for it, and performs the writes that a fault delays.
"""

import sys
from threading import Event, Lock, Thread
from time import sleep

from trueup.errors import SandboxError
from trueup.loopback import is_loopback
from trueup.sandbox.http import control
from trueup.sandbox.http.control import ControlRoutes
from trueup.sandbox.http.fault_effects import ErrorStyle, Handler
from trueup.sandbox.http.faults import Database, Faults
from trueup.sandbox.http.listener import ClientHandler, Listener
from trueup.sandbox.http.request import Request
from trueup.sandbox.http.responses import Response
from trueup.sandbox.http.traffic import Traffic

_WARNING = """\
********************************************************************************
WARNING: the sandbox listens on {host}, so other machines can reach it. It has no
TLS. Anyone with the credentials of one of its users can read and change its data.
********************************************************************************
"""


_NO_ANSWER = (
    "The sandbox cannot answer: its database holds a value that it did not write, or it has a fault"
)


class SandboxServer:
    """Serves one sandbox. `faults` and `traffic` exist before it listens."""

    def __init__(self, database: Database, style: ErrorStyle) -> None:
        self.traffic = Traffic()
        self.faults = Faults(database, self._schedule, self.pause, style)
        self._style = style
        self._stopping = Event()
        self._down_for: float | None = None  # seconds
        self._thread: Thread | None = None
        self._scheduled: list[Thread] = []
        self._scheduled_lock = Lock()

    def listen(self, address: tuple[str, int], handler: ClientHandler) -> None:
        """Binds the address; port 0 takes a free port.

        Requests wait until `start` or `serve_forever` is called. Raises `SandboxError` if the
        address is in use.
        """
        self._handler = handler
        self._listener = self._bind(address)
        self._address = self._listener.address
        if not is_loopback(address[0]):
            sys.stderr.write(_WARNING.format(host=address[0]))

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        host, port = self._address
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def start(self) -> None:
        """Serves in a thread of its own."""
        self._thread = Thread(target=self.serve_forever, name="sandbox", daemon=True)
        self._thread.start()

    def serve_forever(self) -> None:
        """Serves until `close` is called, and restarts when a fault asks for it."""
        while not self._stopping.is_set():
            self._listener.handle_request()
            if self._down_for is not None:
                self._listener.stop()
                self.pause(self._down_for)
                self._down_for = None
                if not self._stopping.is_set():
                    self._listener = self._bind(self._address)

    def close(self) -> None:
        """Stops: cuts connections, waits for requests in progress, performs delayed writes now."""
        self._stopping.set()
        if self._thread is not None:
            self._listener.wake()
            self._thread.join()
        for thread in [*self._listener.stop(), *self._scheduled]:
            thread.join()

    def answer(
        self, request: Request, client: str, handle: Handler, routes: ControlRoutes
    ) -> Response:
        """Answers a request from a client's address, with faults, and records it.

        Control routes have no faults and are not recorded.
        """
        if request.path == control.PREFIX or request.path.startswith(f"{control.PREFIX}/"):
            return routes.answer(request, client)

        try:
            response = self.faults.handle(request, handle)
        except SandboxError as error:
            response = self._style.error(str(error))
        except Exception as error:  # noqa: BLE001 -- a value that no sandbox wrote, or a defect
            sys.stderr.write(f"sandbox: {request.verb} {request.path}: {error!r:.200}\n")
            response = self._style.error(f"{_NO_ANSWER} ({type(error).__name__})")
        self.traffic.add(
            request.verb,
            request.path,
            status=None if response.drop_connection else response.status,
            took_effect=response.took_effect,
            fault=response.fault,
        )
        if response.restart is not None:
            self._listener.down = True
            self._down_for = response.restart
        return response

    def pause(self, seconds: float) -> None:
        """Sleeps; `close` ends the pause early."""
        self._stopping.wait(seconds)

    def _bind(self, address: tuple[str, int]) -> Listener:
        # After a restart the port may take a moment to become free, so this tries for a second.
        last: OSError | None = None
        for _ in range(50):
            try:
                return Listener(address, self._handler)
            except OSError as error:
                last = error
                sleep(0.02)
        raise SandboxError(f"cannot listen on {address[0]}:{address[1]}: {last}")

    def _schedule(self, seconds: float, request: Request, proceed: Handler) -> None:
        def run() -> None:
            self.pause(seconds)
            took_effect = proceed(request).took_effect
            self.traffic.add(
                request.verb,
                request.path,
                status=None,
                took_effect=took_effect,
                fault="late, landed",
            )

        thread = Thread(target=run, daemon=True)
        thread.start()
        with self._scheduled_lock:
            alive = [other for other in self._scheduled if other.is_alive()]
            self._scheduled = [*alive, thread]
