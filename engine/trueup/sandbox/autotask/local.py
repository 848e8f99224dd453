"""The Autotask sandbox without a server: it answers requests of the process that it is in.

Faults, traffic and control routes belong to the server, and are not here.
"""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from trueup.model.catalogue import Entity
from trueup.sandbox.autotask import records, seed
from trueup.sandbox.autotask.records import StoredRecord
from trueup.sandbox.autotask.rest_api import RestApi
from trueup.sandbox.autotask.seed_ledgers import Document
from trueup.sandbox.autotask.store import RecordStore
from trueup.sandbox.autotask.switches import Switches
from trueup.sandbox.http.request import Request

URL = "http://localhost"
"""The address that requests to it have; nothing listens there."""

_SWITCHES = Switches({"hourly_delays": "off"})


def _no_wait(seconds: float) -> None:
    """Nothing is slow on purpose here."""
    del seconds


class LocalSandbox:
    """A database that is answered for in this process."""

    def __init__(self, database: Path, entities: Mapping[str, Entity]) -> None:
        """Opens or creates the database. Raises `SandboxError`."""
        self._entities = entities
        self._store = RecordStore(database, entities)
        self._api = RestApi(self._store, entities, _SWITCHES, _no_wait)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._store.close()

    def load(self, document: Document) -> None:
        """Adds a seed document. Raises `SandboxError`."""
        with self._store.writing() as db:
            seed.load(db, self._entities, document)

    def records(self, entity: str) -> list[StoredRecord]:
        """All records of an entity, as they are stored."""
        with self._store.reading() as db:
            tenant = self._api.tenants.current(db)
            return records.select(db, tenant.entities[entity], {})

    def answer(
        self, method: str, address: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, Mapping[str, str], bytes]:
        """Answers a request: status, headers and body."""
        parts = urlsplit(address)
        names = {name.lower(): value for name, value in headers.items()}
        response = self._api.answer(Request(method, parts.path, parts.query, names, body, base=URL))
        typed = {"Content-Type": response.content_type, **response.headers}
        return response.status, typed, response.body
