"""One request in, one answer out: rights and limits first, then what the route does."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from engine.model.catalogue import Entity
from engine.sandbox import access, actions, answers, lenient, metadata, pages, query, reading, routes, wire
from engine.sandbox.access import User
from engine.sandbox.answers import Answer, Refused
from engine.sandbox.lenient import Json
from engine.sandbox.limits import THRESHOLD, TIMEFRAME, Endpoints, Hour
from engine.sandbox.reading import View
from engine.sandbox.request import Request
from engine.sandbox.routes import Match
from engine.sandbox.store import Store
from engine.sandbox.switches import Switches
from engine.sandbox.tenant import Tenant, Tenants
from engine.sandbox.writes import Desk

BASE = "/atservicesrest"
VERSION = "/v1.0"
_NO_BODY: Mapping[str, Json] = {}


class Service:
    """Autotask over one database."""

    def __init__(
        self, store: Store, entities: Mapping[str, Entity], switches: Switches, pause: Callable[[float], None]
    ) -> None:
        self.store = store
        self._pause = pause
        self.entities = entities
        self.tenants = Tenants(entities, switches)
        self.hour = Hour(store, pause)
        self._endpoints = Endpoints()
        self._routes = routes.table(entities)

    def tenant(self) -> Tenant:
        """The tenant as it stands."""
        with self.store.reading() as db:
            return self.tenants.current(db)

    def answer(self, request: Request) -> Answer:
        """The answer to a request below the service's own path. Never raises for what a client can do."""
        tenant = self.tenant()
        zone, path = _split(request.path)
        try:
            if path.rstrip("/") == f"{VERSION}/zoneinformation":
                with self._slow(request):
                    return _zone(request, tenant)
            return self._answer(request, tenant, zone, path)
        except Refused as refused:
            return answers.refusal(refused)

    def _answer(self, request: Request, tenant: Tenant, zone: str, path: str) -> Answer:
        special = {"/versioninformation": "version", f"{VERSION}/thresholdinformation": "threshold"}.get(
            path.rstrip("/")
        )
        match = routes.find(self._routes, path.removeprefix(VERSION)) if path.startswith(f"{VERSION}/") else None
        if special is None and match is None:
            return answers.not_found()
        if zone != tenant.zone:
            raise Refused("Unauthorized", status=401)
        user = access.sign_in(tenant.users, request.headers)
        self.hour.count(tenant)
        if special is not None or match is None:
            with self._slow(request):
                return self._special(special or "", request, tenant)
        verbs = _verbs(match, request)
        if request.verb not in verbs:
            return answers.wrong_verb(request.verb, verbs)
        with (
            self._endpoints.place(user.code, match.route.entity, tenant.switches["thread_limit_status"]),
            self._slow(request),
        ):
            return self._do(request, tenant, user, match)

    def _special(self, name: str, request: Request, tenant: Tenant) -> Answer:
        if request.verb != "GET":
            return answers.wrong_verb(request.verb, ("GET",))
        if name == "version":
            return answers.as_json({"apiVersions": ["1.0"]})
        return answers.as_json(
            {
                "externalRequestThreshold": THRESHOLD,
                "requestThresholdTimeframe": TIMEFRAME,
                "currentTimeframeRequestCount": self.hour.used(tenant.now()),
            }
        )

    def _do(self, request: Request, tenant: Tenant, user: User, match: Match) -> Answer:
        entity = tenant.entities[match.route.entity]
        does = match.route.does
        described: dict[str, Callable[[], object]] = {
            "information": lambda: metadata.information(entity, user),
            "fields": lambda: metadata.fields(entity),
            "udfs": lambda: metadata.user_defined_fields(entity),
        }
        if does in described:
            return answers.as_json(described[does]())
        status = tenant.switches["no_right"]
        if request.verb == "GET" or does in {"query", "next", "count"}:
            access.demand(user, "query", entity.name, status)
            return self._read(request, user, match)
        operation = {"POST": "create", "DELETE": "delete"}.get(request.verb, "update")
        access.demand(user, operation, entity.name, status)
        return self._write(request, user, match)

    def _read(self, request: Request, user: User, match: Match) -> Answer:
        with self.store.reading() as db:
            tenant = self.tenants.current(db)
            view = View(db, tenant, user, request.hidden)
            entity = tenant.entities[match.route.entity]
            if match.route.does.endswith("item"):
                return pages.item(view, entity, match)
            if match.route.does == "child collection":
                return pages.children(view, entity, match, request)
            said = request.search()
            asked = query.read(said, entity, tenant)
            wanted = reading.unindexed(db, asked)
        if wanted:
            self._index(entity.name, wanted)
        with self.store.reading() as db:
            view = View(db, self.tenants.current(db), user, request.hidden)
            if match.route.does == "count":
                return answers.as_json({"queryCount": reading.count(view, asked)})
            return pages.page(view, asked, request, said)

    def _index(self, table: str, names: Sequence[str]) -> None:
        with self.store.writing() as db:
            for name in names:
                reading.add_index(db, table, name)

    def _write(self, request: Request, user: User, match: Match) -> Answer:
        body = (
            lenient.mapping(lenient.read(request.text()), "The request body") if request.verb != "DELETE" else _NO_BODY
        )
        with self.store.writing() as db:
            tenant = self.tenants.current(db)
            entity = tenant.entities[match.route.entity]
            resource = _signer(Desk(db, tenant, user, tenant.now()), request)
            desk = Desk(db, tenant, user, tenant.now(), resource)
            item = _written(desk, entity, match, request.verb, body)
        return answers.as_json({"itemId": item}, took_effect=True)

    @contextmanager
    def _slow(self, request: Request) -> Iterator[None]:
        before, after = request.slow
        self._pause(before)
        yield
        self._pause(after)


def _split(path: str) -> tuple[str, str]:
    """The zone in front of the service's path, and what follows it in small letters."""
    zone, found, rest = path.lower().partition(BASE)
    return (zone.strip("/"), rest) if found else ("", "")


def _verbs(match: Match, request: Request) -> Sequence[str]:
    """The next page is asked for as the first one was: a GET query's address carries its search."""
    if match.route.does != "next":
        return match.route.verbs
    return ("GET",) if request.parameter("search") is not None else ("POST",)


def _zone(request: Request, tenant: Tenant) -> Answer:
    """Open to everybody; answers with this server's own address, slash included."""
    if request.verb != "GET":
        return answers.wrong_verb(request.verb, ("GET",))
    name = (request.parameter("user") or "").strip().lower()
    if not any(user.username.lower() == name for user in tenant.users):
        raise Refused("Zone information could not be determined")
    root = f"{request.base}/{tenant.zone}" if tenant.zone else request.base
    return answers.as_json(
        {"zoneName": tenant.zone or "Sandbox", "url": f"{root}/ATServicesRest/", "webUrl": f"{root}/", "ci": 0}
    )


def _written(desk: Desk, entity: Entity, match: Match, verb: str, body: Mapping[str, Json]) -> int | None:
    if verb == "POST":
        return actions.create(desk, entity, body, match.parent)
    if verb == "DELETE":
        return actions.delete(desk, entity, match.record or 0, match.parent)
    return actions.update(desk, entity, body, match.parent, whole=verb == "PUT")


def _signer(desk: Desk, request: Request) -> int | None:
    """The resource in whose name it is written: the user's own, or the one it impersonates."""
    said = request.headers.get("impersonationresourceid", "").strip()
    if not said:
        return desk.user.resource
    record = wire.as_id(said)
    found = None if record is None else desk.record("Resources", record)
    if found is None or found["isActive"] == 0 or not desk.user.impersonates:
        raise Refused("The Resource referenced by ImpersonationResourceId cannot be impersonated.")
    return int(found["id"] or 0)
