"""The control routes of the Dataverse sandbox: clock, rows, dump, snapshots.

A row is addressed by the logical name of its table and by its key:
`{"table": "account", "id": …, "values": {…}}`.
"""

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from msgspec import Struct

from trueup.sandbox.dataverse.faults import row_key
from trueup.sandbox.dataverse.schema import TableDefinition
from trueup.sandbox.dataverse.store import RowStore
from trueup.sandbox.http.control import Actions, ControlRoutes, common_actions
from trueup.sandbox.http.faults import Faults
from trueup.sandbox.http.json_types import JsonObject
from trueup.sandbox.http.responses import HttpError
from trueup.sandbox.http.traffic import Traffic

ALL = 1 << 31
"""More rows than any table has."""


class DataverseControl(Struct, frozen=True):
    """What the control routes of one environment act on."""

    store: RowStore
    definitions: Mapping[str, TableDefinition]
    change: Callable[..., None]  # changes columns of a row
    faults: Faults
    traffic: Traffic
    restored: Callable[[], None]  # called after a snapshot was restored

    def routes(self) -> ControlRoutes:
        """Returns the routes with their actions."""
        own: Actions = {name: partial(action, self) for name, action in _ACTIONS.items()}
        actions = {**common_actions(self.faults, self.traffic), **own}
        return ControlRoutes(partial(_overview, self), actions)

    def row(self, body: JsonObject) -> tuple[str, str]:
        """Returns the table and the key that a body names.

        Raises `HttpError`, `KeyError` or `ValueError`.
        """
        if body["table"] not in self.definitions:
            known = ", ".join(self.definitions)
            raise HttpError(f"There is no table {body['table']}; there are {known}.")
        return body["table"], row_key(body["id"])


def _overview(control: DataverseControl) -> JsonObject:
    store = control.store
    return {
        "now": store.facts.now().isoformat(),
        "rows": {name: store.count(name) for name in control.definitions},
        "version": store.facts.version,
        "faults": control.faults.known(),
    }


def _clock(control: DataverseControl, body: JsonObject) -> object:
    """Moves the clock, by which access tokens and change tokens expire."""
    control.store.facts.move_clock(body)
    return {"now": control.store.facts.now().isoformat()}


def _change(control: DataverseControl, body: JsonObject) -> object:
    """Sets columns of a row by their names in rows; adds a row that does not exist."""
    table, row = control.row(body)
    values = body.get("values", {})
    unknown = set(values) - set(control.definitions[table].wire_names())
    if unknown:
        raise HttpError(f"{table} has no {', '.join(sorted(unknown))}.")
    control.change(table, row, **values)
    return {"done": True}


def _remove(control: DataverseControl, body: JsonObject) -> object:
    with control.store.writing():
        control.store.remove(*control.row(body))
    return {"done": True}


def _dump(control: DataverseControl, _body: JsonObject) -> object:
    """Shows all rows by table, in the order of their keys."""
    rows: dict[str, list[Mapping[str, object]]] = {}
    for name in control.definitions:
        stored = control.store.after(name, 0, ALL, gone=False)
        stored.sort(key=lambda row: row.key)
        rows[name] = [
            {column: json.loads(text) for column, text in row.values().items()} for row in stored
        ]
    return {"rows": rows}


def _snapshot(control: DataverseControl, body: JsonObject) -> object:
    control.store.snapshot(Path(body["file"]))
    return {"file": body["file"]}


def _restore(control: DataverseControl, body: JsonObject) -> object:
    """Restores a snapshot. The limits forget the requests of the last 300 seconds."""
    control.store.restore(Path(body["file"]))
    control.restored()
    return {"file": body["file"]}


_ACTIONS: dict[tuple[str, str], Callable[[DataverseControl, JsonObject], object]] = {
    ("POST", "clock"): _clock,
    ("POST", "rows"): _change,
    ("DELETE", "rows"): _remove,
    ("GET", "dump"): _dump,
    ("POST", "snapshot"): _snapshot,
    ("POST", "restore"): _restore,
}
