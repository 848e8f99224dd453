"""The control routes that Autotask's sandbox adds: clock, switches, zone, users, posting, seeds, snapshots."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from engine.model.catalogue import Entity
from engine.sandbox import clock, seed, snapshots, switches, tenant
from engine.sandbox.contracts import LINES, Books
from engine.sandbox.control import Control, Said, common
from engine.sandbox.faults import Faults
from engine.sandbox.lenient import Json
from engine.sandbox.service import Service
from engine.sandbox.store import Store
from engine.sandbox.traffic import Traffic


@dataclass(frozen=True, slots=True)
class Levers:
    """What the control routes reach."""

    store: Store
    service: Service
    faults: Faults
    traffic: Traffic
    entities: Mapping[str, Entity]

    def control(self) -> Control:
        """The routes, each with what it does."""
        own = {name: partial(act, self) for name, act in _ACTS.items()}
        return Control(partial(_overview, self), {**common(self.faults, self.traffic), **own})

    def setting(self, name: str, change: Callable[[Json], Json], default: Json) -> Json:
        """Changes one setting of the tenant for good; what it is now."""
        with self.store.writing() as db:
            value = change(tenant.get(db, name, default))
            tenant.put(db, name, value)
        return value


def _overview(levers: Levers) -> Said:
    here = levers.service.tenant()
    return {
        "database": str(levers.store.path),
        "now": here.now().isoformat(),
        "zone": here.zone,
        "calls": levers.service.hour.used(here.now()),
        "faults": levers.faults.known(),
    }


def _switches(levers: Levers, said: Said) -> object:
    here = levers.service.tenant().switches
    return {
        switch.name: {"value": here[switch.name], "choices": switch.choices, "why": switch.why}
        for switch in switches.ALL
        if not said or switch.name in said
    }


def _set_switches(levers: Levers, said: Said) -> object:
    for name, value in said.items():
        switches.check(name, value)
    levers.setting("switches", lambda before: {**before, **said}, {})
    return _switches(levers, said)


def _clock(levers: Levers, said: Said) -> object:
    levers.setting("clock", lambda before: clock.moved(before, said), {})
    return {"now": levers.service.tenant().now().isoformat()}


def _post(levers: Levers, said: Said) -> object:
    """Approve & Post: `{"contract": id, "until": day}`; without a contract, of all."""
    until = clock.day(said["until"])
    return {"posted": _books(levers, said, lambda books, line, holder: books.post(line, holder, until))}


def _unpost(levers: Levers, said: Said) -> object:
    """`{"contract": id, "since": day}`."""
    since = clock.day(said["since"])
    return {"done": _books(levers, said, lambda books, line, holder: books.unpost(line, holder, since))}


def _books(levers: Levers, said: Said, act: Callable[..., int | None]) -> int:
    done = 0
    with levers.store.writing() as db:
        books = Books(db, levers.service.tenants.current(db))
        contracts = (
            [said["contract"]] if "contract" in said else [row[0] for row in db.execute('SELECT id FROM "Contracts"')]
        )
        for contract in contracts:
            for line in LINES:
                for holder in books.holders(line, contract):
                    done += act(books, line, holder) or 0
    return done


def _zone(levers: Levers, said: Said) -> object:
    """Moves the tenant to another zone: its old address answers 401, the look-up gives the new one."""
    zone = str(said.get("zone", "")).strip("/").lower()
    return {"zone": levers.setting("zone", lambda _: zone, "")}


def _users(levers: Levers, said: Said) -> object:
    """`{"users": […], "levels": {…}}`, as in a seed; what is named replaces what was there."""
    with levers.store.writing() as db:
        seed.sow(db, levers.entities, {name: said[name] for name in ("users", "levels") if name in said})
        here = levers.service.tenants.current(db)
        return {"users": [{"username": user.username, "level": user.level.name} for user in here.users]}


def _seed(levers: Levers, said: Said) -> object:
    with levers.store.writing() as db:
        seed.sow(db, levers.entities, said)
    return {"done": True}


def _reset(levers: Levers, said: Said) -> object:
    """Empties the database; a document in the body seeds it anew."""
    with levers.store.writing() as db:
        seed.empty(db, levers.entities)
        if said:
            seed.sow(db, levers.entities, said)
    return {"done": True}


def _dump(levers: Levers, said: Said) -> object:
    del said
    with levers.store.reading() as db:
        return seed.harvest(db, levers.service.tenants.current(db))


def _snapshot(levers: Levers, said: Said) -> object:
    snapshots.snapshot(levers.store.path, Path(said["file"]))
    return {"file": said["file"]}


def _restore(levers: Levers, said: Said) -> object:
    snapshots.restore(Path(said["file"]), levers.store.path)
    return {"file": said["file"]}


_ACTS: dict[tuple[str, str], Callable[[Levers, Said], object]] = {
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
