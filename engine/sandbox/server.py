"""The sandbox as a server: one database, one address, faults and control routes.

with Sandbox(Path("autotask.sqlite"), entities, seed=Path("examples/autotask.json")) as sandbox:
    …  # sandbox.url + "/ATServicesRest/V1.0/ZoneInformation?user=…"
"""

import sys
from collections.abc import Mapping
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from threading import Event, Lock, Thread
from time import sleep
from types import TracebackType
from typing import Self

from engine.errors import SandboxError
from engine.model.catalogue import Entity
from engine.sandbox import answers, control
from engine.sandbox.answers import Answer
from engine.sandbox.control import Control
from engine.sandbox.faults import Faults, Proceed
from engine.sandbox.listener import Listener
from engine.sandbox.request import Request
from engine.sandbox.seed import seed_if_empty
from engine.sandbox.service import Service
from engine.sandbox.store import Store
from engine.sandbox.switches import Switches
from engine.sandbox.traffic import Traffic

_DEFAULTS = Switches()
_WARNING = """\
********************************************************************************
WARNING: the sandbox listens on {host}, so other machines can reach it. It has no
TLS, and whoever knows a user of it can read and change all that is in it.
********************************************************************************
"""


class Sandbox:
    """One server over one database; answers while it is entered, or inside `serve_forever`."""

    def __init__(
        self,
        database: Path,
        entities: Mapping[str, Entity],
        *,
        switches: Switches = _DEFAULTS,
        port: int = 0,
        host: str = "127.0.0.1",
        seed: Path | None = None,
    ) -> None:
        """Opens or makes the database, seeds it if it never was, takes the port. Raises SandboxError."""
        self._stopping = Event()
        self._away_for: float | None = None
        self._thread: Thread | None = None
        self._late: list[Thread] = []
        self._late_lock = Lock()
        self.store = Store(database, entities)
        try:
            if seed is not None:
                seed_if_empty(self.store, entities, seed)
            self.service = Service(self.store, entities, switches, self._pause)
            self.service.tenant()  # settings that cannot be read are known now
            self.traffic = Traffic()
            self.faults = Faults(self.store, self._later, self._pause)
            self.control = Control(self.store, self.service, self.faults, self.traffic, entities)
            self._listener = self._listen((host, port))
        except BaseException:
            self.store.close()
            raise
        self._place = self._listener.place
        if not _is_loopback(host):
            sys.stderr.write(_WARNING.format(host=host))

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        host, port = self._place
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def __enter__(self) -> Self:
        self._thread = Thread(target=self.serve_forever, name="sandbox", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def serve_forever(self) -> None:
        """Serves until `close` is called; goes down and comes back when a fault says so."""
        while not self._stopping.is_set():
            self._listener.handle_request()
            if self._away_for is not None:
                self._listener.leave()
                self._pause(self._away_for)
                self._away_for = None
                if not self._stopping.is_set():
                    self._listener = self._listen(self._place)

    def close(self) -> None:
        """Stops: lines are cut, what is under way is done, late writes take effect now, the file is given back."""
        self._stopping.set()
        if self._thread is not None:
            self._listener.wake()
            self._thread.join()
        for thread in [*self._listener.leave(), *self._late]:
            thread.join()
        self.service.hour.keep()
        self.store.close()

    def answer(self, request: Request, client: str) -> Answer:
        """What to send back, faults and all; noted in the request log."""
        if request.path == control.PREFIX or request.path.startswith(f"{control.PREFIX}/"):
            if not _is_loopback(client):
                return answers.errors(["Control routes are for this machine only."], status=403)
            return self.control.answer(request)
        answer = self.faults.strike(request, self.service.answer)
        status = None if answer.cut_line else answer.status
        self.traffic.add(request.verb, request.path, status=status, took_effect=answer.took_effect, fault=answer.fault)
        if answer.restart is not None:
            self._listener.down = True
            self._away_for = answer.restart
        return answer

    def _listen(self, address: tuple[str, int]) -> Listener:
        """After a restart the port may take a moment to be free again."""
        last: OSError | None = None
        for _ in range(50):
            try:
                return Listener(address, self.answer)
            except OSError as error:
                last = error
                sleep(0.02)
        raise SandboxError(f"cannot listen on {address[0]}:{address[1]}: {last}")

    def _pause(self, seconds: float) -> None:
        """Sleeps, but not into the end of the server."""
        self._stopping.wait(seconds)

    def _later(self, seconds: float, request: Request, proceed: Proceed) -> None:
        def run() -> None:
            self._pause(seconds)
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
