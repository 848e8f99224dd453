"""The stand-in as a server: one environment, its login, limits and faults, at one address.

with DataverseSandbox(tables, rows, Environment()) as dataverse:
    …  # dataverse.url is the environment and the authority; dataverse.environment has tenant, client and secret
"""

import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any, Self
from zoneinfo import ZoneInfo

from engine.errors import SandboxError
from engine.model.catalogue import Table
from engine.sandbox.answers import Answer
from engine.sandbox.dataverse.answers import Refusal, document, refused
from engine.sandbox.dataverse.definitions import metadata
from engine.sandbox.dataverse.faults import Fault, Faults
from engine.sandbox.dataverse.limits import Gate, Limits
from engine.sandbox.dataverse.oauth import Door
from engine.sandbox.dataverse.reading import Library
from engine.sandbox.dataverse.schema import Habits, Kind, kinds, row_id
from engine.sandbox.dataverse.seed import Row, Seeding, json_of
from engine.sandbox.dataverse.store import RowStore
from engine.sandbox.dataverse.writing import Desk
from engine.sandbox.listener import Listener
from engine.sandbox.request import Request
from engine.sandbox.traffic import Traffic

API = "/api/data/v9.2/"
_USER = row_id("systemuser", "trueup")
_REMEMBERED = 1000
_ROW = re.compile(r"(\w+)\(([0-9a-fA-F-]{36})\)")
_SET = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Environment:
    """What the environment is like: its login, its habits, its limits."""

    tenant: str = "demo.example"
    client_id: str = "trueup-demo"
    client_secret: str = field(default="demo", repr=False)
    zone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))  # in which its UserLocal days begin
    habits: Habits = field(default_factory=Habits)
    limits: Limits = field(default_factory=Limits)
    token_seconds: int = 3600


class DataverseSandbox:
    """One server over one database; answers while it is entered."""

    def __init__(
        self,
        tables: Mapping[str, Table],
        rows: Mapping[str, Iterable[Row]],
        environment: Environment,
        *,
        database: Path | None = None,
        address: tuple[str, int] = ("127.0.0.1", 0),
    ) -> None:
        """`tables` with the logical names of this environment; `rows` by table, put in where nothing is yet.

        Without a database all is in memory. Raises SandboxError.
        """
        self.environment = environment
        self.kinds = kinds(tables, environment.habits)
        self.store = RowStore(database)
        self.seeding = Seeding(self.store, self.kinds, environment.zone)
        self.tables = tables
        self.faults = Faults()
        self.traffic = Traffic()
        self.requests: deque[Request] = deque(maxlen=_REMEMBERED)  # the latest, as they came
        self.vetoes: dict[str, str] = {}  # logical table → what its plug-in says against any write
        self.denied: set[str] = set()  # privileges that the user has not: prvReadaccount
        self.shallow: set[str] = set()  # privileges of his own rows only
        self.door = Door(
            environment.tenant, environment.client_id, environment.client_secret, environment.token_seconds
        )
        self._gate = Gate(environment.limits)
        self._library = Library(self.store)
        self._desk = Desk(self.store, self._veto)
        self._sets = {kind.entity_set: kind for kind in self.kinds.values()}
        self._stopping = Event()
        self._thread: Thread | None = None
        try:
            if not self.store.version:
                self.seeding.sow(tables, rows)
            self._listener = Listener(address, self._answer)
        except OSError as error:
            self.store.close()
            raise SandboxError(f"cannot listen on {address[0]}:{address[1]}: {error}") from error

    def __enter__(self) -> Self:
        self._thread = Thread(target=self.serve_forever, name="dataverse", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        host, port = self._listener.place
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

    def serve_forever(self) -> None:
        """Serves until `close` is called."""
        while not self._stopping.is_set():
            self._listener.handle_request()

    def close(self) -> None:
        """Stops: lines are cut, what is under way is done, the file is given back."""
        self._stopping.set()
        if self._thread is not None:
            self._listener.wake()
            self._thread.join()
        for thread in self._listener.leave():
            thread.join()
        self.store.close()

    def set(self, table: str, row: Row) -> None:
        """Makes or replaces a row, as the engine has rows; somebody works in Work 365."""
        described = self.tables[table]
        with self.store.writing():
            self.store.put(described.logical, str(row[described.key]), self.seeding.values(described, row))

    def change(self, logical: str, key: str, **values: object) -> None:
        """Changes columns of a row, under the names and with the values of this environment."""
        with self.store.writing():
            stored = self.store.one(logical, key)
            before = stored.values() if stored else {}
            self.store.put(logical, key, {**before, **{name: json_of(value) for name, value in values.items()}})

    def remove(self, logical: str, key: str) -> None:
        """Deletes a row."""
        with self.store.writing():
            self.store.remove(logical, key)

    def fail(self, fault: Fault) -> None:
        """Sets a fault."""
        self.faults.set(fault)

    def withdraw_tokens(self) -> None:
        """No token that was given is good any more."""
        self.door.generation += 1

    def expire_changes(self) -> None:
        """No change token that was given is good any more."""
        self.store.remember(oldest_token=self.store.version + 1)

    def redefine(self) -> None:
        """Says that the definitions have changed (after a change of `kinds`)."""
        self.store.remember(definitions=int(self.store.fact("definitions", "1")) + 1)

    def _answer(self, request: Request, _client: str) -> Answer:
        self.requests.append(request)
        answer = self.faults.strike(request, self._plainly)
        status = None if answer.cut_line else answer.status
        self.traffic.add(request.verb, request.path, status=status, took_effect=answer.took_effect, fault="")
        return answer

    def _plainly(self, request: Request) -> Answer:
        try:
            with self._gate.through():
                return self.door.answer(request) or self._api(request)
        except Refusal as refusal:
            return refused(refusal)

    def _api(self, request: Request) -> Answer:
        if not request.path.startswith(API):
            raise Refusal(404, "", "Not found.")
        self.door.check(request)
        path = request.path.removeprefix(API)
        answer = metadata(self.kinds, path, request) if request.verb == "GET" else None
        return answer or self._user(path) or self._rows(path, request)

    def _user(self, path: str) -> Answer | None:
        if path == "WhoAmI":
            return document({"UserId": _USER, "OrganizationId": row_id("organization", self.environment.tenant)})
        if path == f"systemusers({_USER})/Microsoft.Dynamics.CRM.RetrieveUserPrivileges":
            return document({"RolePrivileges": list(self._privileges())})
        return None

    def _privileges(self) -> Iterable[Mapping[str, str]]:
        for kind in self.kinds.values():
            for right in ("Read", "Write"):
                name = f"prv{right}{kind.logical}"
                if name not in self.denied:
                    depth = "Basic" if name in self.shallow else "Global"
                    yield {
                        "PrivilegeName": name,
                        "Depth": depth,
                        "PrivilegeId": row_id("privilege", right + kind.logical),
                    }

    def _rows(self, path: str, request: Request) -> Answer:
        one = _ROW.fullmatch(path)
        name = one[1] if one else path
        if name not in self._sets:
            raise Refusal(404, "0x8006088a", f"Resource not found for the segment '{name}'.")
        kind = self._sets[name]
        self._permit(kind, "Read" if request.verb == "GET" else "Write")
        if not one:
            if request.verb != "GET":
                raise Refusal(405, "0x8006088a", "The requested resource does not support this http method.")
            return self._library.many(kind, request)
        key = one[2].lower()
        if request.verb == "GET":
            return self._library.one(kind, key, request)
        if request.verb == "PATCH":
            return self._desk.patch(kind, key, request)
        if request.verb == "DELETE":
            return self._desk.delete(kind, key)
        raise Refusal(405, "0x8006088a", "The requested resource does not support this http method.")

    def _permit(self, kind: Kind, right: str) -> None:
        name = f"prv{right}{kind.logical}"
        if name in self.denied:
            words = f"Principal user (Id={_USER}, type=8) is missing {name} privilege."
            raise Refusal(403, "0x80040220", words)

    def _veto(self, kind: Kind, _said: Mapping[str, Any]) -> str:
        return self.vetoes.get(kind.logical, "")
