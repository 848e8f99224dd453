"""The Autotask sandbox without a server: it answers requests of the process that it is in.

Faults, traffic and control routes belong to the server, and are not here.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self
from urllib.parse import SplitResult, urlsplit

from trueup.model.catalogue import Entity
from trueup.sandbox.autotask import records, seed
from trueup.sandbox.autotask.records import StoredRecord
from trueup.sandbox.autotask.rest_api import RestApi
from trueup.sandbox.autotask.seed_ledgers import Document
from trueup.sandbox.autotask.store import RecordStore
from trueup.sandbox.autotask.switches import Switches
from trueup.sandbox.http.request import Request
from trueup.sandbox.http.sqlite_files import create_private

URL = "http://localhost"
"""The address that requests to it have; nothing listens there."""

_METADATA = "/entityinformation"

_WITHOUT_SETTINGS = frozenset({"records", "adjustments", "openings", "posted_until", "clock"})
"""Keys of a seed on which no metadata depends."""

Answered = tuple[int, Mapping[str, str], bytes]
"""Status, headers and body of an answer."""

_SWITCHES = Switches({"hourly_delays": "off"})


def _no_wait(seconds: float) -> None:
    """Nothing is slow on purpose here."""
    del seconds


class LocalSandbox:
    """A database that is answered for in this process."""

    def __init__(
        self,
        database: Path,
        entities: Mapping[str, Entity],
        metadata: dict[str, Answered] | None = None,
    ) -> None:
        """Opens or creates the database. Raises `SandboxError`.

        `metadata` has answers by their addresses, of a sandbox whose tenant has the same settings.
        What is asked for the first time is added.
        """
        self._entities = entities
        self._metadata = {} if metadata is None else metadata
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
        if not document.keys() <= _WITHOUT_SETTINGS:
            self._metadata = {}
        with self._store.writing() as db:
            seed.load(db, self._entities, document)

    def records(self, entity: str) -> list[StoredRecord]:
        """All records of an entity, as they are stored."""
        with self._store.reading() as db:
            tenant = self._api.tenants.current(db)
            return records.select(db, tenant.entities[entity], {})

    def answer(
        self, method: str, address: str, headers: Mapping[str, str], body: bytes
    ) -> Answered:
        """Answers a request: status, headers and body."""
        parts = urlsplit(address)
        if method != "GET" or _METADATA not in parts.path.lower():
            return self._answer(method, parts, headers, body)
        if address not in self._metadata:
            self._metadata[address] = self._answer(method, parts, headers, body)
        return self._metadata[address]

    def _answer(
        self, method: str, parts: SplitResult, headers: Mapping[str, str], body: bytes
    ) -> Answered:
        names = {name.lower(): value for name, value in headers.items()}
        response = self._api.answer(Request(method, parts.path, parts.query, names, body, base=URL))
        typed = {"Content-Type": response.content_type, **response.headers}
        return response.status, typed, response.body


class SeededSandboxes:
    """Opens sandboxes that begin with a seed; each seed is loaded once, and its database copied.

    All that such sandboxes answer about metadata is worked out once as well.
    """

    def __init__(self, entities: Mapping[str, Entity]) -> None:
        self._entities = entities
        self._known: dict[str, tuple[bytes, dict[str, Answered]]] = {}  # by the seed as JSON

    def open(self, database: Path, document: Document) -> LocalSandbox:
        """Opens a sandbox over a new database with the seed. Raises `SandboxError`."""
        seed_text = json.dumps(document)
        if seed_text not in self._known:
            self._known[seed_text] = self._made(document), {}
        content, metadata = self._known[seed_text]
        create_private(database)
        database.write_bytes(content)
        return LocalSandbox(database, self._entities, metadata)

    def _made(self, document: Document) -> bytes:
        """The content of a database with the seed; closing it leaves one file."""
        with TemporaryDirectory(prefix="trueup-") as folder:
            database = Path(folder) / "target.sqlite"
            with LocalSandbox(database, self._entities) as sandbox:
                sandbox.load(document)
            return database.read_bytes()
