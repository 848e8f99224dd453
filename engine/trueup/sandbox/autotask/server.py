"""The Autotask sandbox as a server: one database at one address, with faults and control routes.

with Sandbox(Path("autotask.sqlite"), entities, seed=Path("examples/autotask.json")) as sandbox:
    …  # sandbox.url + "/ATServicesRest/V1.0/ZoneInformation?user=…"
"""

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from trueup.errors import SandboxError
from trueup.model.catalogue import Entity
from trueup.sandbox.autotask.control import AutotaskControl
from trueup.sandbox.autotask.responses import ERROR_STYLE
from trueup.sandbox.autotask.rest_api import RestApi
from trueup.sandbox.autotask.seed import seed_if_empty
from trueup.sandbox.autotask.store import RecordStore
from trueup.sandbox.autotask.switches import Switches
from trueup.sandbox.http.request import Request
from trueup.sandbox.http.responses import Response
from trueup.sandbox.http.server import SandboxServer
from trueup.sandbox.http.sqlite_files import UNREADABLE, foreign_value

_DEFAULTS = Switches()


class Sandbox:
    """One server over one database. It answers inside its context, or in `serve_forever`."""

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
        """Opens or creates the database, seeds it if it was never seeded, and binds the address.

        Port 0 takes a free port. Raises `SandboxError`.
        """
        self.store = RecordStore(database, entities)
        self._server = SandboxServer(self.store, ERROR_STYLE)
        self.faults, self.traffic = self._server.faults, self._server.traffic
        try:
            if seed is not None:
                seed_if_empty(self.store, entities, seed)
            self.api = RestApi(self.store, entities, switches, self._server.pause)
            self.api.tenant()  # raises for settings that cannot be read
            self._routes = AutotaskControl(
                self.store, self.api, self.faults, self.traffic, entities
            ).routes()
            self._server.listen((host, port), self.answer)
        except UNREADABLE as error:
            self.store.close()
            raise foreign_value(database) from error
        except BaseException:
            self.store.close()
            raise

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return self._server.url

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def serve_forever(self) -> None:
        """Serves until `close` is called, and restarts when a fault asks for it."""
        self._server.serve_forever()

    def close(self) -> None:
        """Stops the server, performs delayed writes now, and closes the database."""
        self._server.close()
        with suppress(SandboxError):  # the count of calls is all that is lost
            self.api.hourly_calls.save()
        self.store.close()

    def answer(self, request: Request, client: str) -> Response:
        """Answers a request from a client's address, with faults, and records it."""
        return self._server.answer(request, client, self.api.answer, self._routes)
