"""The Dataverse sandbox as a server: one environment with its login, limits and faults.

with DataverseSandbox(tables, rows, Environment()) as dataverse:
    …  # dataverse.url is the address of the environment and of its login
"""

import sqlite3
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from trueup.model.catalogue import Table
from trueup.sandbox.dataverse import keys
from trueup.sandbox.dataverse.control import DataverseControl
from trueup.sandbox.dataverse.faults import error_style
from trueup.sandbox.dataverse.limits import Limits, Throttle
from trueup.sandbox.dataverse.oauth import TokenEndpoint
from trueup.sandbox.dataverse.responses import DataverseError, error_response
from trueup.sandbox.dataverse.schema import Quirks, table_definitions
from trueup.sandbox.dataverse.seed import RowSeeder, SourceRow, to_json
from trueup.sandbox.dataverse.store import RowStore
from trueup.sandbox.dataverse.web_api import BASE, WebApi
from trueup.sandbox.dataverse.writer import new_row
from trueup.sandbox.http.request import Request
from trueup.sandbox.http.responses import Response
from trueup.sandbox.http.server import SandboxServer
from trueup.sandbox.http.sqlite_files import UNREADABLE, foreign_value

_REQUESTS_KEPT = 1000
_BODY_KEPT = 10_000  # bytes of each


@dataclass(frozen=True, slots=True)
class Environment:
    """What one environment is like: its login, its quirks, its limits."""

    tenant: str = "demo.example"
    client_id: str = "trueup-demo"
    client_secret: str = field(default="demo", repr=False)
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))  # of days in UserLocal columns
    quirks: Quirks = field(default_factory=Quirks)
    limits: Limits = field(default_factory=Limits)
    token_seconds: int = 3600


class DataverseSandbox:
    """One server over one database. It answers while its context is entered."""

    def __init__(
        self,
        tables: Mapping[str, Table],
        rows: Mapping[str, Iterable[SourceRow]],
        environment: Environment,
        *,
        database: Path | None = None,
        address: tuple[str, int] = ("127.0.0.1", 0),
    ) -> None:
        """Opens the database, fills it if it is empty, and binds the address.

        `tables` have the logical names of this environment; `rows` are in trueup's form, by table.
        Without `database`, all rows are in memory. Raises `SandboxError`.
        """
        self.environment = environment
        self.tables = tables
        self.definitions = table_definitions(tables, environment.quirks)
        self.store = RowStore(database)
        self.seeder = RowSeeder(self.store, self.definitions, environment.zone)
        self.requests: deque[Request] = deque(maxlen=_REQUESTS_KEPT)  # the latest, as received

        self.api = WebApi(self.store, self.definitions, environment.tenant)
        self.token_endpoint = TokenEndpoint(
            environment.tenant,
            environment.client_id,
            environment.client_secret,
            self.store.facts.now,
            environment.token_seconds,
        )
        style = error_style(self.token_endpoint, self.store, self.api.row_of)
        self._server = SandboxServer(self.store, style)
        self.faults, self.traffic = self._server.faults, self._server.traffic
        self._throttle = Throttle(environment.limits, self._server.pause)
        self._routes = DataverseControl(
            self.store,
            self.definitions,
            self.change,
            self.faults,
            self.traffic,
            self._restored,
        ).routes()

        try:
            if not self.store.facts.version:
                self.seeder.load(tables, rows)
            keys.load(self.store, self.definitions)
            self._server.listen(address, self.answer)
        except (*UNREADABLE, sqlite3.Error) as error:
            self.store.close()
            raise foreign_value(database) from error
        except BaseException:
            self.store.close()
            raise

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return self._server.url

    def close(self) -> None:
        """Stops the server, performs delayed writes now, and closes the database."""
        self._server.close()
        self.store.close()

    def set(self, table: str, row: SourceRow) -> None:
        """Adds or replaces a row in trueup's form, as a user of Work 365 does."""
        definition = self.tables[table]
        key = str(row[definition.key])
        with self.store.writing():
            self.store.put(definition.logical, key, self.seeder.values(definition, row))

    def change(self, logical: str, key: str, **values: object) -> None:
        """Changes columns of a row, or adds it, with the names and values of this environment."""
        changed = {name: to_json(value) for name, value in values.items()}
        with self.store.writing():
            row = self.store.get(logical, key)
            before = row.values() if row else new_row(self.definitions[logical], key)
            self.store.put(logical, key, {**before, **changed})

    def remove(self, logical: str, key: str) -> None:
        """Deletes a row."""
        with self.store.writing():
            self.store.remove(logical, key)

    def revoke_tokens(self) -> None:
        """Makes all access tokens invalid that were issued so far."""
        self.token_endpoint.revoke()

    def expire_changes(self) -> None:
        """Makes all change tokens invalid that were sent so far."""
        self.store.facts.expire_changes()

    def redefine(self) -> None:
        """Raises the version of the metadata, after a change of `definitions`."""
        version = int(self.store.facts.get("definitions", "1"))
        self.store.facts.set("definitions", version + 1)

    def _restored(self) -> None:
        """Follows a restored database: its alternate keys, no request in the last 300 seconds."""
        self._throttle.reset()
        keys.load(self.store, self.definitions)

    def answer(self, request: Request, client: str) -> Response:
        """Answers a request from a client's address, with faults, and records it."""
        self.requests.append(replace(request, body=request.body[:_BODY_KEPT]))
        return self._server.answer(request, client, self._handle, self._routes)

    def _handle(self, request: Request) -> Response:
        try:
            # The login is another service, so the environment's limits do not count its requests.
            return self.token_endpoint.answer(request) or self._limited(request)
        except DataverseError as error:
            return error_response(error)

    def _limited(self, request: Request) -> Response:
        with self._throttle.admit(request.slow):
            if not request.path.startswith(BASE):
                raise DataverseError(404, "", "Not found.")
            self.token_endpoint.check(request)
            return self.api.answer(request)
