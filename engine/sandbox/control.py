"""Routes that only the sandbox has, under /sandbox: faults, clock, posting, switches, snapshots, what was asked.

Only this machine may use them, and every write must say that it is JSON, so that no web page can.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from engine.errors import SandboxError
from engine.model.catalogue import Entity
from engine.sandbox import answers, seed, snapshots, switches, tenant
from engine.sandbox.answers import Answer, Refused
from engine.sandbox.contracts import LINES, Books
from engine.sandbox.faults import Faults
from engine.sandbox.lenient import Json
from engine.sandbox.request import Request
from engine.sandbox.service import Service
from engine.sandbox.store import Store
from engine.sandbox.traffic import Traffic

PREFIX = "/sandbox"
Said = Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Control:
    """What the control routes reach."""

    store: Store
    service: Service
    faults: Faults
    traffic: Traffic
    entities: Mapping[str, Entity]

    def answer(self, request: Request) -> Answer:
        """The answer to a control request."""
        name = request.path.removeprefix(PREFIX).strip("/")
        act = _ACTS.get((request.verb, name))
        if act is None:
            return answers.as_json({"routes": sorted(f"{verb} {PREFIX}/{route}" for verb, route in _ACTS)}, status=404)
        try:
            return answers.as_json(act(self, _said(request)))
        except Refused as refused:
            return answers.errors(refused.texts, status=400 if refused.status == 500 else refused.status)  # noqa: PLR2004 -- HTTP
        except (SandboxError, KeyError, TypeError, ValueError) as error:
            return answers.errors([f"{type(error).__name__}: {error}"], status=400)

    def setting(self, name: str, change: Callable[[Json], Json], default: Json) -> Json:
        """Changes one setting of the tenant for good; what it is now."""
        with self.store.writing() as db:
            value = change(tenant.get(db, name, default))
            tenant.put(db, name, value)
        return value


def _said(request: Request) -> Said:
    if request.verb != "GET" and "json" not in request.headers.get("content-type", "application/json"):
        raise Refused("Content-Type must be application/json.", status=415)
    said = json.loads(request.body) if request.body.strip() else {}
    if not isinstance(said, dict):
        raise Refused("The body must be a JSON object.")
    return said


def _overview(control: Control, said: Said) -> object:
    del said
    here = control.service.tenant()
    return {
        "database": str(control.store.path),
        "now": here.now().isoformat(),
        "zone": here.zone,
        "calls": control.service.hour.used(here.now()),
        "faults": control.faults.known(),
        "routes": sorted(f"{verb} {PREFIX}/{route}" for verb, route in _ACTS),
    }


def _switches(control: Control, said: Said) -> object:
    here = control.service.tenant().switches
    return {
        switch.name: {"value": here[switch.name], "choices": switch.choices, "why": switch.why}
        for switch in switches.ALL
        if not said or switch.name in said
    }


def _set_switches(control: Control, said: Said) -> object:
    for name, value in said.items():
        switches.check(name, value)
    control.setting("switches", lambda before: {**before, **said}, {})
    return _switches(control, said)


def _clock(control: Control, said: Said) -> object:
    """`{"now": instant}` runs on from there, `{"stands": …}` stands; `{"advance": seconds}`; `{}` is real time."""
    moved: dict[str, Json] = {}
    if "stands" in said:
        moved = {"stands": _instant(said["stands"]).isoformat()}
    elif "now" in said:
        moved = {"ahead": (_instant(said["now"]) - datetime.now(UTC)).total_seconds()}
    elif "advance" in said:
        moved = {"ahead": (control.service.tenant().now() - datetime.now(UTC)).total_seconds() + float(said["advance"])}
    control.setting("clock", lambda _: moved, {})
    return {"now": control.service.tenant().now().isoformat()}


def _instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _post(control: Control, said: Said) -> object:
    """Approve & Post: `{"contract": id, "until": day}`; without a contract, of all."""
    return {"posted": _books(control, said, lambda books, line, holder: books.post(line, holder, _day(said, "until")))}


def _unpost(control: Control, said: Said) -> object:
    """`{"contract": id, "since": day}`."""
    return {"done": _books(control, said, lambda books, line, holder: books.unpost(line, holder, _day(said, "since")))}


def _day(said: Said, name: str) -> date:
    return date.fromisoformat(str(said[name])[:10])


def _books(control: Control, said: Said, act: Callable[..., int | None]) -> int:
    done = 0
    with control.store.writing() as db:
        books = Books(db, control.service.tenants.current(db))
        contracts = (
            [said["contract"]] if "contract" in said else [row[0] for row in db.execute('SELECT id FROM "Contracts"')]
        )
        for contract in contracts:
            for line in LINES:
                for holder in books.holders(line, contract):
                    done += act(books, line, holder) or 0
    return done


def _zone(control: Control, said: Said) -> object:
    """Moves the tenant to another zone: its old address answers 401, the look-up gives the new one."""
    zone = str(said.get("zone", "")).strip("/").lower()
    return {"zone": control.setting("zone", lambda _: zone, "")}


def _users(control: Control, said: Said) -> object:
    """`{"users": […], "levels": {…}}`, as in a seed; what is named replaces what was there."""
    with control.store.writing() as db:
        seed.sow(db, control.entities, {name: said[name] for name in ("users", "levels") if name in said})
        here = control.service.tenants.current(db)
        return {"users": [{"username": user.username, "level": user.level.name} for user in here.users]}


def _seed(control: Control, said: Said) -> object:
    with control.store.writing() as db:
        seed.sow(db, control.entities, said)
    return {"done": True}


def _reset(control: Control, said: Said) -> object:
    """Empties the database; a document in the body seeds it anew."""
    with control.store.writing() as db:
        seed.empty(db, control.entities)
        if said:
            seed.sow(db, control.entities, said)
    return {"done": True}


def _dump(control: Control, said: Said) -> object:
    del said
    with control.store.reading() as db:
        return seed.harvest(db, control.service.tenants.current(db))


def _snapshot(control: Control, said: Said) -> object:
    snapshots.snapshot(control.store.path, Path(said["file"]))
    return {"file": said["file"]}


def _restore(control: Control, said: Said) -> object:
    snapshots.restore(Path(said["file"]), control.store.path)
    return {"file": said["file"]}


def _faults(control: Control, said: Said) -> object:
    del said
    return {"faults": control.faults.known()}


def _set_fault(control: Control, said: Said) -> object:
    return {"id": control.faults.set(said)}


def _clear_faults(control: Control, said: Said) -> object:
    control.faults.clear(said.get("id"))
    return _faults(control, {})


def _requests(control: Control, said: Said) -> object:
    del said
    return {"requests": control.traffic.latest(), "counts": control.traffic.counts()}


def _clear_requests(control: Control, said: Said) -> object:
    del said
    control.traffic.clear()
    return {"done": True}


_ACTS: dict[tuple[str, str], Callable[[Control, Said], object]] = {
    ("GET", ""): _overview,
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
    ("GET", "faults"): _faults,
    ("POST", "faults"): _set_fault,
    ("DELETE", "faults"): _clear_faults,
    ("GET", "requests"): _requests,
    ("DELETE", "requests"): _clear_requests,
}
