"""Answers one request of the REST API: rights and limits first, then what the route is for."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial

from trueup.model.catalogue import Entity
from trueup.sandbox.autotask import (
    actions,
    keeping,
    metadata,
    pages,
    query,
    reader,
    records,
    responses,
    security,
)
from trueup.sandbox.autotask import lenient_json as lenient
from trueup.sandbox.autotask.limits import THRESHOLD, TIMEFRAME, EndpointSlots, HourlyCalls
from trueup.sandbox.autotask.reader import ReadContext
from trueup.sandbox.autotask.responses import AutotaskError
from trueup.sandbox.autotask.routes import Match, find_route, route_table
from trueup.sandbox.autotask.security import ApiUser
from trueup.sandbox.autotask.store import RecordStore
from trueup.sandbox.autotask.switches import Switches
from trueup.sandbox.autotask.tenant import Tenant, TenantCache
from trueup.sandbox.autotask.write_context import WriteContext, impersonated_resource
from trueup.sandbox.http.json_types import Json
from trueup.sandbox.http.request import Request
from trueup.sandbox.http.responses import Response, as_json

BASE = "/atservicesrest"
VERSION = "/v1.0"
_METADATA = ("information", "fields", "user-defined fields")
_READS = ("query", "next", "count")

Handler = Callable[[Request, Tenant, ApiUser], Response]


class RestApi:
    """Autotask's REST API over one database."""

    def __init__(
        self,
        store: RecordStore,
        entities: Mapping[str, Entity],
        switches: Switches,
        sleep: Callable[[float], None],
    ) -> None:
        self.store = store
        self._sleep = sleep
        self.tenants = TenantCache(entities, switches)
        self.hourly_calls = HourlyCalls(store, sleep)
        self._slots = EndpointSlots()
        self._routes = route_table(entities)

    def tenant(self) -> Tenant:
        """Returns the current tenant."""
        with self.store.reading() as db:
            return self.tenants.current(db)

    def answer(self, request: Request) -> Response:
        """Answers a request under BASE; a wrong request gets an error response."""
        tenant = self.tenant()
        zone, path = _split(request.path)
        try:
            if path.rstrip("/") == f"{VERSION}/zoneinformation":
                with self._slow(request):
                    return _zone_information(request, tenant)
            return self._answer(request, tenant, zone, path)
        except AutotaskError as error:
            return responses.error_response(error)

    def _answer(self, request: Request, tenant: Tenant, zone: str, path: str) -> Response:
        handle = None if query.is_too_long(request) else self._handler(path)
        if handle is None:
            return responses.not_found()
        if zone != tenant.zone:
            raise AutotaskError("Unauthorized", status=401)
        user = security.authenticate(tenant.users, request.headers)
        self.hourly_calls.count(tenant)
        return handle(request, tenant, user)

    def _handler(self, path: str) -> Handler | None:
        address = path.rstrip("/")
        if address == "/versioninformation":
            return self._version_information
        if address == f"{VERSION}/thresholdinformation":
            return self._threshold_information
        if path.startswith(f"{VERSION}/"):
            match = find_route(self._routes, path.removeprefix(VERSION))
            return partial(self._entity_route, match) if match else None
        return None

    def _version_information(self, request: Request, _tenant: Tenant, _user: ApiUser) -> Response:
        return self._information(request, lambda: {"apiVersions": ["1.0"]})

    def _threshold_information(self, request: Request, tenant: Tenant, _user: ApiUser) -> Response:
        return self._information(
            request,
            lambda: {
                "externalRequestThreshold": THRESHOLD,
                "requestThresholdTimeframe": TIMEFRAME,
                "currentTimeframeRequestCount": self.hourly_calls.used(tenant.now()),
            },
        )

    def _information(self, request: Request, document: Callable[[], object]) -> Response:
        with self._slow(request):
            if request.verb != "GET":
                return responses.method_not_allowed(request.verb, ("GET",))
            return as_json(document())

    def _entity_route(
        self, match: Match, request: Request, tenant: Tenant, user: ApiUser
    ) -> Response:
        verbs = _verbs(match, request)
        if request.verb not in verbs:
            return responses.method_not_allowed(request.verb, verbs)

        entity = tenant.entities[match.route.entity]
        slot = self._slots.hold(user.code, entity.name, tenant.switches["thread_limit_status"])
        with slot, self._slow(request):
            purpose = match.route.purpose
            if purpose in _METADATA:
                return as_json(metadata.document(purpose, entity, user))

            status = tenant.switches["no_right"]
            if request.verb == "GET" or purpose in _READS:
                security.require_right(user, "query", entity.name, status)
                security.require_impersonation(user, request.headers, "query")
                return self._read(request, user, match)

            operation = {"POST": "create", "DELETE": "delete"}.get(request.verb, "update")
            security.require_right(user, operation, entity.name, status)
            security.require_impersonation(user, request.headers, operation)
            return self._write(request, user, match)

    def _read(self, request: Request, user: ApiUser, match: Match) -> Response:
        with self.store.reading() as db:
            tenant = self.tenants.current(db)
            context = ReadContext(db, tenant, user, request.hidden)
            entity = tenant.entities[match.route.entity]
            if match.route.purpose.endswith("item"):
                return pages.item(context, entity, match)
            if match.route.purpose == "child collection":
                return pages.children(context, entity, match, request)
            search = query.read_search(request)
            parsed = query.parse(search, entity, tenant)
            unindexed = reader.unindexed_fields(db, parsed)
            if not unindexed:
                return _found(context, parsed, request, match, search)

        with self.store.writing() as db:
            for name in unindexed:
                reader.add_index(db, entity, name)

        with self.store.reading() as db:
            context = ReadContext(db, self.tenants.current(db), user, request.hidden)
            return _found(context, parsed, request, match, search)

    def _write(self, request: Request, user: ApiUser, match: Match) -> Response:
        body = {}
        if request.verb != "DELETE":
            value = lenient.read(lenient.body_text(request))
            body = lenient.mapping(value, "The request body")
        if request.keeping:
            body = keeping.kept(body, *request.keeping)

        with self.store.writing() as db:
            tenant = self.tenants.current(db)
            entity = tenant.entities[match.route.entity]
            resource = impersonated_resource(db, tenant, user, request.headers)
            context = WriteContext(db, tenant, user, tenant.now(), resource)
            db.execute("SAVEPOINT before_write")
            item: int | None
            if request.verb == "POST":
                item = actions.create(context, entity, body, match.parent)
            elif request.verb == "DELETE":
                item = actions.delete(context, entity, match.record or 0, match.parent)
            else:
                replace = request.verb == "PUT"
                item = actions.update(context, entity, body, match.parent, replace=replace)
            if request.discarded:
                db.execute("ROLLBACK TO before_write")
                if request.verb == "POST" and item is not None:
                    records.next_id(db, entity.name)  # an id that was answered is not given again
        return as_json({"itemId": item}, took_effect=not request.discarded)

    @contextmanager
    def _slow(self, request: Request) -> Iterator[None]:
        before, after = request.slow
        self._sleep(before)
        yield
        self._sleep(after)


def _found(
    context: ReadContext, parsed: query.Query, request: Request, match: Match, search: Json
) -> Response:
    """Answers with what a query finds: a count, or a page."""
    if match.route.purpose == "count":
        return as_json({"queryCount": reader.count_records(context, parsed)})
    return pages.page(context, parsed, request, search)


def _split(path: str) -> tuple[str, str]:
    """Returns the zone before BASE and the path after it, in lower case; empty without BASE."""
    zone, base, rest = path.lower().partition(BASE)
    return (zone.strip("/"), rest) if base else ("", "")


def _verbs(match: Match, request: Request) -> Sequence[str]:
    """The next page needs the verb of the first one: a GET query's address contains its search."""
    if match.route.purpose != "next":
        return match.route.verbs
    return ("GET",) if request.parameter("search") is not None else ("POST",)


def _zone_information(request: Request, tenant: Tenant) -> Response:
    """Answers without credentials. Source: docs/explanation/autotask.md, section 1."""
    if request.verb != "GET":
        return responses.method_not_allowed(request.verb, ("GET",))
    name = (request.parameter("user") or "").strip().lower()
    if not any(user.username.lower() == name for user in tenant.users):
        raise AutotaskError("Zone information could not be determined")

    root = f"{request.base}/{tenant.zone}" if tenant.zone else request.base
    return as_json(
        {
            "zoneName": tenant.zone or "Sandbox",
            "url": f"{root}/ATServicesRest/",
            "webUrl": f"{root}/",
            "ci": 0,
        }
    )
