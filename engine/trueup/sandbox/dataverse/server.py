"""The stand-in as a server: one environment, its login, limits and faults, at one address.

with DataverseSandbox(tables, rows, Environment()) as dataverse:
    …  # dataverse.url is the environment and the authority; dataverse.environment has tenant, client and secret
"""

import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from zoneinfo import ZoneInfo

from engine.model.catalogue import Table
from engine.sandbox.answers import Answer
from engine.sandbox.dataverse.answers import Refusal, document, refused
from engine.sandbox.dataverse.definitions import metadata
from engine.sandbox.dataverse.faults import manner
from engine.sandbox.dataverse.levers import Levers
from engine.sandbox.dataverse.limits import Gate, Limits
from engine.sandbox.dataverse.oauth import Door
from engine.sandbox.dataverse.reading import Library
from engine.sandbox.dataverse.schema import Habits, Kind, kinds, row_id
from engine.sandbox.dataverse.seed import Row, Seeding, json_of
from engine.sandbox.dataverse.store import RowStore
from engine.sandbox.dataverse.writing import Desk, blank
from engine.sandbox.request import Request
from engine.sandbox.serving import Serving

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
        self.requests: deque[Request] = deque(maxlen=_REMEMBERED)  # the latest, as they came
        self.vetoes: dict[str, str] = {}  # logical table → what its plug-in says against any write
        self.denied: set[str] = set()  # privileges that the user has not: prvReadaccount
        self.shallow: set[str] = set()  # privileges of his own rows only
        login = environment.tenant, environment.client_id, environment.client_secret
        self.door = Door(*login, self.store.now, environment.token_seconds)
        self._serving = Serving(self.store, manner(self.door, self.store, self._row_of))
        self.faults, self.traffic = self._serving.faults, self._serving.traffic
        self._gate = Gate(environment.limits, self._serving.pause)
        levers = Levers(self.store, self.kinds, self.change, self.faults, self.traffic, self._gate.forget)
        self._control = levers.control()
        self._library = Library(self.store)
        self._desk = Desk(self.store, self._veto)
        self._sets = {kind.entity_set: kind for kind in self.kinds.values()}
        try:
            if not self.store.version:
                self.seeding.sow(tables, rows)
            self._serving.listen(address, self.answer)
        except BaseException:
            self.store.close()
            raise

    def __enter__(self) -> Self:
        self._serving.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        return self._serving.url

    def close(self) -> None:
        """Stops: lines are cut, what is under way is done, late writes take effect now, the file is given back."""
        self._serving.close()
        self.store.close()

    def set(self, table: str, row: Row) -> None:
        """Makes or replaces a row, as the engine has rows; somebody works in Work 365."""
        described = self.tables[table]
        with self.store.writing():
            self.store.put(described.logical, str(row[described.key]), self.seeding.values(described, row))

    def change(self, logical: str, key: str, **values: object) -> None:
        """Changes columns of a row, or makes it, under the names and with the values of this environment."""
        with self.store.writing():
            stored = self.store.one(logical, key)
            before = stored.values() if stored else blank(self.kinds[logical], key)
            self.store.put(logical, key, {**before, **{name: json_of(value) for name, value in values.items()}})

    def remove(self, logical: str, key: str) -> None:
        """Deletes a row."""
        with self.store.writing():
            self.store.remove(logical, key)

    def withdraw_tokens(self) -> None:
        """No token that was given is good any more."""
        self.door.withdraw()

    def expire_changes(self) -> None:
        """No change token that was given is good any more."""
        self.store.expire_changes()

    def redefine(self) -> None:
        """Says that the definitions have changed (after a change of `kinds`)."""
        self.store.remember(definitions=int(self.store.fact("definitions", "1")) + 1)

    def answer(self, request: Request, client: str) -> Answer:
        """What to send back, faults and all; noted in the request log."""
        self.requests.append(request)
        return self._serving.answer(request, client, self._plainly, self._control)

    def _plainly(self, request: Request) -> Answer:
        """The login is another service: the limits of the environment are none of its."""
        try:
            return self.door.answer(request) or self._limited(request)
        except Refusal as refusal:
            return refused(refusal)

    def _limited(self, request: Request) -> Answer:
        with self._gate.through(request.slow):
            return self._api(request)

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

    def _row_of(self, path: str) -> tuple[str, str] | None:
        one = _ROW.fullmatch(path.removeprefix(API))
        return (self._sets[one[1]].logical, one[2].lower()) if one and one[1] in self._sets else None

    def _permit(self, kind: Kind, right: str) -> None:
        name = f"prv{right}{kind.logical}"
        if name in self.denied:
            words = f"Principal user (Id={_USER}, type=8) is missing {name} privilege."
            raise Refusal(403, "0x80040220", words)

    def _veto(self, kind: Kind, _said: Mapping[str, Any]) -> str:
        return self.vetoes.get(kind.logical, "")
