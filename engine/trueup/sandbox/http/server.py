"""An address at which a sandbox answers: faults and control routes first, then what it does.

It goes down and comes back where a fault says so, and lands the writes that a fault delays.
"""

import sys
from contextlib import suppress
from ipaddress import ip_address
from threading import Event, Lock, Thread
from time import sleep

from engine.errors import SandboxError
from engine.sandbox import answers, control
from engine.sandbox.answers import Answer
from engine.sandbox.control import Control
from engine.sandbox.faults import Faults, Kept, Manner, Proceed
from engine.sandbox.listener import Answerer, Listener
from engine.sandbox.request import Request
from engine.sandbox.traffic import Traffic

_WARNING = """\
********************************************************************************
WARNING: the sandbox listens on {host}, so other machines can reach it. It has no
TLS, and whoever knows a user of it can read and change all that is in it.
********************************************************************************
"""


class Serving:
    """What every sandbox has around what it does. `faults` and `traffic` are there from the start."""

    def __init__(self, store: Kept, manner: Manner) -> None:
        self.traffic = Traffic()
        self.faults = Faults(store, self._later, self.pause, manner)
        self._stopping = Event()
        self._away_for: float | None = None
        self._thread: Thread | None = None
        self._late: list[Thread] = []
        self._late_lock = Lock()

    def listen(self, address: tuple[str, int], answerer: Answerer) -> None:
        """Takes the address; requests wait until `start` or `serve_forever`. Raises SandboxError."""
        self._answerer = answerer
        self._listener = self._listen(address)
        self._place = self._listener.place
        if not _is_loopback(address[0]):
            sys.stderr.write(_WARNING.format(host=address[0]))

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        host, port = self._place
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def start(self) -> None:
        """Serves in a thread of its own."""
        self._thread = Thread(target=self.serve_forever, name="sandbox", daemon=True)
        self._thread.start()

    def serve_forever(self) -> None:
        """Serves until `close` is called; goes down and comes back when a fault says so."""
        while not self._stopping.is_set():
            self._listener.handle_request()
            if self._away_for is not None:
                self._listener.leave()
                self.pause(self._away_for)
                self._away_for = None
                if not self._stopping.is_set():
                    self._listener = self._listen(self._place)

    def close(self) -> None:
        """Stops: lines are cut, what is under way is done, late writes take effect now."""
        self._stopping.set()
        if self._thread is not None:
            self._listener.wake()
            self._thread.join()
        for thread in [*self._listener.leave(), *self._late]:
            thread.join()

    def answer(self, request: Request, client: str, work: Proceed, levers: Control) -> Answer:
        """What to send back, faults and all; noted in the request log."""
        if request.path == control.PREFIX or request.path.startswith(f"{control.PREFIX}/"):
            if not _is_loopback(client):
                return answers.errors(["Control routes are for this machine only."], status=403)
            return levers.answer(request)
        answer = self.faults.strike(request, work)
        status = None if answer.cut_line else answer.status
        self.traffic.add(request.verb, request.path, status=status, took_effect=answer.took_effect, fault=answer.fault)
        if answer.restart is not None:
            self._listener.down = True
            self._away_for = answer.restart
        return answer

    def pause(self, seconds: float) -> None:
        """Sleeps, but not into the end of the server."""
        self._stopping.wait(seconds)

    def _listen(self, address: tuple[str, int]) -> Listener:
        """After a restart the port may take a moment to be free again."""
        last: OSError | None = None
        for _ in range(50):
            try:
                return Listener(address, self._answerer)
            except OSError as error:
                last = error
                sleep(0.02)
        raise SandboxError(f"cannot listen on {address[0]}:{address[1]}: {last}")

    def _later(self, seconds: float, request: Request, proceed: Proceed) -> None:
        def run() -> None:
            self.pause(seconds)
            landed = proceed(request).took_effect
            self.traffic.add(request.verb, request.path, status=None, took_effect=landed, fault="late, landed")

        thread = Thread(target=run, daemon=True)
        thread.start()
        with self._late_lock:
            self._late = [late for late in self._late if late.is_alive()] + [thread]


def _is_loopback(host: str) -> bool:
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"
