"""The control routes that the Dataverse stand-in adds: clock, rows, snapshots.

Rows go by the logical name of their table and by their key: `{"table": "account", "id": …, "values": {…}}`.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from engine.sandbox import clock
from engine.sandbox.answers import Refused
from engine.sandbox.control import Control, Said, common
from engine.sandbox.dataverse.faults import key
from engine.sandbox.dataverse.schema import Kind, names
from engine.sandbox.dataverse.store import RowStore
from engine.sandbox.faults import Faults
from engine.sandbox.traffic import Traffic

ALL = 1 << 31
"""More rows than a table here has."""


@dataclass(frozen=True, slots=True)
class Levers:
    """What the control routes reach."""

    store: RowStore
    kinds: Mapping[str, Kind]
    change: Callable[..., None]  # a row's columns, as somebody does who works in Work 365
    faults: Faults
    traffic: Traffic
    forget: Callable[[], None]  # what the service limits have counted

    def control(self) -> Control:
        """The routes, each with what it does."""
        own = {name: partial(act, self) for name, act in _ACTS.items()}
        return Control(partial(_overview, self), {**common(self.faults, self.traffic), **own})

    def row(self, said: Said) -> tuple[str, str]:
        """Table and key of the row in question. Raises Refused, KeyError, ValueError."""
        if said["table"] not in self.kinds:
            raise Refused(f"There is no table {said['table']}; there are {', '.join(self.kinds)}.")
        return said["table"], key(said["id"])


def _overview(levers: Levers) -> Said:
    store = levers.store
    return {
        "now": store.now().isoformat(),
        "rows": {name: store.count(name) for name in levers.kinds},
        "version": store.version,
        "faults": levers.faults.known(),
    }


def _clock(levers: Levers, said: Said) -> object:
    """By it tokens and change tokens expire."""
    levers.store.remember(clock=json.dumps(clock.moved(levers.store.clock, said)))
    return {"now": levers.store.now().isoformat()}


def _change(levers: Levers, said: Said) -> object:
    """Columns of a row under their names in rows; a row that is not there is made."""
    table, row = levers.row(said)
    values = said.get("values", {})
    unknown = set(values) - set(names(levers.kinds[table]))
    if unknown:
        raise Refused(f"{table} has no {', '.join(sorted(unknown))}.")
    levers.change(table, row, **values)
    return {"done": True}


def _remove(levers: Levers, said: Said) -> object:
    with levers.store.writing():
        levers.store.remove(*levers.row(said))
    return {"done": True}


def _dump(levers: Levers, said: Said) -> object:
    """Every row by table, under the names of this environment, in the order of their keys."""
    del said
    rows: dict[str, list[Mapping[str, object]]] = {}
    for name in levers.kinds:
        stored = sorted(levers.store.after(name, 0, ALL, gone=False), key=lambda each: each.key)
        rows[name] = [{column: json.loads(text) for column, text in each.values().items()} for each in stored]
    return {"rows": rows}


def _snapshot(levers: Levers, said: Said) -> object:
    levers.store.snapshot(Path(said["file"]))
    return {"file": said["file"]}


def _restore(levers: Levers, said: Said) -> object:
    """As it was then, with nothing counted of the limits' last five minutes."""
    levers.store.restore(Path(said["file"]))
    levers.forget()
    return {"file": said["file"]}


_ACTS: dict[tuple[str, str], Callable[[Levers, Said], object]] = {
    ("POST", "clock"): _clock,
    ("POST", "rows"): _change,
    ("DELETE", "rows"): _remove,
    ("GET", "dump"): _dump,
    ("POST", "snapshot"): _snapshot,
    ("POST", "restore"): _restore,
}
