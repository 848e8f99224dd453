"""The control routes of the Autotask sandbox: settings, posting, seeds and snapshots."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from msgspec import Struct

from trueup.model.catalogue import Entity
from trueup.sandbox.autotask import dump, seed, settings, snapshots, switches
from trueup.sandbox.autotask.item_kinds import ITEM_KINDS, ItemKind
from trueup.sandbox.autotask.records import StoredRecord
from trueup.sandbox.autotask.rest_api import RestApi
from trueup.sandbox.autotask.store import RecordStore
from trueup.sandbox.autotask.unit_rows import LedgerWriter
from trueup.sandbox.http import clock
from trueup.sandbox.http.control import Actions, ControlRoutes, common_actions
from trueup.sandbox.http.faults import Faults
from trueup.sandbox.http.json_types import Json, JsonObject
from trueup.sandbox.http.traffic import Traffic


class AutotaskControl(Struct, frozen=True):
    """What the control routes of one sandbox act on."""

    store: RecordStore
    api: RestApi
    faults: Faults
    traffic: Traffic
    entities: Mapping[str, Entity]

    def routes(self) -> ControlRoutes:
        """Returns the routes with their actions."""
        own: Actions = {name: partial(action, self) for name, action in _ACTIONS.items()}
        actions = {**common_actions(self.faults, self.traffic), **own}
        return ControlRoutes(partial(_overview, self), actions)

    def set_setting(self, name: str, change: Callable[[Json], Json], default: Json) -> Json:
        """Changes one setting of the tenant, which survives a restart; returns its new value."""
        with self.store.writing() as db:
            value = change(settings.get(db, name, default))
            settings.put(db, name, value)
        return value

    def each_contract_item(
        self, body: JsonObject, act: Callable[[LedgerWriter, ItemKind, StoredRecord], int]
    ) -> int:
        """Acts on the services and bundles of one contract or, if none is named, of all.

        Returns the sum of the results.
        """
        with self.store.writing() as db:
            writer = LedgerWriter(db, self.api.tenants.current(db))
            if "contract" in body:
                contracts = [body["contract"]]
            else:
                contracts = [row[0] for row in db.execute('SELECT id FROM "Contracts"')]
            return sum(
                act(writer, kind, contract_item)
                for contract in contracts
                for kind in ITEM_KINDS
                for contract_item in writer.contracts.contract_items(kind, contract)
            )


def _overview(control: AutotaskControl) -> JsonObject:
    tenant = control.api.tenant()
    return {
        "database": str(control.store.path),
        "now": tenant.now().isoformat(),
        "zone": tenant.zone,
        "calls": control.api.hourly_calls.used(tenant.now()),
        "faults": control.faults.known(),
    }


def _switches(control: AutotaskControl, body: JsonObject) -> object:
    """Shows the switches that the body names, or all."""
    values = control.api.tenant().switches
    return {
        switch.name: {"value": values[switch.name], "choices": switch.choices, "why": switch.why}
        for switch in switches.ALL
        if not body or switch.name in body
    }


def _set_switches(control: AutotaskControl, body: JsonObject) -> object:
    for name, value in body.items():
        switches.check(name, value)
    control.set_setting("switches", lambda before: {**before, **body}, {})
    return _switches(control, body)


def _clock(control: AutotaskControl, body: JsonObject) -> object:
    control.set_setting("clock", lambda before: clock.moved(before, body), {})
    return {"now": control.api.tenant().now().isoformat()}


def _post(control: AutotaskControl, body: JsonObject) -> object:
    """Approve & Post: `{"contract": id, "until": day}`; all contracts if none is named."""
    until = clock.day(body["until"])
    posted = control.each_contract_item(
        body, lambda writer, kind, contract_item: writer.post(kind, contract_item, until)
    )
    return {"posted": posted}


def _unpost(control: AutotaskControl, body: JsonObject) -> object:
    """Un-posts: `{"contract": id, "since": day}`; all contracts if none is named."""
    since = clock.day(body["since"])

    def unpost(writer: LedgerWriter, kind: ItemKind, contract_item: StoredRecord) -> int:
        writer.unpost(kind, contract_item, since)
        return 0

    return {"done": control.each_contract_item(body, unpost)}


def _zone(control: AutotaskControl, body: JsonObject) -> object:
    """Moves the tenant to another zone: its old address answers 401, the look-up has the new."""
    zone = str(body.get("zone", "")).strip("/").lower()
    return {"zone": control.set_setting("zone", lambda _: zone, "")}


def _users(control: AutotaskControl, body: JsonObject) -> object:
    """Replaces the users or the levels: `{"users": […], "levels": {…}}`, as in a seed."""
    document = {name: body[name] for name in ("users", "levels") if name in body}
    with control.store.writing() as db:
        seed.load(db, control.entities, document)
        users = control.api.tenants.current(db).users
    return {"users": [{"username": user.username, "level": user.level.name} for user in users]}


def _seed(control: AutotaskControl, body: JsonObject) -> object:
    with control.store.writing() as db:
        seed.load(db, control.entities, body)
    return {"done": True}


def _reset(control: AutotaskControl, body: JsonObject) -> object:
    """Empties the database, and seeds it again if the body is a document."""
    with control.store.writing() as db:
        seed.empty(db, control.entities)
        if body:
            seed.load(db, control.entities, body)
    return {"done": True}


def _dump(control: AutotaskControl, _body: JsonObject) -> object:
    with control.store.reading() as db:
        return dump.dump(db, control.api.tenants.current(db))


def _snapshot(control: AutotaskControl, body: JsonObject) -> object:
    snapshots.snapshot(control.store.path, Path(body["file"]))
    return {"file": body["file"]}


def _restore(control: AutotaskControl, body: JsonObject) -> object:
    snapshots.restore(Path(body["file"]), control.store.path)
    return {"file": body["file"]}


_ACTIONS: dict[tuple[str, str], Callable[[AutotaskControl, JsonObject], object]] = {
    ("GET", "switches"): _switches,
    ("POST", "switches"): _set_switches,
    ("POST", "clock"): _clock,
    ("POST", "post"): _post,
    ("POST", "unpost"): _unpost,
    ("POST", "zone"): _zone,
    ("POST", "users"): _users,
    ("POST", "seed"): _seed,
    ("POST", "reset"): _reset,
    ("GET", "dump"): _dump,
    ("POST", "snapshot"): _snapshot,
    ("POST", "restore"): _restore,
}
