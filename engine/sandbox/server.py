"""The sandbox as a server: one database, one address, faults and control routes.

with Sandbox(Path("autotask.sqlite"), entities, seed=Path("examples/autotask.json")) as sandbox:
    …  # sandbox.url + "/ATServicesRest/V1.0/ZoneInformation?user=…"
"""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from engine.model.catalogue import Entity
from engine.sandbox.answers import Answer
from engine.sandbox.faults import AUTOTASK
from engine.sandbox.levers import Levers
from engine.sandbox.request import Request
from engine.sandbox.seed import seed_if_empty
from engine.sandbox.service import Service
from engine.sandbox.serving import Serving
from engine.sandbox.store import Store
from engine.sandbox.switches import Switches

_DEFAULTS = Switches()


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
        self.store = Store(database, entities)
        self._serving = Serving(self.store, AUTOTASK)
        self.faults, self.traffic = self._serving.faults, self._serving.traffic
        try:
            if seed is not None:
                seed_if_empty(self.store, entities, seed)
            self.service = Service(self.store, entities, switches, self._serving.pause)
            self.service.tenant()  # settings that cannot be read are known now
            self._control = Levers(self.store, self.service, self.faults, self.traffic, entities).control()
            self._serving.listen((host, port), self.answer)
        except BaseException:
            self.store.close()
            raise

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return self._serving.url

    def __enter__(self) -> Self:
        self._serving.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def serve_forever(self) -> None:
        """Serves until `close` is called; goes down and comes back when a fault says so."""
        self._serving.serve_forever()

    def close(self) -> None:
        """Stops: lines are cut, what is under way is done, late writes take effect now, the file is given back."""
        self._serving.close()
        self.service.hour.keep()
        self.store.close()

    def answer(self, request: Request, client: str) -> Answer:
        """What to send back, faults and all; noted in the request log."""
        return self._serving.answer(request, client, self.service.answer, self._control)
